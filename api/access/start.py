"""Whether a server may start: not open to others without tokens, unless told so."""

from __future__ import annotations

from reglab.api.access.policy import Policy
from reglab.core.errors import FieldProblem, FieldProblemError
from reglab.core.storage import Storage, StorageUnavailableError


class StartRefusedError(FieldProblemError):
    """The server must not start; the message says what to do."""


def check(policy: Policy, storage: Storage) -> str | None:
    """A warning where the server is open to others, or None.

    Raises:
        StartRefusedError: It would ask for tokens, and there is none, or none can be looked for.
    """
    if not policy.needs_tokens:
        if policy.local:
            return None
        return (
            f"REGLAB_ACCESS=open: whoever reaches {policy.host} may do everything, without a token."
        )
    try:
        if storage.tokens.any_active():
            return None
    except StorageUnavailableError as error:
        detail = f"Tokens cannot be looked for: {error}"
        raise StartRefusedError(FieldProblem("", detail, error.remedy)) from error
    where = (
        "REGLAB_ACCESS=tokens asks for tokens"
        if policy.mode == "tokens"
        else f"Others can reach {policy.host}, so tokens are required"
    )
    remedy = (
        "Make one with `reglab tokens create NAME --scope admin --here`, or set "
        "REGLAB_ACCESS=open if whoever reaches the server may do everything."
    )
    raise StartRefusedError(FieldProblem("", f"{where}, but there is none.", remedy))
