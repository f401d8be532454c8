"""Figures: which can be drawn, and their pictures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from reglab.api import etags
from reglab.api.access.scopes import needs
from reglab.api.context import Context, ExperimentId, Shared
from reglab.api.figure_cache import Stamp, stamp_key
from reglab.api.limits.refusals import refusal
from reglab.api.limits.work import drawn, heavy
from reglab.api.problems import ProblemError, not_found, responses
from reglab.api.routers.pooled import With, finished_runs, left_out, pooled, prepared, stamp_of
from reglab.api.schemas.figures import FigureList, FigureRow
from reglab.core.errors import FieldProblem, NotMeasurableError
from reglab.core.figures import REGISTRY, Drawable, Figure, Style, render
from reglab.core.results import RunResult

router = APIRouter(prefix="/experiments/{experiment_id}/figures", tags=["figures"])
MEDIA = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


@router.get(
    "",
    summary="Figures of an experiment",
    operation_id="list_figures",
    response_model=FigureList,
    responses={**responses(404, 422), 304: {"description": "Not modified"}},
)
@needs("read")
@heavy
def list_figures(
    request: Request, shared: Shared, experiment_id: ExperimentId, with_: With = None
) -> Response:
    """Returns each figure with its caption, or with the reason why it cannot be drawn."""
    ids = pooled(experiment_id, with_)
    stamp = stamp_of(shared, ids)
    note = left_out(shared, ids)
    key = stamp_key("captions", stamp, note=note)
    known = etags.not_modified(request, key)
    if known is not None:
        return known

    def tell() -> bytes:
        runs = finished_runs(shared, ids)
        rows = [_row(shared, figure, stamp, runs, note) for figure in REGISTRY.values()]
        return FigureList(items=rows).model_dump_json().encode()

    data = shared.figures.get(key, tell)
    return Response(data, media_type="application/json", headers=etags.headers(key))


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
    dpi: Annotated[int, Query(ge=50, description="Dots per inch of a PNG.")] = 144,
    width: Annotated[
        float | None,
        Query(ge=3, description="Width in inches; the height follows."),
    ] = None,
    theme: Annotated[Literal["light", "dark"], Query(description="Colour theme.")] = "light",
) -> Response:
    """The figure is drawn from stored results and cached by content.

    A known ETag is answered with 304.
    """
    check_picture(shared, REGISTRY, name, form, dpi, width)
    figure = REGISTRY[name]
    ids = pooled(experiment_id, with_)
    stamp = await run_in_threadpool(stamp_of, shared, ids)
    look = {"form": form, "dpi": dpi, "width": width, "theme": theme}
    key = stamp_key(name, stamp, **look)

    def draw() -> bytes:
        drawable = _drawable(shared, figure, stamp, finished_runs(shared, ids))
        style, most = Style(theme=theme, width=width), shared.limits.figure_pixels
        return render(figure, drawable.found, style, form, dpi, most)

    return await picture(request, shared, key, form, draw)


async def picture(
    request: Request, shared: Context, key: str, form: str, draw: Callable[[], bytes]
) -> Response:
    """A picture as it is kept under its key, or else as it is drawn; 304 where it is known."""
    known = etags.not_modified(request, key)
    if known is not None:
        return known
    data = shared.figures.kept(key)
    if data is None:
        # One that was drawn before does not wait for those that are drawn now.
        data = await drawn(shared, functools.partial(shared.figures.get, key, draw))
    return Response(data, media_type=MEDIA[form], headers=etags.headers(key))


def _drawable(
    shared: Context, figure: Figure[Any], stamp: Stamp, runs: list[RunResult]
) -> Drawable[Any]:
    try:
        return prepared(shared, figure, stamp, runs)
    except NotMeasurableError as reason:
        remedy = "GET .../figures lists those that can be drawn."
        problem = FieldProblem("name", str(reason), remedy)
        raise ProblemError(409, "not-drawable", "Figure cannot be drawn", problem) from reason


def check_picture(
    shared: Context, names: Collection[str], name: str, form: str, dpi: int, width: float | None
) -> None:
    """Refuse pictures that there are not, and those beyond the limits."""
    if name not in names:
        raise not_found("figure", name, f"Known: {', '.join(names)}.")
    if form not in MEDIA:
        raise not_found("format", form, "Use png, svg or pdf.")
    limits = shared.limits
    if dpi > limits.figure_dpi:
        remedy = f"Use from 50 to {limits.figure_dpi}."
        raise refusal(limits, "figure_dpi", "dpi", f"Got {dpi}.", remedy)
    # Written so that a NaN is refused.
    if width is not None and not width <= limits.figure_width:
        remedy = f"Use from 3 to {limits.figure_width:g} inches."
        raise refusal(limits, "figure_width", "width", f"Got {width:g}.", remedy)


def _row(
    shared: Context, figure: Figure[Any], stamp: Stamp, runs: list[RunResult], note: str
) -> FigureRow:
    reason = caption = None
    try:
        caption = f"{prepared(shared, figure, stamp, runs).caption} {note}".rstrip()
    except NotMeasurableError as missing:
        reason = str(missing)
    return FigureRow(
        name=figure.name,
        title=figure.title,
        article_number=figure.article_number,
        available=reason is None,
        reason=reason,
        caption=caption,
    )
