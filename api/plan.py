"""From the body of a submission to its runs and their cost, within the limits."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from starlette.concurrency import run_in_threadpool

from reglab.api.context import Context
from reglab.api.estimate import Estimate, estimate
from reglab.api.limits.refusals import refusal
from reglab.api.problems import Problem
from reglab.core import datasets
from reglab.core.errors import FieldProblem, SpecError
from reglab.core.json_text import too_broad
from reglab.core.presets import changed
from reglab.core.settings.limits import Limits
from reglab.core.spec import (
    ExperimentSpec,
    ResolvedRun,
    RunSpec,
    check_size,
    check_swept,
    count_runs,
    dotted,
    expand,
    given_at,
    parse_spec,
)
from reglab.core.spec.overrides import MAX_KEYS
from reglab.core.storage import Quota, QuotaExceededError

HISTORY = 30
# Values of a list; more than any spec has use for.
MOST_VALUES = 10_000
# Specs and seconds of finished runs, and the number of slots.
History = tuple[list[tuple[RunSpec, float]], int]


@dataclass(frozen=True)
class Plan:
    """What a submission asks for.

    Attributes:
        spec: Validated.
        preset: Name of the preset it began from.
        runs: Its runs.
        cost: What they will take.
        dropped: Dotted paths of the preset's fields that another kind of object does not have.
    """

    spec: ExperimentSpec
    preset: str | None
    runs: list[ResolvedRun]
    cost: Estimate
    dropped: list[str]


async def plan(shared: Context, document: Any) -> Plan:
    """Read a submission and check all that can be checked without storing it.

    Long grids are planned one at a time, in a thread of their own.

    Raises:
        SpecError: A field is wrong.
        DatasetUnavailableError: Its data cannot be had.
        Problem: It is more than a limit allows.
    """
    history = await run_in_threadpool(_history, shared)
    planned = functools.partial(_plan, document, shared.limits, history)
    found = await to_thread.run_sync(planned, limiter=shared.planning)
    await run_in_threadpool(_check_data, found.runs)
    return found


def _history(shared: Context) -> History:
    return shared.storage.results.durations(HISTORY), shared.storage.runs.slots()


def _plan(document: Any, limits: Limits, history: History) -> Plan:
    check_breadth(document, limits)
    spec, preset, dropped = _parse(document)
    check_count(spec, limits)
    runs = expand(spec, limits.runs)
    check_parameters(runs, limits)
    check_stored(runs, limits)
    cost = estimate(runs, *history)
    if cost.cpu_seconds > limits.experiment_seconds:
        detail = f"{cost.runs} runs of {cost.epochs} epochs in all are estimated at "
        detail += f"{cost.cpu_seconds:.0f} seconds of one core."
        remedy = f"Use at most {limits.experiment_seconds:.0f}: fewer runs or epochs, smaller "
        remedy += "networks or data; POST /v1/experiments/estimate tells what an experiment costs."
        raise refusal(limits, "experiment_seconds", "training.epochs", detail, remedy)
    return Plan(spec, preset, runs, cost, dropped)


def _check_data(runs: Sequence[ResolvedRun]) -> None:
    """Files may be downloaded once, for which no other submission should wait."""
    for each in {run.spec.dataset for run in runs}:
        datasets.check(each)


def check_breadth(document: Any, limits: Limits) -> None:
    """Before the fields are looked at."""
    most = max(MOST_VALUES, limits.runs)
    found = too_broad(document, MAX_KEYS, most)
    if found is not None:
        place, count = found
        remedy = f"Use at most {MAX_KEYS} fields per object and {most} values per list."
        problem = FieldProblem(dotted(place)[:200] or "body", f"It has {count} parts.", remedy)
        raise Problem(422, "invalid", "Invalid request", problem)


def check_count(spec: ExperimentSpec, limits: Limits) -> None:
    """Before the runs are made: a short sweep may ask for millions."""
    runs = count_runs(spec)
    if runs > limits.runs:
        remedy = f"Use at most {limits.runs} runs: fewer values or seeds, or several experiments."
        raise refusal(limits, "runs", "sweep", f"Makes {runs} runs.", remedy)


def check_parameters(runs: list[ResolvedRun], limits: Limits) -> None:
    """No network may be larger than the limit."""
    # Replicates share one spec object.
    for spec in {id(run.spec): run.spec for run in runs}.values():
        found = spec.parameter_count()
        if found > limits.parameters:
            widths = "-".join(map(str, spec.widths()))
            detail = f"A network of {widths} units has {found} parameters."
            remedy = f"Use at most {limits.parameters}: fewer or narrower layers."
            raise refusal(limits, "parameters", "model.hidden", detail, remedy)


def check_stored(runs: list[ResolvedRun], limits: Limits) -> None:
    """What is stored must stay small enough to be read again."""
    points = sum(run.spec.training.evaluations() for run in runs)
    if points > limits.points:
        detail = f"{len(runs)} runs are evaluated {points} times in all."
        remedy = f"Use at most {limits.points}: a larger training.eval_every, or fewer runs."
        raise refusal(limits, "points", "training.eval_every", detail, remedy)
    for spec in {id(run.spec): run.spec for run in runs}.values():
        probe = spec.probes.boundary
        if probe is None:
            continue
        grids = 1 + probe.dropout_instances + probe.snapshots
        values = grids * probe.resolution**2
        if values > limits.grid_points:
            detail = f"{grids} boundaries on a grid of {probe.resolution} have {values} values."
            remedy = f"Use at most {limits.grid_points}: fewer snapshots, or a coarser grid."
            raise refusal(limits, "grid_points", "probes.boundary", detail, remedy)


def quota(limits: Limits) -> Quota:
    """What storage checks while it adds runs to the queue."""
    return Quota(limits.queued_runs, limits.token_seconds, limits.stored_bytes)


@contextmanager
def within_quota(limits: Limits) -> Iterator[None]:
    """Turn storage's word that too much waits, or is stored, into a 429 or a 413."""
    try:
        yield
    except QuotaExceededError as error:
        if error.name == "stored_bytes":
            detail = f"With this your experiments would hold {error.found:.0f} bytes."
            remedy = f"At most {limits.stored_bytes}: delete experiments that you do not need."
            raise refusal(limits, error.name, "experiments", detail, remedy) from error
        if error.name == "queued_runs":
            detail = f"With these {error.found:.0f} runs would wait."
        else:
            detail = "With these your unfinished runs would be estimated at "
            detail += f"{error.found:.0f} seconds of one core."
        remedy = f"At most {getattr(limits, error.name):.0f}: try again when some have ended."
        raise refusal(limits, error.name, "runs", detail, remedy) from error


def _parse(document: Any) -> tuple[ExperimentSpec, str | None, list[str]]:
    if not isinstance(document, dict):
        problem = FieldProblem("body", "The body is not an object.", "Send a spec or a preset.")
        raise SpecError(problem)
    if "preset" not in document:
        spec = parse_spec(document)
        check_size(spec.sweep)
        check_swept(spec.sweep, given_at(document, spec.sweep), may_repeat=True)
        return spec, None, []
    unknown = sorted(set(document) - {"preset", "overrides"})
    if unknown:
        remedy = "Beside 'preset' only 'overrides' is known; put changes in there."
        raise SpecError([FieldProblem(name, "Unknown field.", remedy) for name in unknown[:20]])
    name, overrides = document["preset"], document.get("overrides", {})
    if not isinstance(name, str) or not isinstance(overrides, dict):
        field = "overrides" if isinstance(name, str) else "preset"
        remedy = 'Send {"preset": "l2", "overrides": {"training.epochs": 100}}.'
        raise SpecError(FieldProblem(field, "It has the wrong type.", remedy))
    laid = changed(name, overrides)
    return parse_spec(laid.document), name, laid.dropped
