"""Tables have the columns and types of the reference, whatever their rows are."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from reglab.api import tables
from reglab.api.schemas.curves import EceRow
from tests.harness.fuzz import inputs, tell
from tests.harness.inline import SMALL

DIVERGING = SMALL | {"optimizer": {"schedule": {"lr": 100.0}}, "seeds": [3]}
DIVERGING |= {"model": {"hidden": [6, 5], "activation": "relu"}, "regularization": {"l2": 1000.0}}


def parquet(http, path):
    reply = http.get(f"{path}{'&' if '?' in path else '?'}format=parquet")
    assert reply.status_code == 200
    schema = pq.read_schema(io.BytesIO(reply.content))
    return dict(zip(schema.names, map(str, schema.types), strict=True))


@pytest.mark.parametrize("table", ["ece", "curves", "curves?aggregate=seeds"])
def test_no_finished_run_and_many_have_one_schema(trained, table):
    full = trained.finished(SMALL | {"seeds": [0, 1]})
    failed = trained.submit(DIVERGING)
    assert set(trained.train_as_told()) <= {"diverged", "succeeded"}
    queued = trained.submit(SMALL | {"seeds": [7, 8], "training": {"epochs": 3, "batch_size": 9}})
    paths = [f"/v1/experiments/{one['id']}/{table}" for one in (full, failed, queued)]
    schemas = [parquet(trained.http, path) for path in paths]
    assert schemas[0] == schemas[1] == schemas[2]
    joint = "&" if "?" in table else "?"
    heads = {trained.http.get(f"{path}{joint}format=csv").text.splitlines()[0] for path in paths}
    assert len(heads) == 1
    assert heads.pop().replace('"', "").split(",") == list(schemas[0])
    trained.http.post(f"/v1/experiments/{queued['id']}/cancel")


VALUES = {
    "int": st.one_of(st.none(), st.integers(-(2**53), 2**53)),
    "float": st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-5, 5)),
    "bool": st.one_of(st.none(), st.booleans()),
    "str": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
}


@inputs(100)
@given(st.data(), st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=5))
def test_types_are_those_that_are_declared(data, kinds):
    height = data.draw(st.integers(0, 3))
    names = {f"c{at}": kind for at, kind in enumerate(kinds)}
    rows = st.lists
    columns = {
        name: data.draw(rows(VALUES[kind], min_size=height, max_size=height))
        for name, kind in names.items()
    }
    table = tables.from_columns(columns, names)
    expected = {"int": "Int64", "float": "Float64", "bool": "Boolean", "str": "Utf8"}
    for at, kind in enumerate(kinds):
        assert expected[kind].lower() in str(table.schema.field(at).type).lower()
    tell("tables", f"{height} rows")


def test_the_model_gives_the_columns():
    columns, kinds = tables.from_rows([], EceRow)
    assert list(columns) == list(kinds) == list(EceRow.model_fields)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)
ARRAYS = arrays(
    st.sampled_from([np.float32, np.float64, np.int64]),
    array_shapes(max_dims=3, min_side=0, max_side=9),
)


def plain(value):
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {name: plain(child) for name, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@inputs(200)
@given(st.dictionaries(st.text(max_size=3), PLAIN | ARRAYS, max_size=4), st.integers(1, 5))
def test_json_in_pieces_is_the_same_json(document, piece):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PIECE", piece)
        written = b"".join(tables.json_pieces(document))
    assert json.loads(written) == plain(document)


@inputs(60)
@given(st.lists(st.integers(-9, 9), max_size=12), st.integers(1, 5))
def test_csv_in_pieces_is_the_same_csv(values, piece):
    columns, kinds = {"a": values, "b": [str(one) for one in values]}, {"a": "int", "b": "str"}
    whole = b"".join(tables.csv_pieces(columns, kinds))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PIECE", piece)
        assert b"".join(tables.csv_pieces(columns, kinds)) == whole
    assert whole.count(b"\n") == len(values) + 1
