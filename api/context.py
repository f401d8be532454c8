"""What handlers share, made once by the app factory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from anyio import CapacityLimiter
from fastapi import Depends, Path, Request

from reglab.api.access.ownership import may_change
from reglab.api.events.poller import EventPoller
from reglab.api.figure_cache import EceTableCache, FigureCache, OutcomeCache
from reglab.api.limits.streams import Streams
from reglab.api.limits.work import DRAWING_THREADS, PLANNING_THREADS, THREADS
from reglab.api.problems import ProblemError
from reglab.api.run_queue import RunQueue
from reglab.core.errors import FieldProblem
from reglab.core.results import RunResult
from reglab.core.settings import Settings
from reglab.core.settings.limits import Limits
from reglab.core.storage import Storage
from reglab.core.storage.datasets import ID as DATASET_ID
from reglab.core.tables.isolated import IsolatedReader

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Context:
    """The parts of one server."""

    settings: Settings
    storage: Storage
    run_queue: RunQueue
    figures: FigureCache
    event_poller: EventPoller
    limits: Limits
    streams: Streams
    outcomes: OutcomeCache = field(default_factory=OutcomeCache)
    ece_tables: EceTableCache = field(default_factory=EceTableCache)
    # Each is held in memory while it is checked.
    importing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    reading: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    tables: IsolatedReader = field(default_factory=IsolatedReader)
    planning: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PLANNING_THREADS))
    heavy: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(THREADS))
    drawing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(DRAWING_THREADS))


def _context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


Shared = Annotated[Context, Depends(_context)]


def identifier(name: str, value: str) -> str:
    """The id, or a 404 that names the parameter."""
    if not UUID.fullmatch(value):
        problem = FieldProblem(name, f"'{value[:60]}' is not an id.", "Ids are lower-case UUIDs.")
        raise ProblemError(404, "not-found", "Not found", problem)
    return value


def _experiment_id(experiment_id: Annotated[str, Path(description="UUIDv7.")]) -> str:
    return identifier("experiment_id", experiment_id)


def _run_id(run_id: Annotated[str, Path(description="UUIDv7.")]) -> str:
    return identifier("run_id", run_id)


ExperimentId = Annotated[str, Depends(_experiment_id)]
RunId = Annotated[str, Depends(_run_id)]


def finished(context: Context, run_id: str) -> RunResult:
    """The run's results, or a 409 that says what to wait for."""
    result = context.storage.results.run(run_id)
    check_finished(context, run_id, result.state)
    return result


def classifier(context: Context, run_id: str) -> RunResult:
    """A finished run whose outputs are logits of class probabilities."""
    run = finished(context, run_id)
    if run.spec.model.loss == "squared":
        problem = FieldProblem(
            "model.loss",
            "The run was trained with squared loss; its outputs are no probabilities.",
            "Use a run with model.loss 'cross_entropy'.",
        )
        raise ProblemError(404, "not-measured", "Not measured", problem)
    return run


def check_finished(context: Context, run_id: str, state: str | None = None) -> None:
    """409 that says what to wait for or to change, unless the run has succeeded."""
    state = state or context.storage.runs.get(run_id).state
    if state != "succeeded":
        remedy = {
            "queued": "Wait until it has finished.",
            "running": "Wait until it has finished; its curves can be read already.",
        }.get(state) or _after_failure(context.storage.runs.get(run_id).error)
        problem = FieldProblem("state", f"The run is {state}; it has no results.", remedy)
        raise ProblemError(409, "wrong-state", "Wrong state", problem)


def _after_failure(error: dict[str, Any] | None) -> str:
    """The same spec diverges again, so that only another one helps."""
    if error and error.get("type") in ("diverged", "refused"):
        return f"Submit a changed experiment. {error.get('remedy', '')}".rstrip()
    return "Retry the experiment with POST .../retry."


OWNERS = "Use that token, or one with the scope 'admin'."


def _check_owner(request: Request, owner: str | None, problem: FieldProblem, what: str) -> None:
    if not may_change(request.state.principal, owner):
        raise ProblemError(403, "not-yours", f"Another's {what}", problem)


def _own_experiment_id(request: Request, shared: Shared, experiment_id: ExperimentId) -> str:
    """The id, or a 403 where it was submitted with another token."""
    owner = shared.storage.experiments.get(experiment_id).token_id
    detail = "The experiment was submitted with another token."
    _check_owner(request, owner, FieldProblem("experiment_id", detail, OWNERS), "experiment")
    return experiment_id


OwnExperimentId = Annotated[str, Depends(_own_experiment_id)]


def _dataset_id(
    dataset_id: Annotated[str, Path(description="sha256: and 64 hexadecimal digits.")],
) -> str:
    if not DATASET_ID.fullmatch(dataset_id):
        remedy = "Ids of uploaded datasets are sha256: and 64 hexadecimal digits."
        problem = FieldProblem("dataset_id", f"'{dataset_id[:80]}' is not an id.", remedy)
        raise ProblemError(404, "not-found", "Not found", problem)
    return dataset_id


DatasetId = Annotated[str, Depends(_dataset_id)]


def _own_dataset_id(request: Request, shared: Shared, dataset_id: DatasetId) -> str:
    """The id, or a 403 where it was uploaded with another token."""
    owner = shared.storage.datasets.get(dataset_id).token_id
    detail = "The dataset was uploaded with another token."
    _check_owner(request, owner, FieldProblem("dataset_id", detail, OWNERS), "dataset")
    return dataset_id


OwnDatasetId = Annotated[str, Depends(_own_dataset_id)]
