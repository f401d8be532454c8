"""Sessions of browsers: a cookie in place of the token that was given once."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from reglab.core.storage.database import Transactions, repeats
from reglab.core.storage.models import BrowserSession, Token
from reglab.core.storage.records import TokenRecord
from reglab.core.storage.states import TokenRefusedError
from reglab.core.storage.tokens import SECRET_BYTES, digest, valid

# Browsers that one token is signed in with at once.
MOST = 100


class Sessions:
    """Repository of sessions; every method is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @repeats
    def open(self, token: TokenRecord, seconds: float) -> str:
        """Begin a session; returns its secret, which is not stored.

        It ends with its token at the latest. Sessions that have ended are forgotten, and a token's
        oldest beyond ``MOST``.
        """
        secret, moment = secrets.token_urlsafe(SECRET_BYTES), datetime.now(UTC)
        end = moment + timedelta(seconds=seconds)
        with self._transactions.write() as session:
            session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= moment))
            mine = select(BrowserSession.digest).where(BrowserSession.token_id == token.id)
            newest = mine.order_by(BrowserSession.created_at.desc()).offset(MOST - 1)
            oldest = list(session.scalars(newest))
            session.execute(delete(BrowserSession).where(BrowserSession.digest.in_(oldest)))
            session.add(
                BrowserSession(
                    digest=digest(secret), token_id=token.id, created_at=moment, expires_at=end
                )
            )
        return secret

    def authenticate(self, secret: str) -> TokenRecord:
        """The token that a session stands for.

        The row is found by the digest of 256 random bits: how long that takes tells nothing of
        the secret.

        Raises:
            TokenRefusedError: The session is not known or has ended, or its token has.
        """
        query = select(Token, BrowserSession.expires_at).join(
            BrowserSession, BrowserSession.token_id == Token.id
        )
        with self._transactions.read() as session:
            found = session.execute(query.where(BrowserSession.digest == digest(secret))).first()
            if found is None or found.expires_at <= datetime.now(UTC):
                raise TokenRefusedError("The session has ended.")
            return valid(TokenRecord.of(found.Token))

    @repeats
    def close(self, secret: str) -> None:
        """End a session; nothing happens if it has ended."""
        with self._transactions.write() as session:
            session.execute(delete(BrowserSession).where(BrowserSession.digest == digest(secret)))
