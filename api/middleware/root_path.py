"""Where the server stands below a proxy: links and redirects begin with its path there."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reglab.api.access.policy import Policy
from reglab.core.settings.access import ROOT_PATH

HEADER = "x-forwarded-prefix"
KEY = "reglab.root_path"
# Made by the framework, which reads ``root_path`` of the scope; no route of ours may, as a path
# there must begin with it.
REFERENCE = ("/docs", "/redoc", "/docs/oauth2-redirect")


class RootPathMiddleware:
    """Notes the path that a proxy has taken off, and puts it before redirects.

    It is ``REGLAB_ROOT_PATH``, or else what a trusted proxy says in ``X-Forwarded-Prefix``. A proxy
    that takes nothing off works as well where the variable is set.

    Args:
        app: The next application.
        policy: The server's, with the root path and the trusted proxies.
    """

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        root = self._root(scope) if scope["type"] == "http" else ""
        if not root:
            await self._app(scope, receive, send)
            return
        scope = {**scope, KEY: root}
        if self._policy.root_path and scope["path"].startswith(f"{root}/"):
            scope["path"] = scope["path"][len(root) :]
            scope["raw_path"] = scope.get("raw_path", b"")[len(root) :]
        if scope["path"] in REFERENCE:
            scope["root_path"] = root

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                target = headers.get("location", "")
                if target.startswith("/") and not target.startswith("//"):
                    headers["location"] = root + target
            await send(message)

        await self._app(scope, receive, sending)

    def _root(self, scope: Scope) -> str:
        if self._policy.root_path:
            return self._policy.root_path
        found = Headers(scope=scope).get(HEADER, "").rstrip("/")
        peer = (scope.get("client") or ("",))[0]
        # From anyone else, or of another form, it is no more than a header.
        return found if ROOT_PATH.fullmatch(found) and self._policy.trusts(peer) else ""


def root_of(request: Request) -> str:
    """What links of a page begin with: empty, or a path without a slash at its end."""
    return str(request.scope.get(KEY, ""))
