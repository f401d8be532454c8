"""Columns of a table as inputs of a network; what is fitted is fitted on training rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from reglab.core.errors import FieldProblem, SpecError
from reglab.core.spec.uploaded import TEST_WORDS, ColumnFacts, Scale, Uploaded
from reglab.core.tables.facts import label_of

if TYPE_CHECKING:
    import pandas as pd

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
# Rows that are scaled at a time.
ROWS = 4096


@dataclass(frozen=True)
class Column:
    """How one column becomes inputs.

    Attributes:
        name: Its name.
        levels: Of a category, one input per level; empty for a number.
        boolean: Whether it is true or false, as 1 and 0.
        fill: What stands where a value is missing, or None where none may be.
        centre: Subtracted from a number.
        scale: What a number is divided by after that.
        flags: Whether one more input says where a value was missing.
    """

    name: str
    levels: tuple[str, ...] = ()
    boolean: bool = False
    fill: str | float | None = None
    centre: float = 0.0
    scale: float = 1.0
    flags: bool = False

    @property
    def inputs(self) -> list[str]:
        """The names of its inputs."""
        names = [f"{self.name}={level}" for level in self.levels] or [self.name]
        return [*names, f"{self.name} is missing"] if self.flags else names

    def transform(self, values: pd.Series[Any]) -> F64:
        """Inputs (n, inputs) of n values.

        Raises:
            SpecError: A value is missing that may not be, or is no number or level; the field is
                ``[row]['name']``.
        """
        missing = values.isna().to_numpy()
        if missing.any() and self.fill is None:
            raise self._wrong(missing, "It has no value.", "Give one.")
        parts = [self._one_hot(values) if self.levels else self._number(values)]
        if self.flags:
            parts.append(missing[:, None].astype(np.float64))
        return np.concatenate(parts, axis=1)

    def _one_hot(self, values: pd.Series[Any]) -> F64:
        texts = values.where(values.notna(), self.fill).map(label_of).to_numpy(str)
        found = texts[:, None] == np.array(self.levels)
        unknown = ~found.any(axis=1)
        if unknown.any():
            shown = ", ".join(self.levels[:5]) + (", ..." if len(self.levels) > 5 else "")
            raise self._wrong(unknown, "It is none of the known levels.", f"Known: {shown}.")
        coded: F64 = found.astype(np.float64)
        return coded

    def _number(self, values: pd.Series[Any]) -> F64:
        # Columns of truth values and of whole numbers take no text and no fraction in place of a
        # missing value.
        present = values if values.dtype.kind == "f" else values.astype(object)
        texts = present.where(values.notna(), self.fill)
        if self.boolean:
            words = texts.astype(str).str.lower()
            numbers = words.isin(TEST_WORDS | {"yes", "1.0"}).to_numpy(np.float64)
        else:
            numbers = _numbers(texts)
        wrong = ~np.isfinite(numbers)
        if wrong.any():
            raise self._wrong(wrong, "It is not a finite number.", "Give a number.")
        scaled: F64 = ((numbers - self.centre) / self.scale)[:, None]
        return scaled

    def _wrong(self, rows: NDArray[np.bool_], detail: str, remedy: str) -> SpecError:
        path = f"[{int(np.argmax(rows))}].{self.name}"
        return SpecError(FieldProblem(path, detail, remedy))


def _numbers(values: pd.Series[Any]) -> F64:
    """The numbers, NaN for what is none or is too large for float64."""
    import pandas as pd

    try:
        numbers: F64 = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    except OverflowError:
        small = [abs(value) < 10**308 if isinstance(value, int) else True for value in values]
        numbers = pd.to_numeric(values.where(small), errors="coerce").to_numpy(np.float64)
    return numbers


COLUMNS = TypeAdapter(list[Column])


@dataclass(frozen=True)
class NamedColumns:
    """The columns of a table that are used, in their order."""

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, spec: Uploaded, training: pd.DataFrame) -> Self:
        """Fit on the training rows."""
        return cls(
            tuple(_fitted(spec, facts, training[facts.name]) for facts in spec.used_columns())
        )

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """From what ``document`` returned."""
        return cls(tuple(COLUMNS.validate_python(document["columns"])))

    def document(self) -> dict[str, Any]:
        """Its fitted numbers, as JSON."""
        rows = [{**vars(column), "levels": list(column.levels)} for column in self.columns]
        return {"columns": rows}

    @property
    def inputs(self) -> list[str]:
        """The names of the network's inputs."""
        return [name for column in self.columns for name in column.inputs]

    def transform(self, frame: pd.DataFrame) -> F32:
        """Inputs (n, d) of the n rows of a table that has these columns.

        Raises:
            SpecError: A column or value is missing or wrong; the field names row and column.
        """
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            problem = FieldProblem(absent[0], "The column is missing.", "Give it in each row.")
            raise SpecError(problem)
        parts = [column.transform(frame[column.name]) for column in self.columns]
        return _finite(np.concatenate(parts, axis=1), self.inputs)


@dataclass(frozen=True)
class UnnamedInputs:
    """Numbers without names: rows of an array, or pixels.

    Attributes:
        centre: Subtracted from the inputs, (d,), or (1,) of all pixels alike.
        scale: What the inputs are divided by after that, of the same shape.
    """

    centre: F64
    scale: F64

    @classmethod
    def fit(cls, spec: Uploaded, training: F64) -> Self:
        """Fit on the training rows (n, d); the pixels of images share one centre and scale."""
        shared = spec.image_shape is not None
        return cls(*scaled(spec.scale, training.reshape(-1, 1) if shared else training))

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """From what ``document`` returned."""
        return cls(*(np.array(document[name], np.float64) for name in ("centre", "scale")))

    def document(self) -> dict[str, Any]:
        """Its fitted numbers, as JSON."""
        return {"centre": self.centre.tolist(), "scale": self.scale.tolist()}

    def transform(self, rows: NDArray[Any]) -> F32:
        """Inputs (n, d) of n rows.

        Raises:
            SpecError: A value is too large.
        """
        if not len(rows):
            return np.empty(rows.shape, np.float32)
        # By parts: float64 takes eight times the memory of bytes.
        return np.concatenate(
            [self._part(rows[at : at + ROWS], at) for at in range(0, len(rows), ROWS)]
        )

    def _part(self, rows: NDArray[Any], first: int) -> F32:
        return _finite((rows.astype(np.float64) - self.centre) / self.scale, None, first)


Preprocessing = NamedColumns | UnnamedInputs


def preprocessing(document: dict[str, Any]) -> Preprocessing:
    """From the fitted numbers that are stored with a run."""
    kind = NamedColumns if "columns" in document else UnnamedInputs
    return kind.of(document)


def stored(spec: Uploaded, document: dict[str, Any]) -> Preprocessing:
    """The preprocessing of a stored run, whose fitted numbers may have come from elsewhere.

    Raises:
        ValueError: They are not those of columns of the spec.
    """
    try:
        fitted = preprocessing(document)
    except (KeyError, TypeError) as error:
        raise ValueError("It has no fitted numbers.") from error
    if isinstance(fitted, NamedColumns):
        wanted = [
            (each.name, tuple(each.levels) if each.kind == "category" else ())
            for each in spec.used_columns()
        ]
        numbers = np.array([(each.centre, each.scale) for each in fitted.columns])
        fits = [(each.name, each.levels) for each in fitted.columns] == wanted
        fits = fits and len(fitted.inputs) == spec.n_features
    else:
        numbers = np.stack(np.broadcast_arrays(fitted.centre, fitted.scale), axis=-1)
        fits = numbers.shape[:-1] in ((1,), (spec.n_features,)) and numbers.dtype == np.float64
    if not fits or not np.isfinite(numbers).all() or not numbers[..., 1].all():
        raise ValueError("Its fitted numbers are not those of the columns of the spec.")
    return fitted


def _finite(numbers: F64, names: list[str] | None, first: int = 0) -> F32:
    with np.errstate(over="ignore"):
        inputs = np.ascontiguousarray(numbers, dtype=np.float32)
    wrong = ~np.isfinite(inputs)
    if wrong.any():
        row, at = np.argwhere(wrong)[0]
        row += first
        path = f"[{row}].{names[at]}" if names else f"[{row}][{at}]"
        raise SpecError(FieldProblem(path, "It is beyond float32.", "Scale it, or drop it."))
    return inputs


def scaled(how: Scale | None, training: F64) -> tuple[F64, F64]:
    """What each column (n, d) of training numbers is centred by and divided by, (d,) each.

    They are those of scikit-learn's StandardScaler, MinMaxScaler and RobustScaler; a column that is
    constant up to rounding is divided by 1.
    """
    n, d = training.shape
    if how is None:
        return np.zeros(d), np.ones(d)
    eps = np.finfo(np.float64).eps
    if how == "standard":
        centre = training.mean(axis=0)
        variance = np.square(training - centre).mean(axis=0)
        spread = np.sqrt(variance)
        constant = variance <= n * eps * variance + (n * centre * eps) ** 2
    elif how == "minmax":
        centre = training.min(axis=0)
        spread = training.max(axis=0) - centre
        constant = spread < 10 * eps
    else:
        low, centre, high = np.percentile(training, [25, 50, 75], axis=0)
        spread = high - low
        constant = spread < 10 * eps
    return centre, np.where(constant, 1.0, spread)


def _fitted(spec: Uploaded, facts: ColumnFacts, values: pd.Series[Any]) -> Column:
    fills, flags = spec.missing != "refuse", spec.missing == "indicator" and facts.missing > 0
    present = values[values.notna()]
    if facts.kind == "category":
        counts = present.map(label_of).value_counts()
        commonest = min(counts.index[counts == counts.max()], default=min(facts.levels))
        return Column(
            facts.name, tuple(facts.levels), fill=commonest if fills else None, flags=flags
        )
    if facts.kind == "boolean":
        plain = Column(facts.name, boolean=True)
        share = plain.transform(present).mean() if len(present) else 0.0
        fill = "true" if share > 0.5 else "false"
        return Column(facts.name, boolean=True, fill=fill if fills else None, flags=flags)
    numbers = present.to_numpy(np.float64)
    median = float(np.median(numbers)) if len(numbers) else 0.0
    complete = values.where(values.notna(), median).to_numpy(np.float64)
    centre, scale = scaled(spec.scale, complete[:, None])
    return Column(
        facts.name,
        fill=median if fills else None,
        centre=float(centre[0]),
        scale=float(scale[0]),
        flags=flags,
    )
