"""Columns of text as numbers, booleans and text; each column is one of them throughout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.table import ReadOptions

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Written where nothing is known; case does not matter.
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-")
POINT = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$"
COMMA = r"^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d{1,4})?$"
WHOLE = r"^[+-]?\d{1,18}$"
INFINITE = r"^(?i)[+-]?inf(inity)?$"
# A column with at least this share of numbers is meant to hold numbers.
MOSTLY = 0.8


def to_columns(strings: pa.Table, options: ReadOptions, first_row: int) -> tuple[pd.DataFrame, str]:
    """A frame of typed columns, and the decimal mark.

    Args:
        strings: Columns of text.
        options: The decimal mark, and the columns that stay text.
        first_row: Number of the first row in the file, for messages.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    unknown = sorted(set(options.text) - set(strings.column_names))
    if unknown:
        raise TableError(
            "It is to be read as text, but there is none of this name.",
            f"There are {shortened(', '.join(strings.column_names), 200)}.",
            column=unknown[0],
        )
    columns = []
    for column in strings.columns:
        trimmed = pc.utf8_trim_whitespace(column.combine_chunks())
        absent = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING, trimmed.type))
        columns.append(pc.if_else(absent, pa.scalar(None, trimmed.type), trimmed))
    decimal = options.decimal or _decimal(columns)
    made = {}
    for at, (name, column) in enumerate(zip(strings.column_names, columns, strict=True)):
        kept = name in options.text
        made[at] = _text(column) if kept else _typed(column, name, decimal, first_row)
    frame = pd.DataFrame(made, copy=False)
    frame.columns = pd.Index(strings.column_names, dtype=object)
    return frame, decimal


def _decimal(columns: list[Any]) -> str:
    """The mark that more of the fractions have."""
    points = sum(_count(column, r"^[+-]?\d*\.\d+([eE][+-]?\d+)?$") for column in columns)
    commas = sum(_count(column, r"^[+-]?\d*,\d+([eE][+-]?\d+)?$") for column in columns)
    return "," if commas > points else "."


def _count(column: Any, pattern: str) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(pc.match_substring_regex(column, pattern)).as_py() or 0)


def _typed(column: Any, name: str, decimal: str, first_row: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    present = len(column) - column.null_count
    if not present:
        return pc.cast(column, pa.float64()).to_pandas()
    form = COMMA if decimal == "," else POINT
    numeric = pc.or_(
        pc.match_substring_regex(column, form), pc.match_substring_regex(column, INFINITE)
    )
    numbers = pc.sum(numeric).as_py() or 0
    if numbers == present:
        return _numbers(column, decimal)
    if numbers >= MOSTLY * present:
        at = pc.index(numeric, value=False).as_py()
        detail = f"'{shortened(column[at].as_py())}' is no number, as {numbers} of {present} are."
        remedy = "Correct it, leave it empty, or list the column in options.text."
        raise TableError(detail, remedy, row=at + first_row, column=name)
    lower = pc.utf8_lower(column)
    truth = pc.equal(lower, "true")
    if pc.all(pc.or_(truth, pc.equal(lower, "false"))).as_py():
        return truth.to_pandas(types_mapper={pa.bool_(): _boolean()}.get)
    return _text(column)


def _boolean() -> Any:
    import pandas as pd

    return pd.BooleanDtype()


def _text(column: Any) -> Any:
    import pandas as pd

    return pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)


def _numbers(column: Any, decimal: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column.null_count == 0 and pc.all(pc.match_substring_regex(column, WHOLE)).as_py()
    # The parser of numbers takes no sign of plus.
    plain = pc.replace_substring_regex(column, r"^\+", "")
    if whole:
        return pc.cast(plain, pa.int64()).to_pandas()
    if decimal == ",":
        plain = pc.replace_substring(plain, ",", ".")
    return pc.cast(plain, pa.float64()).to_pandas()
