"""Tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field, field_validator

from reglab.core.storage import AccessScope, TokenRecord

ID = "9f1c2ab04d7e6635"


class TokenRequest(BaseModel):
    """A token to create."""

    model_config = {"extra": "forbid"}

    name: str = Field(
        min_length=1,
        max_length=100,
        description="Purpose or owner of the token.",
        examples=["notebook"],
    )
    scope: AccessScope = Field(
        "read",
        description="Scope of the token; 'submit' includes 'read', and 'admin' includes both.",
    )
    days: float | None = Field(
        90,
        gt=0,
        le=36500,
        description="Days until it expires; null for a token that never expires.",
    )

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("Use printable characters")
        return name


class TokenBody(BaseModel):
    """A token without its secret, which is not stored."""

    id: str = Field(description="Id of the token, which is also part of its text.", examples=[ID])
    name: str = Field(description="Purpose or owner of the token.", examples=["notebook"])
    scope: AccessScope = Field(description="Scope of the token.")
    state: Literal["active", "expired", "revoked"] = Field(
        description="Whether it is valid, expired or revoked."
    )
    created_at: datetime = Field(description="Time of creation (UTC).")
    expires_at: datetime | None = Field(
        description="Time of expiry (UTC); null if it never expires."
    )
    revoked_at: datetime | None = Field(
        description="Time of revocation (UTC); null if it was not revoked."
    )
    last_used_at: datetime | None = Field(
        description="Time of the last use (UTC), accurate to some minutes."
    )

    @classmethod
    def of(cls, record: TokenRecord) -> TokenBody:
        """From what storage gives."""
        return cls.model_validate({**vars(record), "state": record.state(datetime.now(UTC))})


class NewToken(TokenBody):
    """A token that was just created."""

    token: str = Field(
        description="Text of the token, which is shown only once.", examples=[f"reglab_{ID}_…"]
    )


class TokenList(BaseModel):
    """All tokens."""

    items: list[TokenBody] = Field(description="The tokens, newest first.")
