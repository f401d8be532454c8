"""How the Python client and the command line carry tokens, and what they never tell."""

from __future__ import annotations

import traceback

import httpx
import pytest
from typer.testing import CliRunner

from reglab.client import Client, ClientError, DeniedError, UnexpectedReplyError
from reglab.client.cli import app
from reglab.client.cli.base import Options
from reglab.client.settings import Settings

SECRET = "reglab_0123456789abcdef_" + "s" * 43


def client(*replies: httpx.Response, token: str | None = SECRET, url="http://lab.test"):
    sent: list[httpx.Request] = []
    script = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return script.pop(0)

    return Client(url, token, transport=httpx.MockTransport(answer), retries=0), sent


@pytest.mark.parametrize("target", ["https://lab.test/v1/presets", "http://evil.example/?q=1"])
def test_a_token_never_follows_a_redirect(target):
    made, sent = client(httpx.Response(307, headers={"Location": target}))
    with pytest.raises(UnexpectedReplyError, match=r"redirects to https?://[\w.]+\. ") as caught:
        made.presets()
    assert len(sent) == 1
    assert "REGLAB_URL" in caught.value.remedy
    assert sent[0].headers["authorization"] == f"Bearer {SECRET}"


def test_an_empty_token_sends_none_and_the_variable_is_the_default(monkeypatch):
    monkeypatch.setenv("REGLAB_TOKEN", f" {SECRET}\n")
    for token, wanted in ((None, f"Bearer {SECRET}"), ("", None), ("other", "Bearer other")):
        made, sent = client(httpx.Response(200, json={"items": []}), token=token)
        made.presets()
        assert sent[0].headers.get("authorization") == wanted


@pytest.mark.parametrize("token", ["tok\u00e9n", "two words", "a\nb", '"quoted"'])
def test_what_cannot_be_a_token_is_refused_without_showing_it(token):
    with pytest.raises(ClientError, match="characters") as caught:
        Settings.choose("http://lab.test", token, {})
    assert token not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_says_what_to_do_even_from_a_proxy(status):
    made, _ = client(httpx.Response(status, text="<html>no</html>"))
    with pytest.raises(DeniedError) as caught:
        made.presets()
    assert "REGLAB_TOKEN" in caught.value.remedy


def test_no_repr_and_no_error_shows_the_token():
    made, sent = client(httpx.Response(500), httpx.Response(401, json={}), httpx.Response(200))
    shown = [repr(made), repr(made.settings), repr(Options(token=SECRET))]
    for _ in range(3):
        try:
            made.presets()
        except ClientError as error:
            shown += [repr(error), str(error), "".join(traceback.format_exception(error))]
    shown += [repr(request.headers) for request in sent]
    assert len(shown) > 10
    assert SECRET not in "".join(shown)


@pytest.mark.parametrize("token", [SECRET, "0123456789abcdef"])
def test_of_a_token_to_revoke_its_id_alone_is_sent(token):
    made, sent = client(httpx.Response(204))
    made.revoke_token(token)
    assert str(sent[0].url) == "http://lab.test/v1/tokens/0123456789abcdef"
    with pytest.raises(ClientError, match="no token's id") as caught:
        made.revoke_token(SECRET[:-1])
    assert SECRET[:-1] not in str(caught.value)


@pytest.fixture
def served(guarded, monkeypatch):
    """The command line against a guarded app, without a network."""
    asgi = guarded.client()

    def forward(request: httpx.Request) -> httpx.Response:
        reply = asgi.request(
            request.method, str(request.url.path), content=request.content, headers=request.headers
        )
        return httpx.Response(reply.status_code, content=reply.content, headers=reply.headers)

    def transport(*args, **kwargs):
        return httpx.MockTransport(forward)

    monkeypatch.setattr("reglab.client.session.httpx.HTTPTransport", transport)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, scope: str = "admin", code: int = 0):
        env = {"REGLAB_URL": "http://testserver", "REGLAB_TOKEN": guarded.texts[scope]}
        done = CliRunner().invoke(app, list(arguments), env=env)
        assert done.exit_code == code, done.output
        assert guarded.texts[scope] not in done.output
        return done

    return run


def test_the_command_line_makes_lists_and_revokes(served, guarded):
    made = served("tokens", "create", "the course", "--scope", "submit", "--days", "30")
    # The app runs in this process, and its log lines are on the same output.
    (text,) = [line for line in made.stdout.splitlines() if line.startswith("reglab_")]
    assert guarded.storage.tokens.authenticate(text).scope == "submit"
    assert "not shown again" in made.stderr
    assert text not in made.stderr
    identity = text.split("_")[1]
    listed = served("tokens", "list").stdout
    assert "the course" in listed
    assert identity in listed
    assert text not in listed
    assert f"Revoked {identity}" in served("tokens", "revoke", text).stdout
    assert '"state": "revoked"' in served("tokens", "list", "--json").stdout
    served("tokens", "revoke", "0" * 16, code=6)


def test_too_little_and_nothing_are_told_with_the_remedy(served):
    refused = served("tokens", "list", scope="submit", code=4)
    assert "needs the scope 'admin'" in refused.stderr
    assert "--scope admin" in refused.stderr


def test_doctor_says_that_a_token_is_missing(served, guarded, monkeypatch):
    record, text = guarded.storage.tokens.create("ended", "read")
    guarded.storage.tokens.revoke(record.id)
    monkeypatch.setitem(guarded.texts, "ended", text)
    checked = served("doctor", scope="ended", code=1)
    assert "access: Authorization: The token 'ended' was revoked" in checked.stdout
