"""The pages' addresses."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from reglab.api.access.ownership import may_change
from reglab.api.access.scopes import needs
from reglab.api.arms import NAMES
from reglab.api.context import UUID, ExperimentId, Shared
from reglab.api.middleware.root_path import root_of
from reglab.api.routers.experiments import find
from reglab.api.web import snippets
from reglab.api.web.compare import MAX_POINTS, MAX_RUNS, chosen, differences
from reglab.api.web.present import compare_data, experiment_data
from reglab.api.web.render import page
from reglab.core.presets import PRESETS, build
from reglab.core.results import STATES, State
from reglab.core.spec import ExperimentSpec, count_runs
from reglab.core.spec.fields import schema
from reglab.core.storage import Sort

router = APIRouter()
Asked = Annotated[str, Query(max_length=100)]
ROWS = 50
FOUND = 8
SORTS: dict[str, str] = {
    "-created": "newest first",
    "created": "oldest first",
    "name": "name, A to Z",
    "-name": "name, Z to A",
}


@router.get("/")
@needs("read")
def home() -> Response:
    """The pages begin with the list."""
    return RedirectResponse("/experiments", 307)


@router.get("/experiments")
@needs("read")
def list_page(
    request: Request,
    shared: Shared,
    state: State | Literal[""] = "",
    preset: str = "",
    tag: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    sort: Sort = "-created",
    cursor: str | None = None,
    part: str = "",
) -> Response:
    """Experiments by page; ``part=rows`` gives the rows alone, for the module that adds them."""
    filters = {"q": q, "state": state, "preset": preset, "tag": tag, "sort": sort}
    wanted = state or None
    found = find(shared, wanted, preset or None, tag or None, q or None, ROWS, cursor, sort)
    given = {k: v for k, v in filters.items() if v and (k, v) != ("sort", "-created")}
    more = f"/experiments?{urlencode({**given, 'cursor': found.next_cursor})}"
    values: dict[str, Any] = {
        "items": found.items,
        "more": more if found.next_cursor else None,
        "filtered": bool(given.keys() - {"sort"}),
    }
    if part == "rows":
        return page(request, "experiments_rows.html", **values)
    return page(
        request,
        "experiments.html",
        **values,
        filters=filters,
        states=STATES,
        presets=PRESETS,
        sorts=SORTS,
        tags=shared.storage.experiments.tags(),
    )


@router.get("/experiments/new")
@needs("read")
def new_page(request: Request, shared: Shared, preset: str = "", like: str = "") -> Response:
    """A form; begins from a preset or from an experiment that is there."""
    start: dict[str, Any] = snippets.lean(build("l2").model_dump(mode="json"))
    if preset in PRESETS:
        start = snippets.lean(build(preset).model_dump(mode="json"))
    elif UUID.fullmatch(like):
        start = snippets.lean(shared.storage.experiments.get(like).spec)
    rows = _presets()
    data = {"schema": schema(ExperimentSpec), "start": start, "presets": rows}
    selected = "" if like else preset if preset in PRESETS else "l2"
    return page(request, "new.html", presets=rows, selected=selected, data=data)


@functools.cache
def _presets() -> list[dict[str, Any]]:
    """What the form needs to know of each preset; the same for every request."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "description": one.description,
            "article": one.article,
            "runs": count_runs(one.spec),
            "spec": snippets.lean(one.spec.model_dump(mode="json")),
        }
        for one in PRESETS.values()
    ]


@router.get("/experiments/{experiment_id}")
@needs("read")
def experiment_page(request: Request, shared: Shared, experiment_id: ExperimentId) -> Response:
    """One experiment."""
    record = shared.storage.experiments.get(experiment_id)
    runs = shared.storage.experiments.runs(experiment_id)
    spec, url = snippets.lean(record.spec), str(request.base_url).rstrip("/") + root_of(request)
    data = experiment_data(record, runs)
    return page(
        request,
        "experiment.html",
        experiment=record,
        runs=list(zip(runs, data["runs"], strict=True)),
        data=data,
        can_change=may_change(request.state.principal, record.token_id),
        snippets=[
            ("json", "JSON", snippets.as_json(spec)),
            ("python", "Python", snippets.as_python(spec, url)),
            ("curl", "curl", snippets.as_curl(spec, url, bool(request.state.csrf))),
        ],
    )


@router.get("/compare")
@needs("read")
def compare_page(
    request: Request,
    shared: Shared,
    run: Annotated[list[str] | None, Query(max_length=200)] = None,
    experiment: Annotated[list[str] | None, Query(max_length=50)] = None,
    metric: Asked = "",
    baseline: Asked = "",
    adjust: Asked = "",
) -> Response:
    """Any sweep points of any experiments side by side.

    ``experiment`` is an id, or an id with the runs meant: ``id:0-8,10``; ``run`` is the id of one.
    The other three say what is tested, which the page's module reads.
    """
    del metric, baseline, adjust
    choice = chosen(shared.storage, run or [], experiment or [])
    return page(
        request,
        "compare.html",
        points=choice.points,
        missing=choice.missing,
        left_out=choice.left_out,
        max_points=MAX_POINTS,
        max_runs=MAX_RUNS,
        metrics=NAMES,
        differences=differences([point.runs[0].spec for point in choice.points]),
        data=compare_data(choice.points),
    )


@router.get("/compare/found")
@needs("read")
def found_part(
    request: Request, shared: Shared, q: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """The newest experiments of such a name, for the module that asks."""
    items = shared.storage.experiments.find(q=q or None, limit=FOUND).items
    sizes = [sum(item.counts.values()) for item in items]
    points = [size // len(item.spec["seeds"]) for size, item in zip(sizes, items, strict=True)]
    found = list(zip(items, points, sizes, strict=True))
    return page(request, "compare_found.html", found=found)


@router.get("/compare/points")
@needs("read")
def points_part(
    request: Request, shared: Shared, experiment: Annotated[str, Query(max_length=50)]
) -> Response:
    """The sweep points of one experiment as boxes to tick, for the module that asks."""
    # Of an experiment no points are left out: only what is ticked is compared.
    every = shared.limits.runs
    choice = chosen(shared.storage, [], [experiment], every, every)
    return page(request, "compare_points.html", points=choice.points)


@router.get("/playground")
@needs("read")
def playground_page(request: Request) -> Response:
    """A net that is watched while it trains."""
    return page(request, "playground.html")
