"""Bearer tokens: made, checked, listed, revoked. Their secrets are shown once and never stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from reglab.core.storage.database import Transactions, repeats
from reglab.core.storage.models import BrowserSession, Token
from reglab.core.storage.records import TokenRecord
from reglab.core.storage.states import AccessScope, NotFoundError, TokenRefusedError

ID_BYTES = 8
SECRET_BYTES = 32
FORM = re.compile(r"reglab_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
# Reads must not become writes: the time of the last use is noted this often.
USE_NOTED_EVERY = timedelta(minutes=5)
UNKNOWN = "The token is not known."
# Compared with where there is no such token, so that both take the same time.
NO_DIGEST = "0" * 64


def digest(secret: str) -> str:
    """SHA-256 in hex; of 256 random bits a slow hash would protect no better (decision 070)."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tokens:
    """Repository of tokens; every method is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @repeats
    def create(
        self, name: str, scope: AccessScope, expires_at: datetime | None = None
    ) -> tuple[TokenRecord, str]:
        """A new token, and its text ``reglab_<id>_<secret>``, which nobody can read again.

        Args:
            name: What or whom it is for.
            scope: What it allows; 'submit' includes 'read', 'admin' includes both.
            expires_at: None never expires.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = Token(
            id=secrets.token_hex(ID_BYTES),
            name=name,
            scope=scope,
            digest=digest(secret),
            created_at=datetime.now(UTC),
            expires_at=expires_at,
        )
        with self._transactions.write(durable=True) as session:
            session.add(row)
        return TokenRecord.of(row), f"reglab_{row.id}_{secret}"

    def authenticate(self, text: str) -> TokenRecord:
        """The token of this text.

        Raises:
            TokenRefusedError: It is not known, has expired or was revoked.
        """
        parsed = FORM.fullmatch(text)
        with self._transactions.read() as session:
            row = session.get(Token, parsed[1]) if parsed else None
            expected = row.digest if row else NO_DIGEST
            same = hmac.compare_digest(digest(parsed[2] if parsed else ""), expected)
            if row is None or not same:
                raise TokenRefusedError(UNKNOWN)
            return valid(TokenRecord.of(row))

    def note_use(self, token: TokenRecord) -> None:
        """Store that it was used now; does nothing if that is known to within some minutes."""
        moment = datetime.now(UTC)
        if token.last_used_at is not None and moment - token.last_used_at < USE_NOTED_EVERY:
            return
        with self._transactions.write() as session:
            mine = update(Token).where(Token.id == token.id)
            session.execute(mine.values(last_used_at=moment))

    def everyone(self) -> list[TokenRecord]:
        """All tokens, the newest first; also those that expired or were revoked."""
        query = select(Token).order_by(Token.created_at.desc(), Token.id)
        with self._transactions.read() as session:
            return [TokenRecord.of(row) for row in session.scalars(query)]

    @repeats
    def revoke(self, token_id: str) -> TokenRecord:
        """End a token and the sessions of browsers that signed in with it, from now on.

        Raises:
            NotFoundError: There is no such token.
        """
        with self._transactions.write(durable=True) as session:
            row = _locked(session, token_id)
            row.revoked_at = row.revoked_at or datetime.now(UTC)
            for each in session.scalars(
                select(BrowserSession).where(BrowserSession.token_id == token_id)
            ):
                session.delete(each)
        return TokenRecord.of(row)

    def any_active(self) -> bool:
        """Whether anyone could get in with a token."""
        lasting = or_(Token.expires_at.is_(None), Token.expires_at > datetime.now(UTC))
        found = exists().where(Token.revoked_at.is_(None), lasting)
        with self._transactions.read() as session:
            return bool(session.scalar(select(found)))


def valid(token: TokenRecord) -> TokenRecord:
    """The same token, or TokenRefusedError that says since when it counts no more."""
    state = token.state(datetime.now(UTC))
    if state == "active":
        return token
    since = token.revoked_at if state == "revoked" else token.expires_at
    verb = "was revoked" if state == "revoked" else "expired"
    raise TokenRefusedError(f"The token '{token.name}' {verb} at {since:%Y-%m-%d %H:%M} UTC.")


def _locked(session: Session, token_id: str) -> Token:
    row = session.get(Token, token_id, with_for_update=True)
    if row is None:
        raise NotFoundError(f"There is no token '{token_id}'.")
    return row
