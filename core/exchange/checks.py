"""Whether the documents and arrays of an archive fit together; what does not is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from reglab.core.datasets.preprocessing import stored
from reglab.core.errors import SpecError
from reglab.core.exchange.archive import Archive, ArchivedRun, wrong
from reglab.core.exchange.documents import (
    Checked,
    CheckedRun,
    ExperimentDocument,
    RunDocument,
    SummaryDocument,
)
from reglab.core.probes.stored import fault
from reglab.core.results import CURVE_COLUMNS, FURTHER_COLUMNS, TERMINAL
from reglab.core.spec import (
    MAX_RUNS,
    ExperimentSpec,
    ResolvedRun,
    RunSpec,
    expand,
    parse_spec,
    point_key,
    resolve_point,
)
from reglab.core.spec.uploaded import Uploaded, check_facts

WHOLE_COLUMNS = ("epoch", "step")
OTHER_SPEC = "It does not belong to the experiment's spec."
D = TypeVar("D", bound=BaseModel)


def check(archive: Archive, max_runs: int = MAX_RUNS) -> Checked:
    """What may be stored of an archive, all of it.

    Args:
        archive: What was read.
        max_runs: Most runs of an experiment.

    Raises:
        ArchiveError: Its documents or arrays do not fit together.
    """
    experiment = _validated(ExperimentDocument, archive.experiment, "experiment.json")
    spec = _spec(experiment.spec)
    documents = [_checked(at, run) for at, run in enumerate(archive.runs)]
    expected = _check_expansion(spec, documents, max_runs)
    runs = [
        CheckedRun(document, resolved, run.curves, run.arrays)
        for document, resolved, run in zip(documents, expected, archive.runs, strict=True)
    ]
    for at, run in enumerate(runs):
        found = fault(run.resolved.spec, run.arrays) if run.document.state == "succeeded" else None
        if found is not None:
            raise wrong(f"runs/{at:04}.arrays.npz", found)
        _check_preprocessing(f"runs/{at:04}.json", run)
    return Checked(experiment, spec, runs)


def _validated(model: type[D], document: dict[str, Any], where: str, within: str = "") -> D:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise wrong(where, f"{within}{place}: {first['msg']}.") from error


def _spec(document: dict[str, Any]) -> ExperimentSpec:
    try:
        spec = parse_spec(document)
        check_facts([spec])
    except SpecError as error:
        raise wrong("experiment.json", f"spec.{error.problems[0]}") from error
    return spec


def _check_expansion(
    spec: ExperimentSpec, runs: list[RunDocument], max_runs: int
) -> list[ResolvedRun]:
    """The runs must be those that the spec makes: an import cannot lease what was not run so."""
    try:
        wanted: list[ResolvedRun] = expand(spec, max_runs)
        check_facts([run.spec for run in wanted])
    except SpecError as error:
        raise wrong("experiment.json", f"spec.{error.problems[0]}") from error
    if len(wanted) != len(runs):
        detail = f"The spec makes {len(wanted)} runs, but there are {len(runs)}."
        raise wrong("experiment.json", detail)
    for expected, run in zip(wanted, runs, strict=True):
        where = f"runs/{run.index:04}.json"
        if (expected.index, expected.seed) != (run.index, run.seed):
            raise wrong(where, OTHER_SPEC)
        if not _same_point(spec, expected, run.params):
            raise wrong(where, OTHER_SPEC)
        try:
            spec_of_run = RunSpec.model_validate(run.spec)
        except ValidationError as error:
            raise wrong(where, "Its spec is not valid.") from error
        if spec_of_run != expected.spec:
            raise wrong(where, OTHER_SPEC)
    return wanted


def _check_preprocessing(where: str, run: CheckedRun) -> None:
    dataset = run.resolved.spec.dataset
    if not isinstance(dataset, Uploaded) or run.document.state != "succeeded":
        return
    provenance = (run.document.summary or {}).get("provenance") or {}
    try:
        stored(dataset, provenance["preprocessing"])
    except (KeyError, ValueError, OverflowError) as error:
        detail = f"summary.provenance.preprocessing: {error}"
        raise wrong(where, detail) from error


def _same_point(spec: ExperimentSpec, expected: ResolvedRun, params: dict[str, Any]) -> bool:
    if point_key(params) == point_key(expected.params):
        return True
    # As submitted rather than resolved: objects whose defaults are left out.
    try:
        return params.keys() == expected.params.keys() and (
            resolve_point(spec, params) == expected.spec
        )
    except SpecError:
        return False


def _checked(at: int, run: ArchivedRun) -> RunDocument:
    where = f"runs/{at:04}"
    document = _validated(RunDocument, run.document, f"{where}.json")
    if document.state not in TERMINAL:
        raise wrong(f"{where}.json", f"It is {document.state}; only ended runs are taken.")
    finished = document.state == "succeeded"
    _check_curves(f"{where}.curves.npz", run.curves, finished)
    if finished:
        summary = _validated(SummaryDocument, document.summary or {}, f"{where}.json", "summary.")
        if summary.final.epoch not in run.curves["epoch"]:
            detail = f"summary.final.epoch: {summary.final.epoch} was not evaluated."
            raise wrong(f"{where}.json", detail)
        if document.epoch != run.curves["epoch"][-1]:
            raise wrong(f"{where}.json", "epoch: It is not that of the last evaluation.")
    return document


def _check_curves(where: str, curves: Mapping[str, NDArray[Any]], finished: bool) -> None:
    known = {*CURVE_COLUMNS, *FURTHER_COLUMNS}
    if not set(CURVE_COLUMNS) <= set(curves) or not set(curves) <= known:
        raise wrong(where, f"Its columns are not {', '.join(CURVE_COLUMNS)}.")
    for name, column in curves.items():
        # Columns of nothing have no kind.
        if column.size and (column.dtype.kind in "iu") != (name in WHOLE_COLUMNS):
            raise wrong(where, f"'{name}' is of {column.dtype}.")
    for name in set(curves) - set(WHOLE_COLUMNS):
        # A run that failed may have diverged; an accuracy is a share in any case.
        bound = 1.0 if name.endswith("accuracy") else np.inf
        sound = (curves[name] >= 0) & (curves[name] <= bound)
        if finished:
            sound &= np.isfinite(curves[name])
        if not np.all(sound | (not finished and np.isnan(curves[name]))):
            raise wrong(where, f"'{name}' is out of range.")
    epochs = curves["epoch"]
    if len({column.shape for column in curves.values()}) != 1 or epochs.ndim != 1:
        raise wrong(where, "Its columns are not of equal length.")
    if finished and not len(epochs):
        raise wrong(where, "A succeeded run has at least one evaluation.")
    for name in WHOLE_COLUMNS:
        if np.any(curves[name] < 0) or np.any(curves[name] >= 2**53):
            raise wrong(where, f"'{name}' is out of range.")
    if np.any(np.diff(epochs.astype(np.int64)) <= 0) or np.any(epochs >= 2**31):
        raise wrong(where, "Its epochs do not rise, or are out of range.")
