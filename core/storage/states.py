"""The state of an experiment, scopes of tokens, and the errors of storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reglab.core.errors import ReglabError
from reglab.core.results import TERMINAL, State

# Each scope includes those before it.
AccessScope = Literal["read", "submit", "admin"]
SCOPES: tuple[AccessScope, ...] = ("read", "submit", "admin")


class StorageError(ReglabError):
    """Base of the errors that storage raises on purpose."""


class NotFoundError(StorageError):
    """No such experiment, run or token."""


class WrongStateError(StorageError):
    """The operation does not fit the present state; the message names both."""


class LeaseLostError(StorageError):
    """The lease is not the current one any more; nothing was written."""


class KeyConflictError(StorageError):
    """The Idempotency-Key was used with another request."""


class TokenRefusedError(StorageError):
    """The token, or the session of a browser, is not known, has expired or was revoked."""


class BackupRefusedError(StorageError):
    """A backup could not be made, read or restored; what was there before is as it was.

    Attributes:
        remedy: What would help, in a sentence.
    """

    def __init__(self, detail: str, remedy: str) -> None:
        self.remedy = f"{remedy}."
        super().__init__(detail)


class StorageUnavailableError(StorageError):
    """The database cannot be written or reached; nothing was half-written.

    Attributes:
        remedy: What would help, in a sentence.

    Args:
        detail: What happened.
        remedy: What would help, without a full stop.
    """

    LATER = "Try again later"

    def __init__(self, detail: str, remedy: str = LATER) -> None:
        self.remedy = f"{remedy}; nothing was half-written."
        super().__init__(detail)


class StorageConflictError(StorageUnavailableError):
    """The database undid a transaction for another's sake (deadlock); it can be run again."""


def experiment_state(counts: Mapping[str, int]) -> State:
    """An experiment's state from its number of runs by state.

    Running while any run runs, or when some are done and others still wait; failed or cancelled
    only once nothing waits or runs.
    """
    if counts.get("running") or (counts.get("queued") and any(counts.get(s) for s in TERMINAL)):
        return "running"
    if counts.get("queued"):
        return "queued"
    if counts.get("failed"):
        return "failed"
    return "cancelled" if counts.get("cancelled") else "succeeded"
