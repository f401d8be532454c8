"""Figures: which can be drawn, and their pictures."""

from __future__ import annotations

import functools
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from reglab import __version__
from reglab.api import schemas
from reglab.api.access.scopes import needs
from reglab.api.context import Context, ExperimentId, Shared, identifier
from reglab.api.figure_cache import stamp_key
from reglab.api.limits import refusal
from reglab.api.limits_work import drawn, heavy
from reglab.api.problems import Problem, not_found, responses
from reglab.core.errors import FieldProblem
from reglab.core.figures import REGISTRY, Figure, Style, render
from reglab.core.results import RunResult

router = APIRouter(prefix="/experiments/{experiment_id}/figures", tags=["figures"])
MEDIA = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
With = Annotated[
    list[str] | None,
    Query(
        alias="with",
        max_length=10,
        description="Further experiments whose runs the figure draws on, as figure 4 does.",
    ),
]


@router.get(
    "",
    summary="Figures of an experiment",
    operation_id="list_figures",
    responses=responses(404),
)
@needs("read")
@heavy
def list_figures(
    shared: Shared, experiment_id: ExperimentId, with_: With = None
) -> schemas.FigureList:
    """Each figure with its caption, or with the reason why it cannot be drawn."""
    runs = succeeded_runs(shared, experiment_id, with_)
    return schemas.FigureList(items=[_row(figure, runs) for figure in REGISTRY.values()])


@router.get(
    "/{name}.{form}",
    summary="A figure as PNG, SVG or PDF",
    operation_id="get_figure",
    response_class=Response,
    responses={
        **responses(404, 409, 422),
        200: {"content": {media: {} for media in MEDIA.values()}},
        304: {"description": "Not modified"},
    },
)
@needs("read")
async def get_figure(
    request: Request,
    shared: Shared,
    experiment_id: ExperimentId,
    name: Annotated[str, Path(description="As listed.", examples=["fig02-l2-boundaries"])],
    form: Annotated[str, Path(description="png, svg or pdf.", examples=["png"])],
    with_: With = None,
    dpi: Annotated[int, Query(ge=50, description="Dots an inch (PNG).")] = 144,
    width: Annotated[
        float | None, Query(ge=3, description="Width in inches; height follows.")
    ] = None,
    theme: Annotated[Literal["light", "dark"], Query(description="Colours.")] = "light",
) -> Response:
    """Drawn from stored results, cached by content; answers 304 to a known ETag."""
    if name not in REGISTRY:
        raise not_found("figure", name, f"Known: {', '.join(REGISTRY)}.")
    if form not in MEDIA:
        raise not_found("format", form, "Use png, svg or pdf.")
    _check_size(shared, dpi, width)
    figure = REGISTRY[name]
    results = shared.storage.results
    together = _together(experiment_id, with_)
    stamps = [await run_in_threadpool(results.stamp, one) for one in together]
    stamp = [run for stamped in stamps for run in stamped]
    look = {"form": form, "dpi": dpi, "width": width, "theme": theme}
    key = stamp_key(__version__, name, stamp, **look)
    headers = {"ETag": f'"{key}"', "Cache-Control": "private, no-cache"}
    if key in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    data = shared.figures.kept(key)
    if data is None:
        style = Style(theme=theme, width=width)

        def draw() -> bytes:
            runs = _drawable(shared, figure, experiment_id, with_)
            return render(figure, runs, style, form, dpi, shared.limits.figure_pixels)

        # One that was drawn before does not wait for those that are drawn now.
        make = functools.partial(shared.figures.get, key, draw)
        data = await drawn(shared, make)
    return Response(data, media_type=MEDIA[form], headers=headers)


def _drawable(
    shared: Context, figure: Figure, experiment_id: str, others: list[str] | None
) -> list[RunResult]:
    runs = succeeded_runs(shared, experiment_id, others)
    reason = figure.applies(runs)
    if reason is not None:
        problem = FieldProblem("name", reason, "")
        raise Problem(409, "not-drawable", "Figure cannot be drawn", problem)
    return runs


def _check_size(shared: Context, dpi: int, width: float | None) -> None:
    limits = shared.limits
    if dpi > limits.figure_dpi:
        remedy = f"Use from 50 to {limits.figure_dpi}."
        raise refusal(limits, "figure_dpi", "dpi", f"Got {dpi}.", remedy)
    # Written so that a NaN is refused.
    if width is not None and not width <= limits.figure_width:
        remedy = f"Use from 3 to {limits.figure_width:g} inches."
        raise refusal(limits, "figure_width", "width", f"Got {width:g}.", remedy)


def _together(experiment_id: str, others: list[str] | None) -> list[str]:
    """The experiment and those named beside it, each once."""
    named = [experiment_id, *(identifier("with", other) for other in others or [])]
    return list(dict.fromkeys(named))


def succeeded_runs(
    shared: Context, experiment_id: str, others: list[str] | None
) -> list[RunResult]:
    """Finished runs of an experiment and of those named beside it."""
    ids = _together(experiment_id, others)
    found = [run for one in ids for run in shared.storage.results.experiment(one)]
    return [run for run in found if run.state == "succeeded"]


def _row(figure: Figure, runs: list[RunResult]) -> schemas.FigureRow:
    reason = figure.applies(runs)
    return schemas.FigureRow(
        name=figure.name,
        title=figure.title,
        article_number=figure.article_number,
        available=reason is None,
        reason=reason,
        caption=figure.caption(runs) if reason is None else None,
    )
