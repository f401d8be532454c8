"""Tokens over HTTP, for who has the scope admin."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Body, Depends, Path, Response
from pydantic import BaseModel, Field, field_validator

from reglab.api.access.scopes import needs
from reglab.api.context import Shared
from reglab.api.problems import Problem, responses
from reglab.api.tokens import expiry
from reglab.core.errors import FieldProblem
from reglab.core.storage import AccessScope, TokenRecord

router = APIRouter(prefix="/tokens", tags=["tokens"])
log = structlog.get_logger("reglab.access")
IDENTIFIER = re.compile(r"[0-9a-f]{16}")
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


def _token_id(
    token_id: Annotated[str, Path(description="As the list shows it.", examples=[ID])],
) -> str:
    if not IDENTIFIER.fullmatch(token_id):
        remedy = "Ids of tokens are 16 hexadecimal digits; see GET /v1/tokens."
        problem = FieldProblem("token_id", f"'{token_id[:20]}' is not the id of a token.", remedy)
        raise Problem(404, "not-found", "Not found", problem)
    return token_id


@router.post(
    "",
    status_code=201,
    summary="Make a token",
    operation_id="create_token",
    responses=responses(400, 422),
)
@needs("admin")
def create_token(shared: Shared, request: Annotated[TokenRequest, Body()]) -> NewToken:
    """The answer has the token's text, which nobody can read again."""
    record, text = shared.storage.tokens.create(request.name, request.scope, expiry(request.days))
    log.info("token made", made=record.id, name=record.name, scope=record.scope)
    return NewToken.model_validate({**TokenBody.of(record).model_dump(), "token": text})


@router.get("", summary="List tokens", operation_id="list_tokens", responses=responses())
@needs("admin")
def list_tokens(shared: Shared) -> TokenList:
    """All tokens without their secrets; also those that expired or were revoked."""
    return TokenList(items=[TokenBody.of(each) for each in shared.storage.tokens.everyone()])


@router.delete(
    "/{token_id}",
    status_code=204,
    summary="Revoke a token",
    operation_id="revoke_token",
    responses=responses(404),
)
@needs("admin")
def revoke_token(shared: Shared, token_id: Annotated[str, Depends(_token_id)]) -> Response:
    """It ends at once, with the sessions of browsers that signed in with it."""
    record = shared.storage.tokens.revoke(token_id)
    log.info("token revoked", revoked=record.id, name=record.name)
    return Response(status_code=204)
