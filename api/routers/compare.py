"""Comparison of two runs, of two experiments, or of any sweep points as arms."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from reglab.api.access.scopes import needs
from reglab.api.arms import ArmQuery, compared, experiments_of, only_arms
from reglab.api.context import Context, Shared, finished, identifier
from reglab.api.figure_cache import stamp_key
from reglab.api.limits.work import heavy
from reglab.api.problems import ProblemError, responses
from reglab.api.routers.figures import MEDIA, check_picture, picture
from reglab.api.routers.pooled import stamp_of
from reglab.api.schemas.arms import ArmsBody, body_of
from reglab.api.schemas.compare import ByExample, Comparison, MetricRow, PointRow
from reglab.core.errors import FieldProblem, NotComparableError, NotMeasurableError
from reglab.core.figures import Style, render
from reglab.core.figures.critical_difference import CriticalDifference
from reglab.core.figures.forest import Forest
from reglab.core.results import RunResult
from reglab.core.results.comparison import (
    compare_experiments,
    compare_on_examples,
    final_metrics,
    shared_binning,
    shared_metrics,
)
from reglab.core.spec import At

router = APIRouter(prefix="/compare", tags=["results"])
FIGURES: dict[str, Forest | CriticalDifference] = {
    figure.name: figure for figure in (Forest(), CriticalDifference())
}
Pair = Annotated[
    str | None, Query(max_length=100, description="Two ids separated by a comma: a,b.")
]


@router.get(
    "",
    summary="Compare two runs, two experiments, or several arms",
    operation_id="compare",
    responses=responses(404, 409, 422),
)
@needs("read")
@heavy
def compare(
    shared: Shared,
    asked: Annotated[ArmQuery, Depends()],
    runs: Pair = None,
    experiments: Pair = None,
) -> Comparison | ArmsBody:
    """Paired differences b minus a with effect sizes; give ``runs``, ``experiments`` or ``ids``.

    Runs: final metrics and, where both were tested on the same examples, accuracy and NLL by
    example with 95 % intervals and McNemar's test. Experiments: final metrics at every sweep
    point that both have, paired by seed; points are the same whose resolved values agree at every
    path that one of the two sweeps. Metrics that one of the two does not have, such as the ECE of a
    network trained with squared loss, are left out, and so are losses in different units. Where the
    two specs bin calibration differently, both ECEs are of 15 quantile bins.

    ``ids``: any sweep points as arms, by one metric, all against a baseline or all pairs; p-values
    are corrected for all comparisons, and their intervals hold together. Arms over several datasets
    are compared by their mean over these, ranked over them, and have interquartile means,
    probabilities of improvement and performance profiles.
    """
    given = {"runs": runs, "experiments": experiments, "ids": asked.ids}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        field = named[-1] if named else "runs"
        remedy = "Give either runs=A,B or experiments=A,B or ids=A,B,C."
        raise ProblemError(
            422, "invalid", "Invalid request", FieldProblem(field, "One of them is needed.", remedy)
        )
    if asked.ids is not None:
        return body_of(compared(shared, asked), asked.at)
    only_arms(asked)
    if runs is not None:
        return _compare_runs(shared, *_two("runs", runs), asked.at)
    return _compare_experiments(shared, *_two("experiments", experiments or ""), asked.at)


@router.get(
    "/figures/{name}.{form}",
    summary="A figure of several arms as PNG, SVG or PDF",
    operation_id="get_compare_figure",
    response_class=Response,
    responses={
        **responses(404, 409, 422),
        200: {"content": {media: {} for media in MEDIA.values()}},
        304: {"description": "Not modified"},
    },
)
@needs("read")
async def get_compare_figure(
    request: Request,
    shared: Shared,
    asked: Annotated[ArmQuery, Depends()],
    name: Annotated[str, Path(description=f"{', '.join(FIGURES)}.", examples=["forest"])],
    form: Annotated[str, Path(description="png, svg or pdf.", examples=["png"])],
    dpi: Annotated[int, Query(ge=50, description="Dots per inch of a PNG.")] = 144,
    width: Annotated[float | None, Query(ge=3, description="Width in inches.")] = None,
    theme: Annotated[Literal["light", "dark"], Query(description="Colour theme.")] = "light",
) -> Response:
    """The comparison of ``GET /v1/compare?ids=`` as a picture, cached by content."""
    check_picture(shared, FIGURES, name, form, dpi, width)
    stamp = await run_in_threadpool(stamp_of, shared, experiments_of(asked))
    look = {"form": form, "dpi": dpi, "width": width, "theme": theme}
    key = stamp_key(f"compare-{name}", stamp, asked=asdict(asked), **look)

    def draw() -> bytes:
        try:
            found = FIGURES[name].check(compared(shared, asked))
        except NotMeasurableError as reason:
            problem = FieldProblem("name", str(reason), "GET /v1/compare says what there is.")
            raise ProblemError(409, "not-drawable", "Figure cannot be drawn", problem) from reason
        style = Style(theme=theme, width=width)
        return render(FIGURES[name], found, style, form, dpi, shared.limits.figure_pixels)

    return await picture(request, shared, key, form, draw)


def _two(field: str, text: str) -> tuple[str, str]:
    ids = [part.strip() for part in text.split(",")]
    if len(ids) != 2:
        problem = FieldProblem(field, f"Got {len(ids)} ids.", f"Give two: {field}=A,B.")
        raise ProblemError(422, "invalid", "Invalid request", problem)
    return identifier(field, ids[0]), identifier(field, ids[1])


def _compare_runs(shared: Context, a: str, b: str, at: At) -> Comparison:
    left, right = finished(shared, a), finished(shared, b)
    binning = shared_binning([left, right])
    numbers = final_metrics(left, at, binning), final_metrics(right, at, binning)
    rows = [
        MetricRow(
            metric=name,
            a=numbers[0][name],
            b=numbers[1][name],
            difference=numbers[1][name] - numbers[0][name],
        )
        for name in shared_metrics([left, right], numbers)
    ]
    by_example, reason = _by_example(left, right, at)
    return Comparison(
        kind="runs",
        a=a,
        b=b,
        metrics=rows,
        by_example=by_example,
        by_example_reason=reason,
        by_seed=None,
    )


def _by_example(a: RunResult, b: RunResult, at: At) -> tuple[ByExample | None, str | None]:
    try:
        return ByExample.model_validate(asdict(compare_on_examples(a, b, at))), None
    except NotComparableError as reason:
        return None, str(reason)


def _compare_experiments(shared: Context, a: str, b: str, at: At) -> Comparison:
    left, right = (
        [run for run in shared.storage.results.experiment(one) if run.state == "succeeded"]
        for one in (a, b)
    )
    try:
        found = compare_experiments(left, right, at)
    except NotComparableError as reason:
        remedy = "Compare finished experiments with a sweep point and a seed in common."
        problem = FieldProblem("experiments", str(reason), remedy)
        raise ProblemError(409, "not-comparable", "Not comparable", problem) from reason
    return Comparison(
        kind="experiments",
        a=a,
        b=b,
        metrics=None,
        by_example=None,
        by_example_reason=None,
        by_seed=[PointRow.model_validate(asdict(row)) for row in found],
    )
