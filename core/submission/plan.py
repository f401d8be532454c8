"""From the body of a submission to its runs and their cost, within the limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reglab.core.errors import FieldProblem, SpecError
from reglab.core.exchange.json_text import too_broad
from reglab.core.presets import changed
from reglab.core.settings.limits import LimitExceededError, Limits
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
from reglab.core.spec.uploaded import check_facts
from reglab.core.submission.estimate import Estimate, estimate
from reglab.core.submission.uploads import FactsOf, no_uploads, with_facts

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


def plan(document: Any, limits: Limits, history: History, facts_of: FactsOf = no_uploads) -> Plan:
    """Read a submission and check all that can be checked without storing it, or files at hand.

    Args:
        document: A spec, or a preset with overrides.
        limits: How much may be asked for.
        history: What finished runs took, and the number of slots.
        facts_of: The facts of an uploaded dataset by its id.

    Raises:
        SpecError: A field is wrong.
        LimitExceededError: It is more than a limit allows.
    """
    check_breadth(document, limits)
    spec, preset, dropped = _parse(document, facts_of)
    check_count(spec, limits)
    runs = expand(spec, limits.runs)
    check_facts([run.spec for run in runs])
    check_parameters(runs, limits)
    check_stored(runs, limits)
    cost = estimate(runs, *history)
    if cost.cpu_seconds > limits.experiment_seconds:
        detail = f"{cost.runs} runs of {cost.epochs} epochs in all are estimated at "
        detail += f"{cost.cpu_seconds:.0f} seconds of one core."
        remedy = f"Use at most {limits.experiment_seconds:.0f}: fewer runs or epochs, smaller "
        remedy += "networks or data; POST /v1/experiments/estimate estimates the cost."
        raise LimitExceededError(limits, "experiment_seconds", "training.epochs", detail, remedy)
    return Plan(spec, preset, runs, cost, dropped)


def check_breadth(document: Any, limits: Limits) -> None:
    """Before the fields are looked at."""
    most = max(MOST_VALUES, limits.runs)
    found = too_broad(document, MAX_KEYS, most)
    if found is not None:
        place, count = found
        remedy = f"Use at most {MAX_KEYS} fields per object and {most} values per list."
        problem = FieldProblem(dotted(place)[:200] or "body", f"It has {count} parts.", remedy)
        raise SpecError(problem)


def check_count(spec: ExperimentSpec, limits: Limits) -> None:
    """Before the runs are made: a short sweep may ask for millions."""
    runs = count_runs(spec)
    if runs > limits.runs:
        remedy = f"Use at most {limits.runs} runs: fewer values or seeds, or several experiments."
        raise LimitExceededError(limits, "runs", "sweep", f"Makes {runs} runs.", remedy)


def check_parameters(runs: list[ResolvedRun], limits: Limits) -> None:
    """No network may be larger than the limit."""
    # Replicates share one spec object.
    for spec in {id(run.spec): run.spec for run in runs}.values():
        found = spec.parameter_count()
        if found > limits.parameters:
            widths = "-".join(map(str, spec.widths()))
            detail = f"A network of {widths} units has {found} parameters."
            remedy = f"Use at most {limits.parameters}: fewer or narrower layers."
            raise LimitExceededError(limits, "parameters", "model.hidden", detail, remedy)


def check_stored(runs: list[ResolvedRun], limits: Limits) -> None:
    """What is stored must stay small enough to be read again."""
    points = sum(run.spec.training.evaluations() for run in runs)
    if points > limits.points:
        detail = f"{len(runs)} runs are evaluated {points} times in all."
        remedy = f"Use at most {limits.points}: a larger training.eval_every, or fewer runs."
        raise LimitExceededError(limits, "points", "training.eval_every", detail, remedy)
    for spec in {id(run.spec): run.spec for run in runs}.values():
        probe = spec.probes.boundary
        if probe is None:
            continue
        grids = 1 + probe.dropout_instances + probe.snapshots
        values = grids * probe.resolution**2
        if values > limits.grid_points:
            detail = f"{grids} boundaries on a grid of {probe.resolution} have {values} values."
            remedy = f"Use at most {limits.grid_points}: fewer snapshots, or a coarser grid."
            raise LimitExceededError(limits, "grid_points", "probes.boundary", detail, remedy)


def _parse(document: Any, facts_of: FactsOf) -> tuple[ExperimentSpec, str | None, list[str]]:
    if not isinstance(document, dict):
        problem = FieldProblem("body", "The body is not an object.", "Send a spec or a preset.")
        raise SpecError(problem)
    if "preset" not in document:
        spec = parse_spec(with_facts(document, facts_of))
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
    return parse_spec(with_facts(laid.document, facts_of)), name, laid.dropped
