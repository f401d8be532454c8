"""Whose an experiment is: only its owner, or an admin, changes it."""

from __future__ import annotations

from reglab.api.access.principal import Principal


def may_change(principal: Principal, owner: str | None) -> bool:
    """Whether an experiment that was submitted with a token may be changed with another.

    Args:
        principal: Who asks.
        owner: Id of the token it was submitted with; None where none was asked for.
    """
    if "submit" not in principal.scopes:
        return False
    return owner in (None, principal.token_id) or "admin" in principal.scopes
