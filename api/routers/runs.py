"""One run: its state and the tables behind its figures."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from reglab.api import tables
from reglab.api.access.scopes import needs
from reglab.api.context import Context, RunId, Shared, classifier, finished
from reglab.api.limits.refusals import check_values, refusal
from reglab.api.limits.work import heavy
from reglab.api.predict_inputs import network_inputs
from reglab.api.problems import ProblemError, responses
from reglab.api.schemas.runs import (
    BoundaryBody,
    CalibrationBin,
    CalibrationBody,
    ErrorCdf,
    PredictBody,
    PredictionsBody,
    PredictRequest,
    RunDetail,
    SpectrumBody,
    WeightsBody,
)
from reglab.core.engine import Network
from reglab.core.errors import FieldProblem
from reglab.core.metrics import predictions, reliability
from reglab.core.metrics.calibration import confidence_error
from reglab.core.metrics.calibration_noise import accuracy_bands
from reglab.core.metrics.components import cumulative
from reglab.core.metrics.weights import summarize
from reglab.core.probes.boundary import Grid, quantity
from reglab.core.results import RunResult
from reglab.core.spec import Binning, WeightsProbe

FORM = "JSON, or the npz format of NumPy."

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"])


def network_of(run: RunResult) -> Network:
    """The trained network, from stored parameters."""
    return Network.from_arrays(run.spec.widths(), run.spec.model.activation, run.arrays)


def _absent(what: str, remedy: str) -> ProblemError:
    problem = FieldProblem(what, f"The run has no {what}.", remedy)
    return ProblemError(404, "not-measured", "Not measured", problem)


def _dropout_of(run: RunResult) -> float:
    p = run.spec.regularization.dropout
    if not p:
        problem = FieldProblem(
            "dropout_seed", "The run was trained without dropout.", "Leave it out."
        )
        raise ProblemError(422, "invalid", "Invalid request", problem)
    return p


def _snapshot_epochs(run: RunResult) -> list[int]:
    if "boundary.epochs" not in run.arrays:
        return []
    return [int(epoch) for epoch in run.arrays["boundary.epochs"]]


def _position(epochs: list[int], epoch: int) -> int:
    if epoch in epochs:
        return epochs.index(epoch)
    known = ", ".join(map(str, epochs))
    remedy = f"Use one of: {known}." if known else "Set probes.boundary.snapshots in the spec."
    problem = FieldProblem("epoch", f"There is no snapshot of epoch {epoch}.", remedy)
    raise ProblemError(422, "invalid", "Invalid request", problem)


@router.get("", summary="One run", operation_id="get_run", responses=responses(404))
@needs("read")
def get_run(shared: Shared, run_id: RunId) -> RunDetail:
    """Returns the run's state, parameters, progress, summary and resolved spec."""
    return RunDetail.of(shared.storage.runs.get(run_id))


@router.get(
    "/calibration",
    summary="Reliability table",
    operation_id="get_calibration",
    responses=responses(404, 409, 422),
)
@needs("read")
@heavy
def get_calibration(
    shared: Shared,
    run_id: RunId,
    binning: Annotated[
        Binning | None, Query(description="The value of the spec by default.")
    ] = None,
    bins: Annotated[int | None, Query(ge=1, le=1000, description="As in the spec.")] = None,
) -> CalibrationBody:
    """Returns the mean confidence and accuracy per bin, the ECE, and the confidence on errors.

    The ECE has the interval of the true error and its noise floor; each bin has the interval that
    chance gives the accuracy of a calibrated network. See ``corp`` for a diagram without bins.
    """
    run = classifier(shared, run_id)
    probe = run.spec.probes.binning
    bins, binning = bins or probe.bins, binning or probe.binning
    confidence, right = predictions.top_label(run.logits(), run.labels())
    table = reliability.reliability(confidence, right, bins, binning)
    wrong, share = reliability.confidence_on_errors(confidence, right)
    columns = (
        table.count,
        table.lower,
        table.upper,
        table.confidence,
        table.accuracy,
        table.gap,
        *accuracy_bands(table),
    )
    names = (
        "count",
        "lower",
        "upper",
        "confidence",
        "accuracy",
        "gap",
        "chance_low",
        "chance_high",
    )
    rows = [
        CalibrationBin(bin=at, **dict(zip(names, values, strict=True)))
        for at, values in enumerate(zip(*(column.tolist() for column in columns), strict=True))
    ]
    return CalibrationBody(
        run_id=run_id,
        binning=binning,
        bins=bins,
        table=rows,
        **vars(confidence_error(table, confidence, bins, binning)),
        mce=reliability.maximum_error(table),
        confidence_on_errors=ErrorCdf(confidence=wrong.tolist(), share=share.tolist()),
    )


@router.get(
    "/boundary",
    summary="Decision boundary",
    operation_id="get_boundary",
    responses=responses(404, 409, 422),
)
@needs("read")
@heavy
def get_boundary(
    shared: Shared,
    run_id: RunId,
    dropout_seed: Annotated[
        int | None,
        Query(
            ge=0,
            description="Seed of a dropout mask; returns the boundary of this one "
            "network with dropout on.",
        ),
    ] = None,
    epoch: Annotated[
        int | None,
        Query(ge=0, description="One of snapshot_epochs; the trained network by default."),
    ] = None,
) -> BoundaryBody:
    """Returns the probability of class 1 on a grid, and the training points.

    Of a network trained with squared loss it is the softmax of the outputs; see ``quantity``.
    """
    run = finished(shared, run_id)
    if "boundary.p" not in run.arrays:
        raise _absent("boundary", "Set probes.boundary to {} on a dataset in the plane.")
    x, y = run.arrays["boundary.x"], run.arrays["boundary.y"]
    if dropout_seed is not None and epoch is not None:
        problem = FieldProblem("epoch", "Snapshots have dropout off.", "Leave out dropout_seed.")
        raise ProblemError(422, "invalid", "Invalid request", problem)
    probability = run.arrays["boundary.p"]
    if dropout_seed is not None:
        probability = Grid(x, y).dropout_probability(
            network_of(run), _dropout_of(run), dropout_seed, 0
        )
    epochs = _snapshot_epochs(run)
    if epoch is not None:
        at = _position(epochs, epoch)
        probability = run.arrays["boundary.snapshots"][at]
    return BoundaryBody(
        run_id=run_id,
        x=x.tolist(),
        y=y.tolist(),
        probability=probability.tolist(),
        quantity=quantity(run.spec),
        points=run.arrays["train.points"].tolist(),
        labels=run.arrays["train.labels"].tolist(),
        epoch=epoch,
        snapshot_epochs=epochs,
        dropout_seed=dropout_seed,
    )


@router.get(
    "/weights",
    summary="Weight matrices",
    operation_id="get_weights",
    response_model=WeightsBody,
    responses={**responses(404, 409, 422), **tables.NPZ},
)
@needs("read")
@heavy
def get_weights(
    shared: Shared,
    run_id: RunId,
    layer: Annotated[
        int | None, Query(ge=0, description="Index of one layer; all layers by default.")
    ] = None,
    threshold: Annotated[
        float | None, Query(allow_inf_nan=False, ge=0, description="As in the spec.")
    ] = None,
    form: Annotated[tables.Binary, Query(alias="format", description=FORM)] = "json",
) -> Any:
    """W of each layer as (n_in, n_out), with sparsity and norms.

    As npz the arrays W0, W1, ... alone, in float32 and of any size.
    """
    run = finished(shared, run_id)
    cut = (run.spec.probes.weights or WeightsProbe()).threshold if threshold is None else threshold
    widths = run.spec.widths()
    last = len(widths) - 2
    if layer is not None and layer > last:
        problem = FieldProblem("layer", f"There is no layer {layer}.", f"Use 0 to {last}.")
        raise ProblemError(422, "invalid", "Invalid request", problem)
    chosen = range(last + 1) if layer is None else [layer]
    if form == "npz":
        arrays = {f"W{at}": run.arrays[f"param.W{at}"] for at in chosen}
        return tables.npz_response(arrays, f"weights-{run_id}")
    remedy = "Ask for format=npz, which holds any number, or for one layer."
    total = sum(widths[at] * widths[at + 1] for at in chosen)
    check_values(shared.limits, total, "layer", remedy)
    rows = []
    for at in chosen:
        matrix = run.arrays[f"param.W{at}"]
        found = summarize(matrix, at, cut)
        rows.append(vars(found) | {"shape": list(found.shape), "values": matrix})
    return tables.json_response({"run_id": run_id, "threshold": cut, "matrices": rows})


@router.get(
    "/spectrum",
    summary="Spectral bias of the first layer",
    operation_id="get_spectrum",
    responses=responses(404, 409),
)
@needs("read")
@heavy
def get_spectrum(shared: Shared, run_id: RunId) -> SpectrumBody:
    """Returns the energy of the change of the first layer by principal component over time."""
    run = finished(shared, run_id)
    if "spectrum.energy" not in run.arrays:
        raise _absent("spectrum", "Set probes.spectrum to {} in the spec.")
    energy = run.arrays["spectrum.energy"]
    size = energy.shape[1]
    return SpectrumBody(
        run_id=run_id,
        epochs=run.arrays["spectrum.epochs"].tolist(),
        eigenvalues=run.arrays["spectrum.eigenvalues"].tolist(),
        energy=energy.tolist(),
        cumulative=cumulative(energy).tolist(),
        isotropic=(np.arange(1, size + 1) / size).tolist(),
    )


@router.get(
    "/predictions",
    summary="Predictions on the test set",
    operation_id="get_predictions",
    response_model=PredictionsBody,
    responses={**responses(404, 409, 422), **tables.NPZ},
)
@needs("read")
@heavy
def get_predictions(
    shared: Shared,
    run_id: RunId,
    form: Annotated[tables.Binary, Query(alias="format", description=FORM)] = "json",
) -> Any:
    """Returns the class probabilities of every test example with dropout off.

    As npz the arrays labels, predicted and, in float32, probabilities, of any size.
    """
    run = classifier(shared, run_id)
    dataset = run.spec.dataset
    if form == "json":
        remedy = "Ask for format=npz, which holds any number."
        check_values(shared.limits, dataset.n_test * dataset.n_classes, "format", remedy)
    logits = run.logits()
    columns = {
        "labels": run.labels(),
        "predicted": logits.argmax(axis=1),
        "probabilities": predictions.probabilities(logits),
    }
    if form == "npz":
        columns["probabilities"] = columns["probabilities"].astype(np.float32)
        return tables.npz_response(columns, f"predictions-{run_id}")
    return tables.json_response({"run_id": run_id, **columns})


@router.post(
    "/predict",
    summary="Classify new inputs",
    operation_id="predict",
    responses=responses(400, 404, 409, 422),
)
@needs("read")
@heavy
def predict(shared: Shared, run_id: RunId, body: PredictRequest) -> PredictBody:
    """Returns class probabilities.

    With ``dropout_samples`` also their mean and spread over networks with dropout on.
    """
    run = classifier(shared, run_id)
    p = run.spec.regularization.dropout
    if body.dropout_samples and not p:
        problem = FieldProblem(
            "dropout_samples", "The run was trained without dropout.", "Set it to 0."
        )
        raise ProblemError(422, "invalid", "Invalid request", problem)
    x = network_inputs(run, body.inputs, body.rows)
    _check_work(shared, len(x) * run.spec.dataset.n_classes * (1 + body.dropout_samples))
    network = network_of(run)
    probabilities = network.probabilities(x)
    samples = [
        network.dropout_probabilities(x, p, body.seed, at) for at in range(body.dropout_samples)
    ]
    return PredictBody(
        run_id=run_id,
        predicted=probabilities.argmax(axis=1).tolist(),
        classes=list(run.spec.dataset.class_names),
        probabilities=probabilities.tolist(),
        dropout_mean=np.mean(samples, axis=0).tolist() if samples else None,
        dropout_std=np.std(samples, axis=0).tolist() if samples else None,
    )


def _check_work(shared: Context, probabilities: int) -> None:
    most = shared.limits.predictions
    if probabilities > most:
        detail = f"It asks for {probabilities} probabilities."
        remedy = f"Ask for at most {most}: fewer inputs or dropout_samples."
        raise refusal(shared.limits, "predictions", "inputs", detail, remedy)
