"""Datasets that users uploaded: rows are drawn from the run's seed, columns become inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.datasets.preprocessing import NamedColumns, Preprocessing, UnnamedInputs
from reglab.core.errors import FieldProblem, SpecError
from reglab.core.spec.uploaded import TEST_WORDS, Uploaded, UploadedFacts
from reglab.core.tables import Table
from reglab.core.tables.facts import label_of

if TYPE_CHECKING:
    import pandas as pd


title = "Uploaded data"
source = "uploaded by a user"
licence = "that of the data"

I64 = NDArray[np.int64]


def digests(spec: Uploaded) -> dict[str, str]:
    """The digest that is its id."""
    return {"uploaded": spec.id.removeprefix("sha256:")}


def load(spec: Uploaded, rng: np.random.Generator, table: Table) -> Dataset:
    """Draw test and training rows from ``rng``, or ``split_seed``, and fit the preprocessing.

    Args:
        spec: With the facts of the table.
        rng: The run's data stream.
        table: The table of ``spec.id``.

    Raises:
        SpecError: A value of a row is none of its column's, or no group fits the test part.
    """
    facts = spec.facts
    assert facts is not None
    labels = _labels(table.frame[facts.target], facts)
    train, test = split(spec, labels, table.frame, generator(spec, rng))
    fitted, inputs = _fit(spec, table, train)
    return Dataset(
        x_train=inputs(train),
        y_train=labels[train],
        x_test=inputs(test),
        y_test=labels[test],
        n_classes=spec.n_classes,
        image_shape=spec.image_shape,
        class_names=tuple(facts.classes),
        offset=_offset(spec, fitted),
        provenance={
            "source": source,
            "licence": licence,
            "files": digests(spec),
            "preprocessing": fitted.document(),
        },
    )


def generator(spec: Uploaded, rng: np.random.Generator) -> np.random.Generator:
    """What rows are drawn from: ``rng`` of the run, or that of ``split_seed`` for all runs."""
    return rng if spec.split_seed is None else np.random.default_rng(spec.split_seed)


def split(
    spec: Uploaded, labels: I64, frame: pd.DataFrame, rng: np.random.Generator
) -> tuple[I64, I64]:
    """Which rows to train on and which to test on, sorted.

    Args:
        spec: The spec.
        labels: The label of each row, (n,).
        frame: The table, for the columns that say which rows belong together or are for testing.
        rng: What is drawn is drawn from it.
    """
    facts = spec.facts
    assert facts is not None
    rows = np.arange(facts.rows)
    if spec.test.file:
        test = np.arange(facts.rows, facts.rows + facts.test_rows)
    elif spec.test.column is not None:
        words = frame[spec.test.column].map(label_of).str.lower()
        test = np.flatnonzero(words.isin(TEST_WORDS).to_numpy()[: facts.rows])
    elif spec.groups is not None:
        groups = frame[spec.groups].map(label_of).to_numpy(str)[: facts.rows]
        test = _whole_groups(groups, spec.n_test, rng)
    else:
        test = draw(rows, labels, spec.n_test, spec.stratify, rng)
    pool = np.setdiff1d(rows, test)
    # Fewer groups may have fitted into the test part than its size allows.
    return draw(pool, labels, spec.n_train, spec.stratify, rng), test


def draw(rows: I64, labels: I64, size: int, by_class: bool, rng: np.random.Generator) -> I64:
    """``size`` of the rows, sorted; by class in the shares of the rows, rounded by largest rest."""
    if size == len(rows):
        return rows
    if not by_class:
        return np.sort(rng.permutation(rows)[:size])
    members = [rows[labels[rows] == label] for label in np.unique(labels[rows])]
    exact = np.array([size * len(each) / len(rows) for each in members])
    counts = np.floor(exact).astype(np.int64)
    # A stable sort, so that of equal rests the first class takes the row.
    counts[np.argsort(counts - exact, kind="stable")[: size - counts.sum()]] += 1
    drawn = [rng.permutation(each)[:n] for each, n in zip(members, counts, strict=True)]
    return np.sort(np.concatenate(drawn))


def _whole_groups(groups: NDArray[Any], most: int, rng: np.random.Generator) -> I64:
    """Rows of whole groups, taken in a random order where they fit among ``most`` rows."""
    names, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if counts.min() > most:
        problem = FieldProblem(
            "dataset.test.size",
            f"The smallest group has {counts.min()} rows, and the test part at most {most}.",
            f"Give a share of at least {counts.min() / len(groups):.3g}.",
            also=("dataset.groups",),
        )
        raise SpecError(problem)
    taken: list[int] = []
    for group in rng.permutation(len(names)):
        if counts[taken].sum() + counts[group] <= most:
            taken.append(group)
    return np.flatnonzero(np.isin(inverse, taken))


def _labels(target: pd.Series[Any], facts: UploadedFacts) -> I64:
    """Positions in ``facts.classes`` of the values of the target, (n,)."""
    positions = {name: at for at, name in enumerate(facts.classes)}
    labels: I64 = target.map(label_of).map(positions).to_numpy(np.int64)
    return labels


def _fit(
    spec: Uploaded, table: Table, train: I64
) -> tuple[Preprocessing, Callable[[I64], NDArray[np.float32]]]:
    """The preprocessing, and what gives the inputs of rows."""
    assert spec.facts is not None
    frame = table.frame
    if spec.facts.n_inputs is None:
        named = NamedColumns.fit(spec, frame.iloc[train])
        return named, lambda rows: named.transform(frame.iloc[rows])
    numbers = frame.drop(columns=spec.facts.target).to_numpy()
    unnamed = UnnamedInputs.fit(spec, numbers[train])
    return unnamed, lambda rows: unnamed.transform(numbers[rows])


def _offset(spec: Uploaded, fitted: Preprocessing) -> NDArray[np.float32] | None:
    """What was subtracted from scaled pixels: an augmentation fills in what is dark."""
    if spec.image_shape is None or not isinstance(fitted, UnnamedInputs):
        return None
    dark = fitted.centre / fitted.scale
    return np.broadcast_to(dark, (spec.n_features,)).astype(np.float32) if dark.any() else None
