"""Tables over all runs of an experiment: curves and calibration errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from numpy.typing import NDArray

from reglab.api import tables
from reglab.api.access.scopes import needs
from reglab.api.context import Context, ExperimentId, Shared
from reglab.api.figure_cache import stamp_key
from reglab.api.limits.work import heavy
from reglab.api.problems import ProblemError, responses
from reglab.api.routers.pooled import finished_runs, stamp_of
from reglab.api.schemas.curves import EceRow, EceTable
from reglab.core import statistics
from reglab.core.errors import FieldProblem
from reglab.core.metrics import calibration
from reglab.core.metrics.bin_free import bin_free
from reglab.core.results import CURVE_COLUMNS, FURTHER_COLUMNS, RunResult, downsample
from reglab.core.results.comparison import shared_binning
from reglab.core.spec import Binning, point_key
from reglab.core.spec.metrics import ALWAYS

router = APIRouter(prefix="/experiments/{experiment_id}", tags=["results"])
Columns = Mapping[str, list[Any] | NDArray[Any]]
# Of a longer curve no screen shows more.
MAX_POINTS = 2000
# Values that are made into text at once.
DEFAULT_METRICS = ALWAYS
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {"schema": {"type": "string"}} for media in tables.MEDIA.values()}}
}


@router.get(
    "/curves",
    summary="Curves of all runs",
    operation_id="get_curves",
    response_model=dict[str, list[Any]],
    responses={**responses(404, 422), **FILES},
)
@needs("read")
@heavy
def get_curves(
    shared: Shared,
    experiment_id: ExperimentId,
    metrics: Annotated[
        str | None,
        Query(
            description="Comma-separated columns; losses and accuracies on the training and test "
            "set if left out. Runs with a validation split also have validation_loss and "
            "validation_accuracy, those with optimizer.average also average_train_loss, "
            "average_train_accuracy, average_test_loss and average_test_accuracy.",
            examples=["test_loss,test_accuracy"],
        ),
    ] = None,
    form: Annotated[
        tables.Format, Query(alias="format", description="Format of the response.")
    ] = "json",
    max_points: Annotated[
        int,
        Query(
            ge=4,
            le=1_000_000,
            description="At most so many points per run; set it higher to have all of a longer "
            "curve.",
        ),
    ] = MAX_POINTS,
    aggregate: Annotated[
        Literal["seeds"] | None,
        Query(
            description="'seeds' returns one curve per sweep point, the mean over its replicates."
        ),
    ] = None,
) -> Any:
    """Columns of equal length: run_id, epoch and the metrics; also of runs still running.

    A run of more than ``max_points`` evaluations keeps its first and last point and the extremes
    of each stretch.
    With ``aggregate=seeds`` the columns are point, params (JSON text), epoch, seeds (how many have
    this epoch), and for each metric its mean and, as ``_low`` and ``_high``, the ends of the mean's
    95 % interval by Student's t, null where fewer than two seeds are there.
    """
    chosen = _metrics(metrics)
    if aggregate:
        columns = _over_seeds(shared, experiment_id, chosen, max_points)
    else:
        columns = _by_run(shared, experiment_id, chosen, max_points)
    if form == "json":
        return tables.json_response(columns)
    return tables.file_response(columns, _kinds(columns), form, f"curves-{experiment_id}")


def _kinds(columns: Mapping[str, Any]) -> dict[str, str]:
    """The type of each column: metrics and their intervals are numbers."""
    known = {"run_id": "str", "point": "int", "params": "str", "epoch": "int", "step": "int"}
    return {name: (known | {"seeds": "int"}).get(name, "float") for name in columns}


def _by_run(shared: Context, experiment_id: str, chosen: list[str], max_points: int) -> Columns:
    parts: dict[str, list[Any]] = {"run_id": [], "epoch": [], **{name: [] for name in chosen}}
    for run_id, curves in shared.storage.results.curves(experiment_id).items():
        kept = downsample(curves, max_points)
        parts["run_id"].append(np.full(len(kept["epoch"]), run_id, dtype=object))
        parts["epoch"].append(kept["epoch"].astype(np.int64))
        for name in chosen:
            # Not all runs have a validation split or averaged weights.
            missing = np.full(len(kept["epoch"]), None, dtype=object)
            parts[name].append(kept.get(name, missing))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _over_seeds(shared: Context, experiment_id: str, chosen: list[str], max_points: int) -> Columns:
    curves = shared.storage.results.curves(experiment_id)
    points: dict[str, tuple[str, list[Mapping[str, NDArray[Any]]]]] = {}
    for run in shared.storage.experiments.runs(experiment_id):
        points.setdefault(point_key(run.params), (json.dumps(run.params), []))[1].append(
            curves[run.id]
        )
    ends = [f"{name}{end}" for name in chosen for end in ("", "_low", "_high")]
    columns: dict[str, list[Any]] = {
        name: [] for name in ("point", "params", "epoch", "seeds", *ends)
    }
    for at, (params, replicates) in enumerate(points.values()):
        means = statistics.aggregate(replicates, chosen)
        kept = downsample(means, max_points, by=chosen[0])
        size = len(kept["epoch"])
        columns["point"] += [at] * size
        columns["params"] += [params] * size
        for name, values in kept.items():
            columns[name] += tables.without_nan(values)
    return columns


@router.get(
    "/ece",
    summary="Calibration errors of all finished runs",
    operation_id="get_ece",
    response_model=EceTable,
    responses={**responses(404, 422), **FILES},
)
@needs("read")
@heavy
def get_ece(
    shared: Shared,
    experiment_id: ExperimentId,
    binning: Annotated[
        Binning | None, Query(description="Quantile or uniform bins; as in the spec by default.")
    ] = None,
    bins: Annotated[
        int | None, Query(ge=1, le=1000, description="Number of bins; as in the spec by default.")
    ] = None,
    form: Annotated[
        tables.Format, Query(alias="format", description="Format of the response.")
    ] = "json",
) -> EceTable | Response:
    """ECE with its noise floor, MCE, Brier score, NLL and accuracy, one row per run.

    The interval of the ECE is that of the true error, which endless test examples would show; the
    ECE of a finite test set is biased upwards.

    Runs trained with squared loss have no probabilities and are left out. All rows have the same
    bins: where the specs of a sweep differ, 15 quantile bins unless others are asked for.
    """
    stamp = stamp_of(shared, [experiment_id])
    table = shared.ece_tables.get(
        stamp_key("ece", stamp, binning=binning, bins=bins),
        lambda: _ece_table(finished_runs(shared, [experiment_id]), binning, bins),
    )
    if form == "json":
        return table
    columns, kinds = tables.from_rows(table.items, EceRow)
    return tables.file_response(columns, kinds, form, f"ece-{experiment_id}")


def _ece_table(runs: list[RunResult], binning: Binning | None, bins: int | None) -> EceTable:
    finished = len(runs)
    runs = [run for run in runs if run.spec.model.loss != "squared"]
    probe = shared_binning(runs)
    bins, binning = bins or probe.bins, binning or probe.binning
    rows = [_ece_row(run, bins, binning) for run in runs]
    reason = None
    if not finished:
        reason = "No run has finished with a result."
    elif not rows:
        reason = "The outputs of networks trained with squared loss are no probabilities."
    return EceTable(binning=binning, bins=bins, items=rows, reason=reason)


def _ece_row(run: RunResult, bins: int, binning: Binning) -> EceRow:
    logits, labels = run.logits(), run.labels()
    return EceRow(
        run_id=run.run_id,
        index=run.index,
        params=run.params,
        seed=run.seed,
        **asdict(calibration.errors(logits, labels, bins, binning)),
        **asdict(bin_free(logits, labels)),
    )


def _metrics(text: str | None) -> list[str]:
    if text is None:
        return list(DEFAULT_METRICS)
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [name for name in (*CURVE_COLUMNS, *FURTHER_COLUMNS) if name != "epoch"]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        detail = f"Unknown metric: {', '.join(unknown)}." if unknown else "No metric is named."
        problem = FieldProblem("metrics", detail, f"Known: {', '.join(known)}.")
        raise ProblemError(422, "invalid", "Invalid request", problem)
    return list(dict.fromkeys(names))
