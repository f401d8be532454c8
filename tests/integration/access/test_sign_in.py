"""The page signs in by a cookie that scripts and other sites cannot use, and out again."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from reglab.api.access.policy import Policy
from tests.harness.inline import SMALL

PAGE = {"Accept": "text/html"}
HOME = "/experiments"


def sign_in(client, text: str, target: str = HOME, **headers: str):
    return client.post("/sign-in", data={"token": text, "next": target}, headers=headers)


def csrf_of(client) -> str:
    return re.search(r'name="csrf-token" content="([0-9a-f]{64})"', page(client).text)[1]


def page(client, path: str = HOME):
    return client.get(path, headers=PAGE)


@pytest.fixture
def browser(guarded):
    """Signed in with the scope submit."""
    client = guarded.client()
    assert sign_in(client, guarded.texts["submit"]).status_code == 303
    return client


def test_a_page_leads_to_the_form_and_the_form_back(guarded):
    client = guarded.client()
    reply = page(client, "/experiments?q=moons&sort=name")
    assert reply.status_code == 303
    form = client.get(reply.headers["location"], headers=PAGE)
    assert form.status_code == 200
    assert 'name="next" value="/experiments?q=moons&amp;sort=name"' in form.text
    assert "csrf-token" not in form.text
    reply = sign_in(client, f"  {guarded.texts['read']}\n", "/experiments?q=moons&sort=name")
    assert (reply.status_code, reply.headers["location"]) == (303, "/experiments?q=moons&sort=name")
    shown = page(client)
    assert shown.status_code == 200
    assert "the read one" in shown.text


def test_the_cookie_is_out_of_reach(guarded):
    client = guarded.client()
    cookie = sign_in(client, guarded.texts["read"]).headers["set-cookie"]
    assert re.fullmatch(
        r"reglab-session=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=strict", cookie
    )
    secure = guarded.client(base_url="https://testserver")
    cookie = sign_in(secure, guarded.texts["read"]).headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-reglab=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=strict; Secure", cookie
    )
    assert page(secure).status_code == 200
    # Neither the token nor a piece of it is in the cookie or in a page.
    for client_ in (client, secure):
        secret = guarded.texts["read"].split("_", 2)[2]
        assert secret not in str(dict(client_.cookies)) + page(client_).text


@pytest.mark.parametrize("text", ["", "nonsense", "reglab_" + "0" * 16 + "_" + "x" * 43])
def test_a_wrong_token_is_told_and_not_shown_again(guarded, text):
    client = guarded.client()
    reply = sign_in(client, text, **PAGE)
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers
    assert "The token is not known." in reply.text
    assert not text or text not in reply.text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "experiments",
        "/sign-in",
        "http://[",
        "",
    ],
)
def test_the_form_leads_nowhere_else(guarded, target):
    client = guarded.client()
    assert f'name="next" value="{HOME}"' in client.get("/sign-in", params={"next": target}).text
    assert sign_in(client, guarded.texts["read"], target).headers["location"] == HOME


def test_another_site_cannot_sign_a_browser_in(guarded):
    reply = sign_in(guarded.client(), guarded.texts["read"], Origin="https://evil.example")
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers


def test_what_changes_something_needs_the_page_s_csrf_token(browser, guarded):
    assert browser.get("/v1/presets").status_code == 200
    wrong = ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "\u00e9"})
    for headers in wrong:
        sent = {k: v.encode("latin-1") for k, v in headers.items()}
        reply = browser.post("/v1/experiments", json=SMALL, headers=sent)
        assert reply.status_code == 403
        assert reply.json()["type"] == "urn:reglab:csrf"
    headers = {"X-CSRF-Token": csrf_of(browser)}
    made = browser.post("/v1/experiments", json=SMALL, headers=headers)
    assert made.status_code == 202
    path = made.headers["location"]
    assert guarded.storage.experiments.get(made.json()["id"]).token_id == guarded.ids["submit"]
    assert browser.patch(path, json={"name": "x"}).status_code == 403
    assert browser.patch(path, json={"name": "x"}, headers=headers).status_code == 200
    assert browser.delete("/v1/tokens/" + guarded.ids["read"], headers=headers).status_code == 403
    # One session's token is worth nothing in another.
    other = guarded.client()
    sign_in(other, guarded.texts["submit"])
    assert csrf_of(other) != headers["X-CSRF-Token"]
    assert other.post("/v1/experiments", json=SMALL, headers=headers).status_code == 403
    # A request with a token of its own does not depend on the cookie.
    own = {"Authorization": f"Bearer {guarded.texts['submit']}"}
    assert browser.post("/v1/experiments", json=SMALL, headers=own).status_code == 202


def test_signing_out_ends_the_session_in_the_database(browser, guarded):
    kept = dict(browser.cookies)
    assert browser.post("/sign-out", data={"csrf": "0" * 64}).status_code == 403
    assert page(browser).status_code == 200
    reply = browser.post("/sign-out", data={"csrf": csrf_of(browser)})
    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")
    assert not browser.cookies
    thief = guarded.client(cookies=kept)
    assert thief.get("/v1/presets").status_code == 401
    assert browser.post("/sign-out").status_code == 303


def test_a_session_ends_with_its_token_and_with_time(guarded):
    record, text = guarded.storage.tokens.create("browser", "read")
    client = guarded.client()
    sign_in(client, text)
    assert page(client).status_code == 200
    guarded.storage.tokens.revoke(record.id)
    assert page(client).status_code == 303
    assert client.get("/v1/presets").json()["detail"].endswith(".")
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert (
        sign_in(client, guarded.storage.tokens.create("soon", "read", soon)[1]).status_code == 303
    )
    brief = guarded.client(Policy(mode="tokens", session_hours=0.05 / 3600))
    cookie = sign_in(brief, guarded.texts["read"]).headers["set-cookie"].split(";")[0]
    time.sleep(0.1)
    assert brief.get("/v1/presets", headers={"Cookie": cookie}).status_code == 401


def test_a_link_on_another_site_finds_the_browser_signed_in(guarded):
    """A strict cookie is not sent with such a link: our own page goes on once, then it is."""
    client = guarded.client()
    linked = {**PAGE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    reply = client.get("/compare", headers=linked)
    form = client.get(reply.headers["location"], headers=linked)
    assert '<meta http-equiv="refresh" content="0; url=/compare">' in form.text
    again = {**linked, "Sec-Fetch-Site": "same-origin"}
    reply = client.get("/compare", headers=again)
    assert "http-equiv" not in client.get(reply.headers["location"], headers=again).text


def test_on_loopback_there_is_nothing_to_sign_in_to(guarded):
    local = guarded.client(Policy(hosts=frozenset({"testserver"})))
    assert "Sign out" not in page(local).text
    reply = local.get("/sign-in", params={"next": "/compare"}, headers=PAGE)
    assert (reply.status_code, reply.headers["location"]) == (303, "/compare")
