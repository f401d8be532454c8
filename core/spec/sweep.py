"""From an experiment spec to its runs."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from reglab.core.errors import FieldProblem, SpecError, suggestion
from reglab.core.spec import fields
from reglab.core.spec.base import SpecModel, field_problems
from reglab.core.spec.experiment import ExperimentSpec, RunSpec
from reglab.core.spec.fields import SWEEPABLE
from reglab.core.spec.overrides import check_size
from reglab.core.spec.points import point_key, resolved

MAX_RUNS = 1000


@dataclass(frozen=True)
class ResolvedRun:
    """One run of an experiment.

    Attributes:
        index: Position in the experiment, from 0.
        params: The sweep's values at this point by dotted path, as the validated spec holds them.
        seed: The run's seed.
        spec: The resolved spec.
    """

    index: int
    params: dict[str, Any]
    seed: int
    spec: RunSpec


def parse_spec(document: Any) -> ExperimentSpec:
    """Validate a JSON-like document; raises SpecError naming every faulty field."""
    try:
        return ExperimentSpec.model_validate(document)
    except ValidationError as error:
        raise SpecError(field_problems(error, ExperimentSpec)) from error


def expand(spec: ExperimentSpec, max_runs: int = MAX_RUNS) -> list[ResolvedRun]:
    """All runs of a spec: the sweep's grid, and within each point the seeds.

    Raises:
        SpecError: An unknown or empty sweep path, a value its field refuses, two values that
            resolve alike, or over ``max_runs`` runs.
    """
    _check_sweep(spec, max_runs)
    base = _base(spec, spec.sweep)
    runs: list[ResolvedRun] = []
    seen: dict[str, dict[str, int]] = {}
    for positions in itertools.product(*(range(len(values)) for values in spec.sweep.values())):
        point = dict(zip(spec.sweep, positions, strict=True))
        run_spec = _resolve(base, {path: spec.sweep[path][at] for path, at in point.items()}, point)
        params = resolved(run_spec, dict.fromkeys(point))
        earlier = seen.setdefault(point_key(params), point)
        if earlier is not point:
            raise SpecError(_repeated(earlier, point))
        for seed in spec.seeds:
            runs.append(ResolvedRun(len(runs), params, seed, run_spec))
    return runs


def resolve_point(spec: ExperimentSpec, params: dict[str, Any]) -> RunSpec:
    """The run spec of values laid over a spec by dotted path; SpecError if a field refuses one."""
    base = _base(spec, params)
    return _resolve(base, params, dict.fromkeys(params, 0))


def count_runs(spec: ExperimentSpec) -> int:
    """Number of runs, without building them."""
    total = len(spec.seeds)
    for values in spec.sweep.values():
        total *= len(values)
    return total


def _base(spec: ExperimentSpec, paths: Iterable[str]) -> dict[str, Any]:
    """What all points share. Where a kind varies, only what was given: defaults are each kind's."""
    base: dict[str, Any] = spec.model_dump(mode="json", include=set(SWEEPABLE))
    for path in paths:
        *parents, leaf = path.split(".")
        if leaf == "name" and parents:
            node, given = base, functools.reduce(_part, parents, spec)
            for parent in parents[:-1]:
                node = node.get(parent) or {}
            if given is not None:
                node[parents[-1]] = given.model_dump(mode="json", exclude_unset=True)
    return base


def _part(model: Any, name: str) -> Any:
    """A part of a spec, or None where there is none."""
    found = getattr(model, name, None)
    return found if isinstance(found, SpecModel) else None


def _check_sweep(spec: ExperimentSpec, max_runs: int) -> None:
    problems: list[FieldProblem] = []
    check_size(spec.sweep)
    swept = sorted(spec.sweep, key=lambda path: path.split("."))
    for one, other in itertools.pairwise(swept):
        if other.startswith(f"{one}."):
            detail, remedy = "It is swept twice.", f"Leave it out, or 'sweep.{one}'."
            problems.append(FieldProblem(f"sweep.{other}", detail, remedy))
    for path, values in spec.sweep.items():
        where = f"sweep.{path}"
        if path.split(".")[0] not in SWEEPABLE or "." not in path:
            hint = _meant(path)
            remedy = f"{hint}Start with one of: {', '.join(SWEEPABLE)}, as in 'regularization.l2'."
            problems.append(FieldProblem(where, "Not a path that can be swept.", remedy))
        if not values:
            problems.append(
                FieldProblem(where, "Empty sweep.", "Give at least one value, or remove the path.")
            )
    if problems:
        raise SpecError(problems)
    total = count_runs(spec)
    if total > max_runs:
        remedy = f"Use at most {max_runs} runs: fewer values or seeds, or several experiments."
        raise SpecError(FieldProblem("sweep", f"Makes {total} runs.", remedy))


def _meant(path: str) -> str:
    """The field that a path was probably meant for: by its name alone, or the nearest."""
    known = [f"{part}.{name}" for part in SWEEPABLE for name in fields.known(RunSpec, (part,))]
    by_name = [each for each in sorted(known) if each.rpartition(".")[2] == path]
    return f"Did you mean '{by_name[0]}'? " if by_name else suggestion(path, sorted(known))


def _repeated(earlier: dict[str, int], point: dict[str, int]) -> FieldProblem:
    path = next(path for path, at in point.items() if earlier[path] != at)
    return FieldProblem(
        f"sweep.{path}[{point[path]}]",
        f"Makes the same runs as sweep.{path}[{earlier[path]}].",
        "List each value once; equal numbers such as 0 and 0.0, and objects that differ only in "
        "defaults written out, are one value.",
    )


def _resolve(base: dict[str, Any], params: dict[str, Any], point: dict[str, int]) -> RunSpec:
    document = dict(base)
    for path, value in params.items():
        *parents, leaf = path.split(".")
        node = document
        for parent in parents:
            child = node.get(parent)
            # Only the objects on the way are copied: a thousand points share the rest.
            node[parent] = node = dict(child) if isinstance(child, dict) else {}
        node[leaf] = value
    try:
        return RunSpec.model_validate(document)
    except ValidationError as error:
        problems = field_problems(error, RunSpec)
        raise SpecError([_at_sweep(problem, point) for problem in problems]) from error


def _at_sweep(problem: FieldProblem, point: dict[str, int]) -> FieldProblem:
    """The problem with the swept value that makes it, where one does."""
    for path, at in point.items():
        parent, _, leaf = path.rpartition(".")
        if leaf == "name" and problem.path.startswith(f"{parent}."):
            detail = f"With this value, {problem.path} is wrong: {problem.detail}"
            remedy = problem.remedy
            if problem.path != path:
                remedy += " Or sweep what both kinds have."
            return FieldProblem(f"sweep.{path}[{at}]", detail, remedy, (problem.path,))
    for field in (problem.path, *problem.also):
        for path, at in point.items():
            if field != problem.path and field == path:
                # The fault is told of another field than the one that varies.
                detail = f"With this value, {problem.path} is wrong: {problem.detail}"
                return replace(problem, path=f"sweep.{path}[{at}]", detail=detail)
            if field == path or field.startswith((path + ".", path + "[")):
                rest = field[len(path) :]
                return replace(problem, path=f"sweep.{path}[{at}]{rest}")
            if path.startswith((field + ".", field + "[")):
                return replace(problem, path=f"sweep.{path}[{at}]")
    return problem
