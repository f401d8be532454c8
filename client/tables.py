"""Tables: columns of equal length, as dicts, arrays, pandas or polars frames."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from reglab.client.files import write_whole
from reglab.client.models import RunData
from reglab.client.packages import need
from reglab.client.text import for_cell

T = TypeVar("T", bound=BaseModel)


class Table(Mapping[str, Sequence[Any]]):
    """Named columns; a mapping from a column's name to its values."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = {name: tuple(values) for name, values in columns.items()}
        lengths = {len(values) for values in self._columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"Columns of unequal length: {sorted(lengths)}.")
        self.height = lengths.pop() if lengths else 0

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Table:
        """From records; a field that a record lacks is None."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        return cls({name: [row.get(name) for row in rows] for name in names})

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.height} rows: {', '.join(self)})"

    def rows(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self, values, strict=True)) for values in zip(*self.values(), strict=True)]

    def to_dict(self) -> dict[str, list[Any]]:
        """Plain lists by column name."""
        return {name: list(values) for name, values in self.items()}

    def save_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file and return its path."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(for_cell, self))
        writer.writerows(map(for_cell, row) for row in zip(*self.values(), strict=True))
        return write_whole(path, text.getvalue().encode())

    def arrays(self) -> dict[str, Any]:
        """One NumPy array per column, (rows,); needs numpy."""
        numpy = need("numpy", "arrays()")
        return {name: numpy.array(values) for name, values in self.items()}

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``; needs pandas."""
        return need("pandas", "to_pandas()").DataFrame(self.to_dict())

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``; needs polars."""
        return need("polars", "to_polars()").DataFrame(self.to_dict(), strict=False)

    def _repr_html_(self) -> str:
        from reglab.client.show import html_table

        return html_table(self)


class Curves(Table):
    """Losses and accuracies over the epochs, of all runs of an experiment.

    Columns: ``run`` (index), ``seed``, one for each path of the sweep, ``run_id``, ``epoch``, and
    the metrics that were asked for.
    """

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]], runs: Sequence[RunData]) -> Curves:
        """From the server's columns, with each run's place in the sweep beside them."""
        by_id = {run.id: run for run in runs}
        owners = [by_id[run_id] for run_id in columns["run_id"]]
        labels: dict[str, Sequence[Any]] = {
            "run": [run.index for run in owners],
            "seed": [run.seed for run in owners],
        }
        paths = dict.fromkeys(path for run in runs for path in run.params)
        for path in paths:
            labels[path] = [plain(run.params.get(path)) for run in owners]
        return cls({**labels, **columns})

    def of_run(self, index: int) -> Table:
        """The rows of one run, by its index."""
        kept = [at for at, run in enumerate(self["run"]) if run == index]
        return Table({name: [values[at] for at in kept] for name, values in self.items()})

    def metrics(self) -> list[str]:
        """Names of the metric columns."""
        names = list(self)
        return names[names.index("epoch") + 1 :]


class EceTable(Table):
    """Calibration errors, one row a finished run: ECE with its interval, MCE, Brier, NLL, accuracy.

    Attributes:
        binning: 'quantile' or 'uniform'.
        bins: Number of bins.
    """

    binning: str = "quantile"
    bins: int = 15

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> EceTable:
        """From the server's answer, with the sweep's values as columns of their own."""
        rows = []
        for item in document["items"]:
            values = dict(item)
            row = {"run": values.pop("index"), "seed": values.pop("seed")}
            row |= {path: plain(value) for path, value in values.pop("params").items()}
            rows.append(row | values)
        table = cls(Table.of_rows(rows))
        table.binning, table.bins = document["binning"], document["bins"]
        return table


class Listing(list[T]):
    """A list of answers that shows itself as a table."""

    def table(self) -> Table:
        """One row per answer: its fields, lists and objects as text."""
        rows = [{name: plain(value) for name, value in item} for item in self]
        return Table.of_rows(rows)

    def _shown(self) -> dict[str, Sequence[Any]]:
        """The columns that are wanted at a glance, all if the answers name none."""
        table = self.table()
        wanted = getattr(self[0], "at_a_glance", None) if self else None
        return {name: table[name] for name in wanted or table}

    def __repr__(self) -> str:
        from reglab.client.show import as_text

        return as_text(self._shown()) if self else "[]"

    def _repr_html_(self) -> str:
        from reglab.client.show import html_table

        return html_table(self._shown())


def plain(value: Any) -> Any:
    """A sweep's value for a cell: objects by their name, lists as text."""
    if isinstance(value, dict):
        return str(value.get("name", value))
    return str(value) if isinstance(value, list) else value
