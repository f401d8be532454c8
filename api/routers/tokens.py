"""Tokens over HTTP, for who has the scope admin."""

from __future__ import annotations

import re
from typing import Annotated

import structlog
from fastapi import APIRouter, Body, Depends, Path, Response

from reglab.api.access.scopes import needs
from reglab.api.context import Shared
from reglab.api.problems import ProblemError, responses
from reglab.api.schemas.tokens import ID, NewToken, TokenBody, TokenList, TokenRequest
from reglab.api.tokens import expiry
from reglab.core.errors import FieldProblem

router = APIRouter(prefix="/tokens", tags=["tokens"])
log = structlog.get_logger("reglab.access")
IDENTIFIER = re.compile(r"[0-9a-f]{16}")


def _token_id(
    token_id: Annotated[str, Path(description="Id of the token, as listed.", examples=[ID])],
) -> str:
    if not IDENTIFIER.fullmatch(token_id):
        remedy = "Ids of tokens are 16 hexadecimal digits; see GET /v1/tokens."
        problem = FieldProblem("token_id", f"'{token_id[:20]}' is not the id of a token.", remedy)
        raise ProblemError(404, "not-found", "Not found", problem)
    return token_id


@router.post(
    "",
    status_code=201,
    summary="Create a token",
    operation_id="create_token",
    responses=responses(400, 422),
)
@needs("admin")
def create_token(shared: Shared, request: Annotated[TokenRequest, Body()]) -> NewToken:
    """The response contains the token's text, which cannot be read again."""
    record, text = shared.storage.tokens.create(request.name, request.scope, expiry(request.days))
    log.info("token made", made=record.id, name=record.name, scope=record.scope)
    return NewToken.model_validate({**TokenBody.of(record).model_dump(), "token": text})


@router.get("", summary="List tokens", operation_id="list_tokens", responses=responses())
@needs("admin")
def list_tokens(shared: Shared) -> TokenList:
    """Returns all tokens without their secrets, including expired and revoked ones."""
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
    """The token and the sessions of browsers that signed in with it become invalid at once."""
    record = shared.storage.tokens.revoke(token_id)
    log.info("token revoked", revoked=record.id, name=record.name)
    return Response(status_code=204)
