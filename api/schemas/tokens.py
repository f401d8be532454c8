"""Tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field, field_validator

from reglab.core.storage import AccessScope, TokenRecord

ID = "9f1c2ab04d7e6635"


class TokenRequest(BaseModel):
    """A token to be made."""

    model_config = {"extra": "forbid"}

    name: str = Field(
        min_length=1, max_length=100, description="What or whom it is for.", examples=["notebook"]
    )
    scope: AccessScope = Field(
        "read", description="What it allows; 'submit' includes 'read', 'admin' both."
    )
    days: float | None = Field(
        90, gt=0, le=36500, description="Days until it expires; null never expires."
    )

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("Use printable characters")
        return name


class TokenBody(BaseModel):
    """A token without its secret, which is stored nowhere."""

    id: str = Field(description="Names the token, also within its text.", examples=[ID])
    name: str = Field(description="What or whom it is for.", examples=["notebook"])
    scope: AccessScope = Field(description="What it allows.")
    state: Literal["active", "expired", "revoked"] = Field(description="Whether it counts.")
    created_at: datetime = Field(description="UTC.")
    expires_at: datetime | None = Field(description="UTC; null never expires.")
    revoked_at: datetime | None = Field(description="UTC.")
    last_used_at: datetime | None = Field(description="UTC, to within some minutes.")

    @classmethod
    def of(cls, record: TokenRecord) -> TokenBody:
        """From what storage gives."""
        return cls.model_validate({**vars(record), "state": record.state(datetime.now(UTC))})


class NewToken(TokenBody):
    """A token that was just made."""

    token: str = Field(description="Its text; it is shown this once.", examples=[f"reglab_{ID}_…"])


class TokenList(BaseModel):
    """All tokens."""

    items: list[TokenBody] = Field(description="The newest first.")
