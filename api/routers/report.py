"""A report of several experiments as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from reglab.api import schemas
from reglab.api.access.scopes import needs
from reglab.api.context import Context, Shared, identifier
from reglab.api.figure_cache import picture
from reglab.api.limits_work import drawing
from reglab.api.problems import responses
from reglab.api.routers.claims import ClaimRow
from reglab.core import claims
from reglab.core.figures import REGISTRY, Figure
from reglab.core.figures.report import Picture, render_report
from reglab.core.presets import PRESETS
from reglab.core.results import RunResult

router = APIRouter(tags=["results"])
CLAIMS = REGISTRY["claims"]
Experiments = Annotated[
    list[str],
    Query(alias="experiment", min_length=1, max_length=20, description="Ids, in order."),
]
Documents = Sequence[schemas.ExperimentBody]


@router.get(
    "/report",
    summary="Report as one HTML page",
    operation_id="get_report",
    response_class=HTMLResponse,
    responses=responses(404, 422),
)
@needs("read")
@drawing
def get_report(shared: Shared, experiment: Experiments) -> HTMLResponse:
    """Figures with captions, claims with verdicts, all numbers, and the data they come from.

    Experiments of a preset show the preset's figures, with the runs of all experiments that a
    figure draws on; others show the general figures.
    """
    ids = [identifier("experiment", one) for one in dict.fromkeys(experiment)]
    documents = [_document(shared, one) for one in ids]
    runs = {one: _succeeded(shared, one) for one in ids}
    most = shared.limits.figure_pixels
    pictures = [
        Picture(figure.name, figure.caption(used), picture(shared.figures, figure, used, most))
        for figure, used in _drawable(documents, runs)
    ]
    all_runs = [run for one in ids for run in runs[one]]
    rows: list[dict[str, Any]] = []
    shown = None
    # One seed never decides a claim.
    if len({run.seed for run in all_runs}) > 1 and CLAIMS.applies(all_runs) is None:
        rows = [ClaimRow.of(outcome).model_dump() for outcome in claims.evaluate(all_runs)]
        png = picture(shared.figures, CLAIMS, all_runs, most)
        shown = Picture(CLAIMS.name, CLAIMS.caption(all_runs), png)
    page = render_report(
        pictures,
        [document.model_dump(mode="json") for document in documents],
        _notes(documents),
        rows,
        shown,
    )
    return HTMLResponse(page)


def _document(shared: Context, experiment_id: str) -> schemas.ExperimentBody:
    record = shared.storage.experiments.get(experiment_id)
    return schemas.ExperimentBody.with_runs(record, shared.storage.experiments.runs(experiment_id))


def _succeeded(shared: Context, experiment_id: str) -> list[RunResult]:
    runs = shared.storage.results.experiment(experiment_id)
    return [run for run in runs if run.state == "succeeded"]


def _drawable(
    documents: Documents, runs: dict[str, list[RunResult]]
) -> Iterator[tuple[Figure, list[RunResult]]]:
    for name, figure in sorted(REGISTRY.items()):
        owners = [one.id for one in documents if name in _figures_of(one.preset)]
        used = [run for owner in owners for run in runs[owner]]
        if used and figure.applies(used) is None:
            yield figure, used
    others = [figure for figure in REGISTRY.values() if not _of_a_preset(figure.name)]
    general = [figure for figure in others if figure is not CLAIMS]
    for document in documents:
        for figure in general:
            if document.preset is None and figure.applies(runs[document.id]) is None:
                yield figure, runs[document.id]


def _figures_of(preset: str | None) -> tuple[str, ...]:
    """Of a preset that this server knows; an import may come from one that knows more."""
    return PRESETS[preset].figures if preset in PRESETS else ()


def _of_a_preset(name: str) -> bool:
    return any(name in preset.figures for preset in PRESETS.values())


def _notes(documents: Documents) -> list[str]:
    """In what the experiments are not what their presets say."""
    notes, lengths = [], []
    for document in documents:
        preset = PRESETS.get(document.preset or "")
        if preset is None:
            continue
        wanted, used = preset.document["dataset"]["name"], document.spec.dataset.name
        if used != wanted:
            notes.append(
                f"Preset '{preset.name}' ran on '{used}' in place of '{wanted}', which could not "
                "be had or was not wanted; its figures are not those of the article's data."
            )
        epochs = preset.document["training"]["epochs"]
        if document.spec.training.epochs != epochs:
            lengths.append(f"'{preset.name}' {document.spec.training.epochs} of {epochs}")
    if lengths:
        told = ", ".join(lengths)
        notes.append(f"Epochs are not those of the presets: {told}. What follows may differ.")
    return notes
