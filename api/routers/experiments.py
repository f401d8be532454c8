"""Experiments: submit, list, look, change, cancel, retry, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from reglab.api import tracing
from reglab.api.access.scopes import needs
from reglab.api.context import UUID, Context, ExperimentId, OwnExperimentId, Shared
from reglab.api.problems import ProblemError, responses
from reglab.api.schemas.experiments import (
    ExperimentBody,
    ExperimentChange,
    ExperimentPage,
    ExperimentSummary,
    RunList,
    SubmittedBody,
)
from reglab.api.schemas.runs import RunBody
from reglab.api.submission import json_of, planned
from reglab.core.errors import FieldProblem
from reglab.core.results import State
from reglab.core.storage import Page, Sort
from reglab.core.submission import service
from reglab.core.submission.plan import Plan

router = APIRouter(prefix="/experiments", tags=["experiments"])
EXAMPLES = {
    "preset": {
        "summary": "A preset with changes",
        "value": {"preset": "l2", "overrides": {"training.epochs": 2000, "seeds": [0, 1, 2]}},
    },
    "spec": {
        "summary": "A spec with a sweep",
        "value": {
            "name": "Dropout on digits",
            "dataset": {"name": "digits", "train_size": 500},
            "model": {"hidden": [64], "activation": "tanh"},
            "optimizer": {"name": "adam", "schedule": {"lr": 0.01}},
            "training": {"epochs": 50, "batch_size": 32},
            "sweep": {"regularization.dropout": [0, 0.2, 0.4]},
        },
    },
}
SUBMISSION = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/ExperimentSpec"},
                        {"$ref": "#/components/schemas/PresetRequest"},
                    ]
                },
                "examples": EXAMPLES,
            }
        },
    }
}
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A repeated request with the same key and body returns the same experiment.",
    ),
]

Force = Annotated[
    bool, Query(description="Train every run, including those whose results could be reused.")
]


@router.post(
    "",
    status_code=202,
    summary="Submit an experiment",
    operation_id="submit_experiment",
    response_model=SubmittedBody,
    responses=responses(400, 409, 413, 415, 422),
    openapi_extra=SUBMISSION,
)
@needs("submit")
async def submit(
    request: Request, response: Response, shared: Shared, key: Key = None, force: Force = False
) -> Any:
    """Stores a spec, or a preset with overrides, and queues its runs.

    Every faulty field is named with what would be right. Nothing is stored unless all is well.
    A run that equals a finished one (resolved spec, seed, engine version, data files) takes its
    results at once and says so in ``cached`` and ``reused_from``.
    """
    document = await json_of(request, shared)
    plan = await planned(shared, document)
    submitter = request.state.principal.token_id
    body = await run_in_threadpool(_submit, shared, document, plan, key, force, submitter)
    response.headers["Location"] = f"/v1/experiments/{body.id}"
    return body


@router.get(
    "",
    summary="List experiments",
    operation_id="list_experiments",
    responses=responses(422),
)
@needs("read")
def list_experiments(
    shared: Shared,
    state: Annotated[State | None, Query(description="Only experiments in this state.")] = None,
    preset: Annotated[str | None, Query(description="Only experiments of this preset.")] = None,
    tag: Annotated[str | None, Query(description="Only experiments with this tag.")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Text that the name contains.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Number of experiments per page.")] = 50,
    cursor: Annotated[
        str | None, Query(description="The next_cursor of the previous page.")
    ] = None,
    sort: Annotated[
        Sort, Query(description="Field to sort by; a leading '-' sorts in descending order.")
    ] = "-created",
) -> ExperimentPage:
    """Returns a page of experiments, newest first.

    Pass ``next_cursor`` with the same order to get the next page.
    """
    page = find(shared, state, preset, tag, q, limit, cursor, sort)
    items = [ExperimentSummary.of(record) for record in page.items]
    return ExperimentPage(items=items, next_cursor=page.next_cursor)


@router.get(
    "/{experiment_id}",
    summary="One experiment with its runs",
    operation_id="get_experiment",
    responses=responses(404),
)
@needs("read")
def get_experiment(shared: Shared, experiment_id: ExperimentId) -> ExperimentBody:
    """Returns the experiment with its spec and the state of every run."""
    return _body(shared, experiment_id)


@router.patch(
    "/{experiment_id}",
    summary="Change name or tags",
    operation_id="change_experiment",
    responses=responses(400, 404, 422),
)
@needs("submit")
def change_experiment(
    shared: Shared,
    experiment_id: OwnExperimentId,
    change: Annotated[ExperimentChange, Body()],
) -> ExperimentBody:
    """Changes only the given fields. The spec cannot be changed."""
    if change.tags is not None and any(not 1 <= len(tag) <= 64 for tag in change.tags):
        problem = FieldProblem("tags", "A tag is empty or too long.", "Use 1 to 64 characters.")
        raise ProblemError(422, "invalid", "Invalid request", problem)
    shared.storage.experiments.change(experiment_id, change.name, change.tags)
    return _body(shared, experiment_id)


@router.delete(
    "/{experiment_id}",
    status_code=204,
    summary="Delete an experiment and all its results",
    operation_id="delete_experiment",
    responses=responses(404, 409),
)
@needs("submit")
def delete_experiment(shared: Shared, experiment_id: OwnExperimentId) -> Response:
    """Refused while runs are being trained; cancel the experiment first."""
    shared.storage.experiments.delete(experiment_id)
    return Response(status_code=204)


@router.post(
    "/{experiment_id}/cancel",
    status_code=202,
    summary="Cancel unfinished runs",
    operation_id="cancel_experiment",
    responses=responses(404, 409),
)
@needs("submit")
def cancel_experiment(shared: Shared, experiment_id: OwnExperimentId) -> ExperimentBody:
    """Queued runs are cancelled at once, running ones within a second."""
    shared.storage.experiments.cancel(experiment_id)
    return _body(shared, experiment_id)


@router.post(
    "/{experiment_id}/retry",
    status_code=202,
    summary="Queue failed and cancelled runs again",
    operation_id="retry_experiment",
    responses=responses(404, 409),
)
@needs("submit")
def retry_experiment(shared: Shared, experiment_id: OwnExperimentId) -> ExperimentBody:
    """Runs that succeeded keep their results."""
    queued = service.retry(shared.storage, experiment_id, shared.limits, tracing.origin())
    shared.run_queue.announce(queued)
    return _body(shared, experiment_id)


@router.get(
    "/{experiment_id}/runs",
    summary="The runs of an experiment",
    operation_id="list_runs",
    responses=responses(404),
)
@needs("read")
def list_runs(shared: Shared, experiment_id: ExperimentId) -> RunList:
    """Returns all runs in the order of their index."""
    runs = shared.storage.experiments.runs(experiment_id)
    return RunList(items=[RunBody.of(run) for run in runs])


def find(
    shared: Context,
    state: State | None,
    preset: str | None,
    tag: str | None,
    q: str | None,
    limit: int,
    cursor: str | None,
    sort: Sort,
) -> Page:
    """A page, or a 422 that names the cursor."""
    wrong = cursor is not None and not UUID.fullmatch(cursor.partition("~")[0])
    try:
        if not wrong:
            return shared.storage.experiments.find(state, preset, tag, q, limit, cursor, sort)
    except ValueError:
        pass
    remedy = "Use the next_cursor of a page in the same order."
    problem = FieldProblem("cursor", "Not a cursor of this list.", remedy)
    raise ProblemError(422, "invalid", "Invalid request", problem)


def _submit(
    shared: Context,
    document: Any,
    plan: Plan,
    key: str | None,
    force: bool,
    token_id: str | None,
) -> SubmittedBody:
    submission = service.prepare(
        plan,
        document,
        shared.limits,
        key=key,
        force=force,
        token_id=token_id,
        origin=tracing.origin(),
    )
    identifier, is_new = service.submit(shared.storage, submission, shared.limits)
    body = _body(shared, identifier)
    if is_new:
        shared.run_queue.announce([run.id for run in body.runs if run.state == "queued"])
    return SubmittedBody(**dict(body), dropped=plan.dropped)


def _body(shared: Context, experiment_id: str) -> ExperimentBody:
    record = shared.storage.experiments.get(experiment_id)
    return ExperimentBody.with_runs(record, shared.storage.experiments.runs(experiment_id))
