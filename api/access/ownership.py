"""Whose an experiment is: only its owner, or an admin, changes it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from reglab.api.access.principal import Principal
from reglab.api.context import ExperimentId, Shared
from reglab.api.problems import Problem
from reglab.core.errors import FieldProblem


def may_change(principal: Principal, owner: str | None) -> bool:
    """Whether an experiment that was submitted with a token may be changed with another.

    Args:
        principal: Who asks.
        owner: Id of the token it was submitted with; None where none was asked for.
    """
    if "submit" not in principal.scopes:
        return False
    return owner in (None, principal.token_id) or "admin" in principal.scopes


def _own_experiment_id(request: Request, shared: Shared, experiment_id: ExperimentId) -> str:
    """The id, or a 403 where it was submitted with another token."""
    owner = shared.storage.experiments.get(experiment_id).token_id
    if not may_change(request.state.principal, owner):
        detail = "The experiment was submitted with another token."
        remedy = "Use that token, or one with the scope 'admin'."
        problem = FieldProblem("experiment_id", detail, remedy)
        raise Problem(403, "not-yours", "Another's experiment", problem)
    return experiment_id


OwnExperimentId = Annotated[str, Depends(_own_experiment_id)]
