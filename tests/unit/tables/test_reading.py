"""Every format gives the table that was written; every fault names its row and column."""

from __future__ import annotations

import io
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest

from reglab.core.tables import ReadOptions, TableError, read_table, zips
from tests.harness import files

TABLES = ("csv", "spreadsheet", "parquet", "feather", "jsonl")


def plain(frame):
    """Values alone, as Python has them, missing ones as None."""
    return [
        [None if pd.isna(value) else value for value in row]
        for row in frame.astype(object).to_numpy().tolist()
    ]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_what_was_written(name):
    table = read_table(files.ALL[name][0]())
    expected = files.frame()
    assert list(table.frame.columns) == list(expected.columns)
    assert plain(table.frame) == plain(expected)
    assert (table.image_shape, table.test_rows) == (None, 0)


def test_a_spreadsheets_export_tells_how_it_was_read():
    assert read_table(files.spreadsheet()).reading == {
        "format": "csv",
        "encoding": "windows-1252",
        "separator": ";",
        "decimal": ",",
        "header": True,
    }


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_and_encodings_are_found(separator, encoding):
    text = files.frame().to_csv(index=False, sep=separator)
    table = read_table(text.encode(encoding))
    assert table.reading["separator"] == separator
    assert plain(table.frame) == plain(files.frame())


def test_options_come_before_what_is_found():
    data = b"a;b\n1,5;x\n2,5;y\n"
    assert plain(read_table(data).frame) == [[1.5, "x"], [2.5, "y"]]
    kept = read_table(data, ReadOptions(text=("a",)))
    assert plain(kept.frame) == [["1,5", "x"], ["2,5", "y"]]
    bare = read_table(b"1,2\n3,4\n", ReadOptions(header=False))
    assert list(bare.frame.columns) == ["x0", "x1"]
    assert plain(bare.frame) == [[1, 2], [3, 4]]


def test_arrays_keep_their_test_part_at_the_end():
    table = read_table(files.npz())
    with np.load(io.BytesIO(files.npz())) as written:
        expected = np.concatenate([written["X"], written["X_test"]])
        assert np.array_equal(table.frame[[f"x{at}" for at in range(4)]].to_numpy(), expected)
        assert table.frame["y"].tolist() == [*written["y"], *written["y_test"]]
    assert (table.test_rows, table.target) == (9, "y")


def test_idx_pairs_are_images_with_labels():
    table = read_table(files.idx_pairs())
    rng = np.random.default_rng(9)
    train, test = rng.integers(0, 256, (20, 6, 5)), rng.integers(0, 256, (6, 6, 5))
    pixels = table.frame.drop(columns="label").to_numpy()
    assert np.array_equal(pixels, np.concatenate([train, test]).reshape(26, 30))
    assert (table.image_shape, table.test_rows, table.target) == ((6, 5), 6, "label")


def test_class_folders_are_one_size():
    table = read_table(files.class_folders())
    assert (table.image_shape, table.test_rows) == ((12, 10, 3), 4)
    assert table.frame["label"].tolist() == ["cat"] * 4 + ["dog"] * 4 + ["cat"] * 2 + ["dog"] * 2
    small = read_table(files.class_folders(), ReadOptions(image_size=8, colour="grey"))
    assert small.image_shape == (8, 8)
    assert small.frame.shape == (12, 65)


def test_a_png_keeps_its_pixels_and_channels_in_order():
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    data = files.archive({f"a/{at}.png": files.picture(pixels) for at in "12"})
    table = read_table(data)
    assert table.image_shape == (2, 3, 3)
    assert table.frame.drop(columns="label").to_numpy()[0].tolist() == pixels.ravel().tolist()


NAN = {"X": np.array([[0.0], [np.nan]]), "y": np.arange(2)}
BIG_IMAGE = files.picture(np.zeros((4097, 4097), np.uint8))


@pytest.mark.parametrize(
    ("data", "options", "row", "column", "message"),
    [
        (b"", {}, None, None, "empty"),
        (b"\n\n", {}, None, None, "empty"),
        (b"a,b\n", {}, None, None, "0 rows"),
        (b"a\n1\n2\n", {}, None, None, "one column"),
        (b"a,b\n1,2\n3\n", {}, 3, None, "1 fields"),
        (b"a,b\n1,2\n3,4,5\n", {}, 3, None, "3 fields"),
        (b"a,a\n1,2\n3,4\n", {}, None, "a", "Two columns"),
        (b"a,,b\n1,2,3\n3,4,5\n", {}, 1, None, "no name"),
        (b"a,b\n1,2\n2,inf\n", {}, 3, "b", "infinite"),
        (b"a,b\n1,2\n2,1e999\n", {}, 3, "b", "infinite"),
        (b"a,b\n" + b"1,2\n" * 9 + b"1,n.\n", {}, 11, "b", "no number"),
        (b"a,b\n1,\xff\x81\n", {}, 2, None, "no text"),
        (b"a,b\n1,\xe4\n", {"encoding": "utf-8"}, 2, None, "0xe4"),
        (b"a,b\n1,\0\n", {}, 2, None, "byte that no text has"),
        (b"a,b\n1,2\n3,4\n", {"text": ("c",)}, None, "c", "none of this name"),
        (b'{"a": 1, "b": 2}\n{"a": "x", "b": 2}\n', {}, 2, "a", "number to string"),
        (b'{"a": [1], "b": 2}\n{"a": [1], "b": 2}\n', {}, None, "a", "type list"),
        (b"PAR1" + bytes(40) + b"PAR1", {}, None, None, "parquet"),
        (b"ARROW1" + bytes(40), {}, None, None, "feather"),
        (b"PK\x03\x04" + bytes(40), {}, None, None, "archive"),
        (files.saved(X=np.array([[{}]], object), y=np.arange(1)), {}, None, "X", "Python objects"),
        (files.saved(**NAN), {}, 2, "X", "nan"),
        (files.saved(X=np.ones((2, 2))), {}, None, "y", "no such array"),
        (files.saved(X=np.ones((3, 2)), y=np.arange(2)), {}, None, "y", "2 values"),
        (files.saved(X=np.ones((2, 65, 65)), y=np.arange(2)), {}, None, "X", "(65, 65)"),
        (files.archive({"../a/1.png": b""}), {}, None, "../a/1.png", "outside"),
        (files.archive({"/a/1.png": b""}), {}, None, "/a/1.png", "outside"),
        (files.archive({"a/1.png": b"no image"}), {}, None, "a/1.png", "cannot be read"),
        (files.archive({"1.png": BIG_IMAGE}), {}, None, "1.png", "in no folder"),
        (files.archive({"a/1.png": BIG_IMAGE}), {}, None, "a/1.png", "pixels"),
        (files.archive({"a/1.png": BIG_IMAGE[:900]}), {}, None, "a/1.png", ""),
        (files.archive({"a/1.txt": b""}), {}, None, "a/1.txt", "no PNG"),
        (files.archive({"images-idx3-ubyte": b""}), {}, None, None, "no pair"),
    ],
)  # fmt: skip
def test_a_fault_names_its_row_and_column(data, options, row, column, message):
    with pytest.raises(TableError) as caught:
        read_table(data, ReadOptions(**options))
    assert (caught.value.row, caught.value.column) == (row, column)
    assert message in str(caught.value)
    assert caught.value.problems[0].remedy


def test_a_promise_of_a_huge_array_is_refused_before_it_is_made():
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**4)}
    )
    data = files.archive({"X.npy": header.getvalue(), "y.npy": header.getvalue()})
    with pytest.raises(TableError, match="promises another size"):
        read_table(data)


def test_a_bomb_is_refused_by_what_its_entries_tell(monkeypatch):
    monkeypatch.setattr(zips, "MAX_UNPACKED", 2**20)
    monkeypatch.setattr(zips, "read", None)
    with pytest.raises(TableError, match="once unpacked"):
        read_table(files.archive({f"a/{at}.png": bytes(2**18) for at in range(5)}))


def test_a_link_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        link = zipfile.ZipInfo("a/1.png")
        link.external_attr = 0o120777 << 16
        zipped.writestr(link, "/etc/passwd")
    with pytest.raises(TableError, match="link"):
        read_table(file.getvalue())


def test_more_columns_than_pixels_of_the_largest_image_are_refused():
    names = ",".join(f"c{at}" for at in range(64 * 64 * 3 + 2))
    with pytest.raises(TableError, match="At most 12289"):
        read_table(f"{names}\n".encode())


def test_nothing_is_said_to_the_console_while_a_file_is_read(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make, _ in files.ALL.values():
            read_table(make())
    assert capfd.readouterr() == ("", "")
