"""A report of several experiments as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from reglab.api.access.scopes import needs
from reglab.api.context import Context, Shared, identifier
from reglab.api.figure_cache import Stamp
from reglab.api.limits.work import drawing, heavy
from reglab.api.problems import responses
from reglab.api.routers.pooled import (
    at_most,
    evaluated,
    finished_runs,
    left_out,
    pictures,
    stamp_of,
)
from reglab.api.schemas.claims import ClaimRow, Robustness
from reglab.api.schemas.experiments import ExperimentBody
from reglab.core import claims
from reglab.core.claims import is_for_control, robustness
from reglab.core.figures import REGISTRY, Figure
from reglab.core.figures.report import render_report
from reglab.core.presets import PRESETS
from reglab.core.results import RunResult

router = APIRouter(tags=["results"])
CLAIMS = REGISTRY["claims"]
MOST = 60
Experiments = Annotated[
    list[str],
    Query(
        alias="experiment",
        min_length=1,
        json_schema_extra={"maxItems": MOST},
        description="Ids of the experiments, in order.",
    ),
]
Documents = Sequence[ExperimentBody]


@router.get(
    "/robustness",
    summary="Claims under other choices",
    operation_id="get_robustness",
    responses=responses(404, 422),
)
@needs("read")
@heavy
def get_robustness(shared: Shared, experiment: Experiments) -> Robustness:
    """Returns the verdict of each claim under each choice that the article leaves open.

    Give the experiments of presets as they are and under ``choices`` of ``GET /presets``, with
    their controls. A column has the runs of the experiments that its choice changes, and those of
    the other presets as they are; its claims are decided together, by Holm's method.
    """
    at_most("experiment", experiment, MOST)
    ids = [identifier("experiment", one) for one in dict.fromkeys(experiment)]
    return Robustness.of(_robustness(shared, [_document(shared, one) for one in ids]))


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
    """The page contains figures with captions, claims with verdicts, and tables of all results.

    Experiments of a preset show the preset's figures, with the runs of all experiments that a
    figure draws on; others show the general figures.
    """
    at_most("experiment", experiment, MOST)
    ids = [identifier("experiment", one) for one in dict.fromkeys(experiment)]
    documents = [_document(shared, one) for one in ids]
    stamps = {one: stamp_of(shared, [one]) for one in ids}
    runs = {one: finished_runs(shared, [one]) for one in ids}
    robust = Robustness.of(_robustness(shared, documents))
    under_choices = _under_choices(robust)
    shown_here = [one for one in documents if one.id not in under_choices]
    all_runs = [run for one in shown_here for run in runs[one.id]]
    stamp = [run for one in shown_here for run in stamps[one.id]]
    rows: list[dict[str, Any]] = []
    varied = ""
    shown = None
    # One seed never decides a claim.
    if len({run.seed for run in all_runs}) > 1:
        shown = next(pictures(shared, [(CLAIMS, stamp, all_runs)]), None)
    if shown is not None:
        found = evaluated(shared, stamp, lambda: all_runs)
        rows = [ClaimRow.of(outcome).model_dump() for outcome in found.outcomes]
        varied = found.varied
    page = render_report(
        list(pictures(shared, _wanted(shown_here, runs, stamps))),
        [document.model_dump(mode="json") for document in documents],
        [*_notes(shown_here), *_failures(shared, documents)],
        rows,
        shown,
        robust.model_dump() if robust.items else None,
        varied,
    )
    return HTMLResponse(page)


def _document(shared: Context, experiment_id: str) -> ExperimentBody:
    record = shared.storage.experiments.get(experiment_id)
    return ExperimentBody.with_runs(record, shared.storage.experiments.runs(experiment_id))


def _robustness(shared: Context, documents: Documents) -> robustness.Table:
    def decided(ids: Sequence[str]) -> list[claims.Outcome]:
        found = evaluated(shared, stamp_of(shared, ids), lambda: finished_runs(shared, ids))
        return found.outcomes

    placed = [robustness.Experiment(one.id, one.preset, one.spec) for one in documents]
    return robustness.table(placed, decided)


def _under_choices(found: Robustness) -> set[str]:
    """Experiments under other choices, which are for the table of choices alone."""
    printed, *others = found.choices
    return {each for one in others for each in one.experiments} - set(printed.experiments)


def _wanted(
    documents: Documents, runs: dict[str, list[RunResult]], stamps: dict[str, Stamp]
) -> Iterator[tuple[Figure[Any], Stamp, list[RunResult]]]:
    # Controls are for claims; in a figure they would be taken for the method.
    documents = [document for document in documents if not is_for_control(document.spec)]
    for name, figure in sorted(REGISTRY.items()):
        owners = [one.id for one in documents if name in _figures_of(one.preset)]
        used = [run for owner in owners for run in runs[owner]]
        if used:
            yield figure, [run for owner in owners for run in stamps[owner]], used
    others = [figure for figure in REGISTRY.values() if not _of_a_preset(figure.name)]
    general = [figure for figure in others if figure is not CLAIMS]
    for document in documents:
        for figure in general:
            if document.preset is None:
                yield figure, stamps[document.id], runs[document.id]


def _figures_of(preset: str | None) -> tuple[str, ...]:
    """Of a preset that this server knows; an import may come from one that knows more."""
    return PRESETS[preset].figures if preset is not None and preset in PRESETS else ()


def _of_a_preset(name: str) -> bool:
    return any(name in preset.figures for preset in PRESETS.values())


def _failures(shared: Context, documents: Documents) -> Iterator[str]:
    for document in documents:
        told = left_out(shared, [document.id])
        if told:
            name = document.name or document.preset or document.id
            yield f"Of '{name}', {told} Means are over the others."


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
                f"Preset '{preset.name}' ran on '{used}' in place of '{wanted}', which was "
                "unavailable or not wanted; its figures are not those of the article's data."
            )
        epochs = preset.document["training"]["epochs"]
        if document.spec.training.epochs != epochs:
            lengths.append(f"'{preset.name}' {document.spec.training.epochs} of {epochs}")
    if lengths:
        told = ", ".join(lengths)
        notes.append(f"Epochs are not those of the presets: {told}. What follows may differ.")
    return notes
