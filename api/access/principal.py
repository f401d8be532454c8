"""In whose name a request is made."""

from __future__ import annotations

from dataclasses import dataclass

from reglab.core.storage import SCOPES, TokenRecord


@dataclass(frozen=True)
class Principal:
    """What ``request.state.principal`` is.

    Attributes:
        token_id: The token; None where none was asked for.
        name: The token's name.
        scopes: What is allowed.
    """

    token_id: str | None
    name: str
    scopes: frozenset[str]

    @classmethod
    def of(cls, token: TokenRecord) -> Principal:
        """Who holds a token."""
        return cls(token.id, token.name, frozenset(SCOPES[: SCOPES.index(token.scope) + 1]))


# Where no token is asked for, everything is allowed.
ANONYMOUS = Principal(None, "anonymous", frozenset(SCOPES))
# Who asks for what is open to all, on a server that asks for tokens.
NOBODY = Principal(None, "nobody", frozenset())
