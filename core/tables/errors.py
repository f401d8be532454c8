"""The fault of a file that was given as a dataset, with its row and column."""

from __future__ import annotations

from reglab.core.errors import FieldProblem, FieldProblemError


class TableError(FieldProblemError):
    """A file cannot be used as a dataset.

    Args:
        detail: What was wrong, a sentence.
        remedy: What would be right, a sentence.
        row: Where, from 1; in a text file its header is row 1, as a spreadsheet counts.
        column: Name of the column, or of the member of an archive.

    Attributes:
        row, column: As given.
    """

    def __init__(
        self, detail: str, remedy: str, row: int | None = None, column: str | None = None
    ) -> None:
        self.row, self.column = row, column
        named = None if column is None else shortened(column)
        place = [f"Row {row}" if row is not None else "", f"column '{named}'" if named else ""]
        where = ", ".join(each for each in place if each)
        path = "file" + (f".{named}" if named else "") + (f"[{row}]" if row is not None else "")
        text = f"{where[0].upper()}{where[1:]}: {detail}" if where else detail
        super().__init__(FieldProblem(path, text, remedy))

    @classmethod
    def of(cls, problem: FieldProblem) -> TableError:
        """An error that another process found, as it told it."""
        found = cls("", "")
        FieldProblemError.__init__(found, problem)
        return found


def shortened(text: object, length: int = 60) -> str:
    """A value for a message: printable, and not longer than that."""
    found = "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(text)
    )
    return found if len(found) <= length else f"{found[: length - 3]}..."
