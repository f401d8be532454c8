"""The runs that figures, claims and reports draw on, of one experiment or of several."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any

from fastapi import Query

from reglab.api.context import Context, identifier
from reglab.api.figure_cache import Evaluated, Stamp, picture, stamp_key
from reglab.api.problems import ProblemError
from reglab.core import claims, machine
from reglab.core.errors import CODE_FAULTS, FieldProblem, NotMeasurableError
from reglab.core.figures import Drawable, Figure, prepare
from reglab.core.figures.claims import Claims
from reglab.core.figures.report import Picture
from reglab.core.results import RunResult
from reglab.core.results.arms import what_varied
from reglab.core.spec import point_key
from reglab.core.spec.points import labels

MOST_FURTHER = 10
# Sweep points with lost runs that are named one by one.
MOST_POINTS = 6
log = logging.getLogger("reglab.figures")
With = Annotated[
    list[str] | None,
    Query(
        alias="with",
        json_schema_extra={"maxItems": MOST_FURTHER},
        description="Ids of further experiments whose runs the figure also uses; figure 4 needs "
        "one.",
    ),
]


def pooled(experiment_id: str, others: list[str] | None) -> list[str]:
    """The experiment and those named beside it, each once."""
    further = others or []
    at_most("with", further, MOST_FURTHER)
    return list(dict.fromkeys([experiment_id, *(identifier("with", one) for one in further)]))


def at_most(name: str, values: Sequence[str], most: int) -> None:
    """Refuse longer lists of a query parameter."""
    if len(values) > most:
        remedy = f"Name at most {most} experiments in one request."
        problem = FieldProblem(name, f"Got {len(values)} experiments.", remedy)
        raise ProblemError(422, "invalid", "Invalid request", problem)


def stamp_of(shared: Context, ids: Sequence[str]) -> Stamp:
    """Stamps of the finished runs of these experiments, in order."""
    return [run for one in ids for run in shared.storage.results.stamp(one)]


def finished_runs(shared: Context, ids: Sequence[str]) -> list[RunResult]:
    """The finished runs of these experiments, in order."""
    found = [run for one in ids for run in shared.storage.results.experiment(one)]
    return [run for run in found if run.state == "succeeded"]


def left_out(shared: Context, ids: Sequence[str]) -> str:
    """A sentence about the runs that ended without a result, by sweep point; empty if none did.

    What is drawn or averaged is then of those that did not fail, which may be the easier ones.
    """
    runs = [run for one in ids for run in shared.storage.experiments.runs(one)]
    lost = [run for run in runs if run.state in ("failed", "cancelled")]
    if not lost:
        return ""
    told = f"{len(lost)} of {len(runs)} runs failed or were cancelled and are left out"
    points = list({point_key(run.params): run.params for run in runs}.values())
    counts = Counter(point_key(run.params) for run in lost)
    if len(points) > 1 and len(counts) <= MOST_POINTS:
        of = Counter(point_key(run.params) for run in runs)
        parts = [
            f"{counts[key]} of {of[key]} at {label}"
            for key, label in zip(map(point_key, points), labels(points), strict=True)
            if key in counts
        ]
        told += f" ({', '.join(parts)})"
    return f"{told}."


def evaluated(shared: Context, stamp: Stamp, runs: Callable[[], list[RunResult]]) -> Evaluated:
    """What the runs say about all claims, evaluated once for equal results."""

    def evaluate() -> Evaluated:
        found = runs()
        made_by = machine.sentence(run.summary for run in found)
        return Evaluated(claims.evaluate(found), what_varied(found), made_by)

    return shared.outcomes.get(stamp_key("claims", stamp), evaluate)


def prepared(
    shared: Context, figure: Figure[Any], stamp: Stamp, runs: list[RunResult]
) -> Drawable[Any]:
    """A figure's measurements and caption, of finished runs.

    Raises:
        NotMeasurableError: It cannot be drawn from these runs.
    """
    if isinstance(figure, Claims):
        found = figure.select(evaluated(shared, stamp, lambda: runs).outcomes)
        return Drawable(figure, found, figure.caption(found))
    return prepare(figure, runs)


def pictures(
    shared: Context, figures: Iterable[tuple[Figure[Any], Stamp, list[RunResult]]]
) -> Iterator[Picture]:
    """Those of the figures that can be drawn, as PNG."""
    for figure, stamp, runs in figures:
        try:
            drawable = prepared(shared, figure, stamp, runs)
            png = picture(shared.figures, drawable, stamp, shared.limits.figure_pixels)
        except NotMeasurableError:
            continue
        except CODE_FAULTS:
            log.exception("figure %s failed", figure.name)
            continue
        yield Picture(figure.name, drawable.caption, png)
