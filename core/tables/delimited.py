"""CSV and TSV: encoding, separator and decimal mark are found, and told."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reglab.core.tables.columns import to_columns
from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.reading import check_bytes, check_size
from reglab.core.tables.table import Encoding, ReadOptions, Table

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = (";", "\t", ",", "|")
# The separator is judged by the lines that end within so many characters.
SAMPLE = 2**16
# Names of all columns that may be, at their full length.
LONGEST_HEADER = 2**22
MARKS: dict[bytes, Encoding] = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
BEFORE_ROW = re.compile(r".*Row #(\d+): Expected (\d+) columns, got (\d+)", re.DOTALL)


def read(data: bytes, options: ReadOptions, _format: str) -> Table:
    """The table of a text file; see ``read_table``."""
    text, encoding = decoded(data, options)
    separator = options.separator or separator_of(text)
    names, first = _header(text, separator, options)
    check_size(text.count("\n"), len(names))
    strings = _strings(text, separator, names, options)
    frame, decimal = to_columns(strings, options, first)
    reading = {
        "format": "csv",
        "encoding": encoding,
        "separator": separator,
        "decimal": decimal,
        "header": options.header,
    }
    return Table(frame, reading=reading, first_row=first)


def decoded(data: bytes, options: ReadOptions) -> tuple[str, Encoding]:
    """The text of a file and its encoding.

    Without an option: as its byte order mark says, else UTF-8, else Windows-1252, of which Latin-1
    without control characters is a part.
    """
    marked = next((found for mark, found in MARKS.items() if data.startswith(mark)), None)
    if options.encoding or marked:
        tried: list[Encoding] = [options.encoding or marked or "utf-8"]
    else:
        tried = ["utf-8", "windows-1252"]
    for encoding in tried:
        try:
            text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
        except UnicodeDecodeError as error:
            failure = error
            continue
        if "\0" in text:
            row = text.count("\n", 0, text.index("\0")) + 1
            raise TableError("It holds a byte that no text has.", "Give a text file.", row=row)
        check_bytes(len(text))
        return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
    row = data.count(b"\n", 0, failure.start) + 1
    detail = f"Byte {failure.start} (0x{data[failure.start]:02x}) is no text in {tried[-1]}."
    raise TableError(detail, "Save the file as UTF-8, or name its encoding.", row=row)


def separator_of(text: str) -> str:
    """The separator by which most lines have as many fields as the first one, and it several."""
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample.rpartition("\n")[0] or sample
    best, found = (0.0, 0), ","
    for separator in SEPARATORS:
        try:
            counts = [len(row) for row in _rows(sample, separator) if row]
        except csv.Error:
            continue
        if not counts or counts[0] < 2:
            continue
        score = (counts.count(counts[0]) / len(counts), counts[0])
        if score > best:
            best, found = score, separator
    return found


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text), delimiter=separator, strict=False)


def _header(text: str, separator: str, options: ReadOptions) -> tuple[list[str], int]:
    """Names of the columns, and the number of the first row of data."""
    skipped = len(text) - len(text.lstrip("\n"))
    try:
        row = next(_rows(text[skipped : skipped + LONGEST_HEADER], separator), [])
    except csv.Error as error:
        raise TableError(f"It cannot be read: {error}.", "Give a text file.", row=1) from error
    if not row:
        raise TableError("The file is empty.", "Give a file with a header and rows.")
    if not options.header:
        return [f"x{at}" for at in range(len(row))], skipped + 1
    return [_name(each, at, row) for at, each in enumerate(row)], skipped + 2


def _name(name: str, at: int, row: list[str]) -> str:
    """Its trimmed name; that of a first column without one, as pandas writes its index, is row."""
    name = name.strip()
    if name:
        return name
    if at == 0 and "row" not in row:
        return "row"
    remedy = "Name every column in the first row."
    raise TableError(f"Column {at + 1} has no name.", remedy, row=1)


def _strings(text: str, separator: str, names: list[str], options: ReadOptions) -> pa.Table:
    """All columns as text, and missing where nothing stands."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    # Names are put in place of those of the file, which may be repeated.
    places = [str(at) for at in range(len(names))]
    skip = 1 if options.header else 0
    try:
        found = arrow_csv.read_csv(
            io.BytesIO(text.lstrip("\n").encode()),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                column_names=places,
                skip_rows_after_names=skip,
                block_size=2**24,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values='"' in text
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.large_string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _ragged(str(error)) from error
    return found.rename_columns(names)


def _ragged(message: str) -> TableError:
    found = BEFORE_ROW.match(message)
    if found is None:
        reason = message.removeprefix("CSV parse error: ")
        return TableError(f"It cannot be read: {shortened(reason, 200)}.", "Check its quotes.")
    row, expected, got = map(int, found.groups())
    detail = f"It has {got} fields, the first row has {expected}."
    remedy = "Give every row as many fields; quote text that holds the separator."
    return TableError(detail, remedy, row=row)
