"""Nobody reaches more than the scope of a token allows, however the address is disturbed."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import anyio
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.middleware import Middleware

from reglab.api.access.routes import close, contexts, handler_of
from reglab.api.app import create_app
from reglab.core.storage import SCOPES
from tests.harness.fuzz import inputs, tell
from tests.harness.guarded import TOKENS, Guarded
from tests.integration.access.test_scopes import ANY_ID, wanted

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP")
CONTROL = ("%0A", "%0D", "%09", "%00", "%7F", "%0d%0a", "%C2%85", "%E2%80%A8")
OTHER = ("/", "//", "%2F", ";", ".", "..", "%2e", "%20", "%25", "%5C", "?", "{", "x", "%C3%9F")
BODY = json.dumps({"name": "x", "scope": "admin"}).encode()


class Reached:
    """The innermost layer: notes which handler the router called."""

    def __init__(self, app, handlers):
        self.app, self.handlers = app, handlers

    async def __call__(self, scope, receive, send):
        try:
            await self.app(scope, receive, send)
        finally:
            self.handlers.append(scope.get("endpoint"))


class Served:
    """An app that asks for tokens, and what each handler is declared here to need."""

    def __init__(self, folder):
        self.guarded = Guarded(folder)
        self.app = create_app(self.guarded.settings, TOKENS)
        self.routes = {}
        for context in contexts(self.app):
            methods = sorted(context.methods or ["GET"])
            path = context.path if context.methods else f"{context.path}/x"
            need = wanted(f"{methods[0]} {path}")
            self.routes[handler_of(context)] = (methods[0], path, need)
        self.watch(self.app)

    def watch(self, app):
        self.handlers = []
        app.user_middleware.append(Middleware(Reached, handlers=self.handlers))

    def call(self, method, raw, scope):
        """The status of a request, and the handler that it reached."""
        self.handlers.clear()
        path, _, query = raw.partition("?")
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(BODY)).encode()))
        if scope:
            headers.append((b"authorization", f"Bearer {self.guarded.texts[scope]}".encode()))
        # The path as uvicorn decodes it.
        asked = {
            "type": "http", "method": method, "path": unquote(path), "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "", "scheme": "http",
            "http_version": "1.1", "headers": headers, "client": ("192.0.2.1", 1),
            "server": ("127.0.0.1", 80), "asgi": {},
        }  # fmt: skip
        status, given = [], [{"type": "http.request", "body": BODY, "more_body": False}]

        async def receive():
            return given.pop() if given else {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                status.append(message["status"])

        anyio.run(self.app, asked, receive, send)
        (status,) = status
        reached = [one for one in self.handlers if one is not None]
        return status, reached[0] if reached else None

    def checked(self, method, raw, scope, what):
        status, reached = self.call(method, raw, scope)
        assert status < 500, (method, raw, scope)
        if reached is None:
            assert status in (307, 400, 401, 403, 404, 405, 422), (method, raw, scope, status)
            tell(what, status)
            return
        need = self.routes[reached][2]
        enough = need is None or (scope and SCOPES.index(scope) >= SCOPES.index(need))
        assert enough, (method, raw, scope, reached)
        tell(what, "handled")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("access"))
    yield made
    made.guarded.storage.close()


@st.composite
def disturbed(draw):
    """A number of a route, and how its path is changed in one place."""
    sign = draw(st.sampled_from([*CONTROL, *OTHER]))
    how = draw(st.sampled_from(["insert", "replace", "append", "case", "prepend", "as it is"]))
    return draw(st.integers(0, 10**6)), how, sign, draw(st.integers(0, 10**6))


def change(path, how, sign, place):
    at = place % (len(path) + 1)
    if how == "case":
        return path[:at] + path[at : at + 1].swapcase() + path[at + 1 :]
    if how == "as it is":
        return path
    at = {"append": len(path), "prepend": 0}.get(how, at)
    return path[:at] + sign + path[at + (how == "replace") :]


@given(
    disturbance=disturbed(),
    method=st.sampled_from(METHODS),
    own=st.booleans(),
    scope=st.sampled_from([None, *SCOPES]),
)
@inputs(400)
def test_no_disturbed_address_gives_more_than_the_scope_of_its_route(
    served, disturbance, method, own, scope
):
    number, how, sign, place = disturbance
    routes = list(served.routes.values())
    right, path, _ = routes[number % len(routes)]
    path = re.sub(r"\{[^}]+\}", ANY_ID, path)
    raw = change(path, how, sign, place)
    served.checked(right if own else method, raw, scope, "disturbed addresses")


def test_control_characters_are_refused_before_anything_looks_at_the_path(served):
    for method, template, _ in served.routes.values():
        path = re.sub(r"\{[^}]+\}", ANY_ID, template)
        for sign in CONTROL:
            for raw in (path + sign, path[:3] + sign + path[3:]):
                status, reached = served.call(method, raw, None)
                assert (status, reached) == (400, None), (method, raw)


def test_every_route_is_reached_with_its_scope_and_not_with_less(served):
    for handler, (method, path, need) in served.routes.items():
        raw = re.sub(r"\{[^}]+\}", ANY_ID, path)
        for at, scope in enumerate([None, *SCOPES]):
            enough = need is None or at > SCOPES.index(need)
            status, reached = served.call(method, raw, scope)
            assert (reached is handler) == enough, (method, path, scope)
            if not enough:
                assert status == (403 if scope else 401)


def test_a_route_without_a_declaration_is_refused_at_the_start_and_later(served):
    bare = FastAPI()
    bare.get("/secret")(lambda: 1)
    with pytest.raises(RuntimeError, match="/secret"):
        close(bare)
    late = create_app(served.guarded.settings, TOKENS)
    late.get("/secret")(lambda: 1)
    before = served.app, served.handlers
    served.app = late
    served.watch(late)
    try:
        assert served.call("GET", "/secret", "admin") == (403, None)
    finally:
        served.app, served.handlers = before
