"""Tokens and sessions on every database: nothing readable is stored, what ended opens nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from reglab.core.presets import build
from reglab.core.storage import NotFoundError, Submission, TokenRefusedError
from reglab.core.storage import tokens as module
from reglab.core.storage.models import BrowserSession, Token


def rows(storage, model):
    with storage.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(model.__table__))]


def test_a_token_is_found_by_its_text_and_no_secret_is_stored(storage):
    made, text = storage.tokens.create("laptop", "submit")
    assert storage.tokens.authenticate(text) == made
    assert (made.name, made.scope, made.expires_at, made.last_used_at) == (
        "laptop", "submit", None, None,
    )  # fmt: skip
    secret = text.removeprefix(f"reglab_{made.id}_")
    # 256 bits in URL-safe base 64.
    assert len(secret) == 43
    session = storage.sessions.open(made, 60)
    for model in (Token, BrowserSession):
        stored = repr(rows(storage, model))
        assert secret not in stored
        assert session not in stored
    assert storage.tokens.create("other", "submit")[1] != text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.replace("reglab_", "reglab_0", 1),
        lambda text: f"reglab_{'0' * 16}_{text.rpartition('_')[2]}",
        lambda text: text.upper(),
        lambda text: f"{text}\n",
    ],
)
def test_what_is_not_the_token_is_refused(storage, change):
    _, text = storage.tokens.create("laptop", "admin")
    with pytest.raises(TokenRefusedError, match="not known"):
        storage.tokens.authenticate(change(text))


def test_an_expired_token_says_when_and_one_of_tomorrow_works(storage):
    now = datetime.now(UTC)
    _, late = storage.tokens.create("late", "read", now - timedelta(seconds=1))
    with pytest.raises(TokenRefusedError, match=r"'late' expired at 20\d\d-"):
        storage.tokens.authenticate(late)
    assert not storage.tokens.any_active()
    made, fresh = storage.tokens.create("fresh", "read", now + timedelta(days=1))
    assert storage.tokens.authenticate(fresh) == made
    assert storage.tokens.any_active()


def test_a_revoked_token_ends_at_once_with_its_sessions(storage):
    kept, kept_text = storage.tokens.create("kept", "read")
    made, text = storage.tokens.create("lost", "admin")
    session, other = storage.sessions.open(made, 60), storage.sessions.open(kept, 60)
    revoked = storage.tokens.revoke(made.id)
    assert revoked.revoked_at is not None
    assert storage.tokens.revoke(made.id) == revoked
    with pytest.raises(TokenRefusedError, match="'lost' was revoked"):
        storage.tokens.authenticate(text)
    with pytest.raises(TokenRefusedError):
        storage.sessions.authenticate(session)
    assert storage.tokens.authenticate(kept_text) == kept
    assert storage.sessions.authenticate(other) == kept
    # The list keeps it: who had access once can be told later.
    assert {token.name: token.state(datetime.now(UTC)) for token in storage.tokens.everyone()} == {
        "kept": "active", "lost": "revoked",
    }  # fmt: skip
    with pytest.raises(NotFoundError):
        storage.tokens.revoke("0" * 16)


def test_use_is_noted_but_not_with_every_request(storage, monkeypatch):
    made, text = storage.tokens.create("laptop", "read")
    storage.tokens.note_use(made)
    first = storage.tokens.authenticate(text)
    assert abs(first.last_used_at - datetime.now(UTC)) < timedelta(seconds=10)
    storage.tokens.note_use(first)
    assert storage.tokens.authenticate(text) == first
    monkeypatch.setattr(module, "USE_NOTED_EVERY", timedelta(0))
    storage.tokens.note_use(first)
    assert storage.tokens.authenticate(text).last_used_at > first.last_used_at


def test_sessions_end_by_time_by_sign_out_and_with_their_token(storage):
    made, _ = storage.tokens.create("browser", "submit")
    brief, closed, kept = (storage.sessions.open(made, seconds) for seconds in (0, 60, 60))
    storage.sessions.close(closed)
    storage.sessions.close(closed)
    for secret in (brief, closed, "", "x" * 43):
        with pytest.raises(TokenRefusedError):
            storage.sessions.authenticate(secret)
    assert storage.sessions.authenticate(kept) == made
    # Ended ones are forgotten when the next begins.
    storage.sessions.open(made, 60)
    assert len(rows(storage, BrowserSession)) == 2
    ending, _ = storage.tokens.create("ending", "read", datetime.now(UTC))
    with pytest.raises(TokenRefusedError, match="expired"):
        storage.sessions.authenticate(storage.sessions.open(ending, 60))


def test_an_experiment_knows_who_submitted_it(storage):
    made, _ = storage.tokens.create("laptop", "submit")
    spec = build("l2", {"sweep": {}})
    known, _ = storage.experiments.create(
        Submission.of(spec, token_id=made.id, estimated_seconds=2.5)
    )
    record = storage.experiments.get(known)
    assert (record.token_id, record.estimated_seconds) == (made.id, 2.5)
    nobodys, _ = storage.experiments.create(Submission.of(spec))
    assert storage.experiments.get(nobodys).token_id is None
