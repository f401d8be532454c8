"""The rows that a user wants classified, as inputs of a run's network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.preprocessing import NamedColumns, preprocessing
from reglab.core.errors import FieldProblem, SpecError
from reglab.core.results import RunResult
from reglab.core.spec import RunSpec
from reglab.core.spec.uploaded import Uploaded

if TYPE_CHECKING:
    import pandas as pd

F32 = NDArray[np.float32]
SHOWN = 5


def network_inputs(run: RunResult, inputs: list[list[float]], rows: list[dict[str, Any]]) -> F32:
    """Inputs (n, d) of a network, from either numbers or named columns.

    Raises:
        SpecError: Both or none are given, a row has too few or too many values, or a value is none
            of its column's.
    """
    dataset = run.spec.dataset
    if not isinstance(dataset, Uploaded):
        return _in_float32(_numbers(run.spec, inputs, rows))
    fitted = preprocessing(run.summary["provenance"]["preprocessing"])
    is_table = isinstance(fitted, NamedColumns)
    try:
        if isinstance(fitted, NamedColumns):
            return fitted.transform(_table(dataset, inputs, rows))
        return fitted.transform(_numbers(run.spec, inputs, rows))
    except SpecError as error:
        raise SpecError(
            [_below("rows" if is_table else "inputs", one) for one in error.problems]
        ) from error


def _below(field: str, problem: FieldProblem) -> FieldProblem:
    return replace(problem, path=field + problem.path) if problem.path[0] == "[" else problem


def _numbers(spec: RunSpec, inputs: list[list[float]], rows: list[dict[str, Any]]) -> Any:
    wanted = spec.dataset.n_features
    if rows:
        remedy = f"Give inputs: lists of {wanted} numbers."
        raise SpecError(FieldProblem("rows", "The training data have no named columns.", remedy))
    if not inputs:
        raise SpecError(FieldProblem("inputs", "There are none.", "Give at least one."))
    for at, row in enumerate(inputs):
        if len(row) != wanted:
            detail, remedy = f"It has {len(row)} values.", f"Give {wanted}."
            raise SpecError(FieldProblem(f"inputs[{at}]", detail, remedy))
    return np.array(inputs, np.float64)


def _table(
    dataset: Uploaded, inputs: list[list[float]], rows: list[dict[str, Any]]
) -> pd.DataFrame:
    import pandas as pd

    used = [column.name for column in dataset.used_columns()]
    listed = ", ".join(used[:SHOWN]) + (", ..." if len(used) > SHOWN else "")
    if inputs or not rows:
        path, detail = ("inputs", "They have no names.") if inputs else ("rows", "There are none.")
        remedy = f"Give rows: objects with a value for each of {listed}."
        raise SpecError(FieldProblem(path, detail, remedy))
    assert dataset.facts is not None
    known = {column.name for column in dataset.facts.columns} | {dataset.facts.target}
    for at, row in enumerate(rows):
        for name, value in row.items():
            path = f"[{at}].{name[:80]}"
            if name not in known:
                remedy = f"Columns: {listed}."
                raise SpecError(FieldProblem(path, "There is no such column.", remedy))
            if isinstance(value, list | dict):
                remedy = "Give a number, a text, true, false or null."
                raise SpecError(FieldProblem(path, "It is not a value.", remedy))
        for name in used:
            if name not in row:
                remedy = "Give a value, or null where there is none."
                raise SpecError(FieldProblem(f"[{at}].{name}", "The column is missing.", remedy))
    columns = {name: pd.Series([row[name] for row in rows], dtype=object) for name in used}
    return pd.DataFrame(columns)


def _in_float32(numbers: NDArray[np.float64]) -> F32:
    with np.errstate(over="ignore"):
        inputs = numbers.astype(np.float32)
    if not np.isfinite(inputs).all():
        detail, remedy = "A value is beyond float32.", "Scale as the training data is."
        raise SpecError(FieldProblem("inputs", detail, remedy))
    return inputs
