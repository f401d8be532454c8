"""Own data by both clients, from what people have it in."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pytest

from reglab.client import InvalidRequestError, InvalidValueError, NotFoundError
from reglab.client.datasets import new_inputs, packed
from tests.harness import files


def test_frames_and_arrays_give_one_id_each_and_are_what_was_given(client, resolve):
    frame = files.frame()
    x, y = np.arange(60.0).reshape(20, 3) % 7, np.arange(20) % 2
    for data, target in ((frame, "y"), (pl.from_pandas(frame), "y"), ((x, y), None)):
        first = resolve(client.upload(data, target, tags=["bring"]))
        again = resolve(client.upload(data, target))
        assert first == again
        shown = resolve(client.preview_dataset(first))
        if target:
            assert shown.columns == list(frame.columns)
            assert shown.rows[0] == frame.astype(object).iloc[0].tolist()
        else:
            assert shown.rows[3] == [*x[3], y[3]]
        assert resolve(client.dataset(first.id)) == first
    listed = resolve(client.datasets("uploaded", tag="bring"))
    assert len({row.id for row in listed}) == 3
    assert {row.kind for row in listed} == {"uploaded"}
    lines = repr(listed).splitlines()
    # Names and titles, and below each a long name that is broken at most once.
    assert max(map(len, lines)) <= 120
    assert len(lines) <= 3 + 2 * len(listed)
    assert set(listed.table()) > {"licence", "source", "size"}
    for row in listed:
        resolve(client.delete_dataset(row))
        with pytest.raises(NotFoundError):
            resolve(client.dataset(row.id))


def test_a_file_is_sent_as_it_is(client, resolve, tmp_path):
    path = tmp_path / "export.csv"
    path.write_bytes(files.spreadsheet())
    made = resolve(client.upload(path, "y"))
    assert made.reading["separator"] == ";"
    assert made.name == "export.csv"
    renamed = resolve(client.change_dataset(made, name="Export", tags=["a"]))
    assert (renamed.name, renamed.tags, renamed.description) == ("Export", ["a"], "")
    resolve(client.delete_dataset(made, force=True))


def test_faults_name_row_and_column(client, resolve, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"a,y\n1,x\n2\n")
    with pytest.raises(InvalidRequestError, match="Row 3"):
        resolve(client.upload(path, "y"))
    with pytest.raises(InvalidValueError, match="Give a path"):
        resolve(client.upload(3))
    with pytest.raises(InvalidValueError, match="sha256"):
        resolve(client.dataset("digits"))


def test_equal_arrays_are_equal_bytes_whenever_they_are_packed(monkeypatch):
    arrays = (np.ones((3, 2)), np.array(["a", "b", "a"], object))
    first = packed(arrays)[1]
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert packed(arrays)[1] == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == ["X.npy", "y.npy"]
    assert np.load(io.BytesIO(first))["y"].tolist() == ["a", "b", "a"]


@pytest.mark.parametrize("given", [files.frame(), pl.from_pandas(files.frame())])
def test_rows_are_sent_as_they_were_uploaded(given):
    rows = new_inputs(given)["rows"]
    frame = files.frame()
    assert [list(row) for row in rows] == len(frame) * [list(frame.columns)]
    assert rows[0] == frame.astype(object).iloc[0].to_dict()
    json.dumps(rows, allow_nan=False)
    assert new_inputs(rows[:2]) == {"rows": rows[:2]}


def test_a_gap_in_a_frame_is_null_and_numbers_are_inputs():
    gaps = pd.DataFrame({"a": [1.5, np.nan], "b": [None, "x"], "c": pd.array([1, None], "Int64")})
    wanted = [{"a": 1.5, "b": None, "c": 1}, {"a": None, "b": "x", "c": None}]
    assert new_inputs(gaps)["rows"] == wanted
    assert new_inputs(np.ones((2, 2)))["inputs"] == [[1.0, 1.0], [1.0, 1.0]]
    assert new_inputs([(1, 2)])["inputs"] == [[1, 2]]
    with pytest.raises(InvalidValueError, match="no list of rows"):
        new_inputs([1, 2])
