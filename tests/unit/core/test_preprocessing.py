"""Columns as inputs, against scikit-learn's pipeline."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from reglab.core.datasets.preprocessing import (
    Column,
    NamedColumns,
    UnnamedInputs,
    preprocessing,
    stored,
)
from reglab.core.errors import SpecError
from reglab.core.spec.uploaded import Uploaded

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}
LEVELS = ["blue", "green", "red"]


def spec_of(frame: pd.DataFrame, **fields) -> Uploaded:
    missing = {name: int(frame[name].isna().sum()) for name in frame}
    columns = [
        {"name": "age", "kind": "number", "missing": missing["age"]},
        {"name": "dose", "kind": "number", "missing": missing["dose"]},
        {
            "name": "colour",
            "kind": "category",
            "levels": dict.fromkeys(LEVELS, 1),
            "missing": missing["colour"],
        },
    ]
    classes = {"a": len(frame), "b": 1}
    facts = {"rows": len(frame) + 1, "target": "y", "classes": classes, "columns": columns}
    document = {"name": "uploaded", "id": "sha256:" + 64 * "0", "facts": facts, **fields}
    return Uploaded.model_validate(document)


numbers = st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 1.0]))
tables = st.lists(
    st.tuples(numbers, numbers, st.one_of(st.none(), st.sampled_from(LEVELS))),
    min_size=6,
    max_size=30,
).map(lambda rows: pd.DataFrame(rows, columns=["age", "dose", "colour"]))


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust"])
@given(tables)
@settings(max_examples=40, deadline=None)
def test_inputs_are_those_of_a_pipeline(scale, frame):
    frame = frame.astype({"age": float, "dose": float, "colour": object})
    frame.loc[0] = [1.0, 2.0, "red"]
    training = frame.iloc[:-2]
    fitted = NamedColumns.fit(spec_of(frame, missing="median", scale=scale), training)
    # Of equally common levels scikit-learn takes the first, too.
    pipeline = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(strategy="median"), SCALERS[scale]()), [0, 1]),
            (
                "c",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent", missing_values=None),
                    OneHotEncoder(categories=[LEVELS], sparse_output=False),
                ),
                [2],
            ),
        ]
    )
    training = training.astype({"colour": object}).where(training.notna(), None)
    training = training.astype({"age": float, "dose": float})
    whole = frame.astype({"colour": object}).where(frame.notna(), None)
    whole = whole.astype({"age": float, "dose": float})
    if training[["age", "dose"]].isna().all().any():
        return
    expected = pipeline.fit(training).transform(whole)
    found = fitted.transform(frame)
    np.testing.assert_allclose(found, expected.astype(np.float32), rtol=1e-5, atol=1e-6)
    again = preprocessing(json.loads(json.dumps(fitted.document())))
    np.testing.assert_array_equal(again.transform(frame), found)


@given(tables, st.floats(-1e3, 1e3))
@settings(max_examples=40, deadline=None)
def test_rows_to_test_change_nothing_that_is_fitted(frame, value):
    frame = frame.astype({"age": float, "dose": float, "colour": object})
    spec = spec_of(frame, missing="median")
    other = frame.copy()
    other.loc[len(frame) - 1] = [value, value, "blue"]
    rows = frame.index[:-1]
    one, two = (NamedColumns.fit(spec, each.loc[rows]) for each in (frame, other))
    assert one.document() == two.document()


def test_a_missing_value_is_flagged_or_refused():
    frame = pd.DataFrame({"age": [1.0, np.nan, 3.0], "dose": [1.0, 2, 3], "colour": ["red"] * 3})
    flagged = NamedColumns.fit(spec_of(frame, missing="indicator"), frame)
    assert flagged.inputs == [
        "age", "age is missing", "dose", "colour=blue", "colour=green", "colour=red"
    ]  # fmt: skip
    assert flagged.transform(frame)[:, 1].tolist() == [0, 1, 0]
    assert len(flagged.inputs) == spec_of(frame, missing="indicator").n_features
    plain = NamedColumns.fit(spec_of(frame.fillna(2.0)), frame.fillna(2.0))
    for column, value, detail in [
        ("age", np.nan, "no value"),
        ("age", "old", "not a finite number"),
        ("age", np.inf, "not a finite number"),
        ("colour", "pink", "none of the known levels"),
    ]:
        wrong = frame.fillna(2.0).astype(object)
        wrong.loc[1, column] = value
        with pytest.raises(SpecError, match=detail) as refused:
            plain.transform(wrong)
        assert refused.value.problems[0].path == f"[1].{column}"


@given(st.integers(0, 10), st.sampled_from(["standard", "minmax", "robust"]))
@settings(max_examples=20, deadline=None)
def test_unnamed_inputs_are_scaled_each_by_itself(seed, scale):
    rows = np.random.default_rng(seed).normal(3, 2, (20, 4))
    rows[:, 3] = 7.0
    facts = {"rows": 20, "target": "y", "classes": {"a": 10, "b": 10}, "n_inputs": 4}
    document = {"name": "uploaded", "id": "sha256:" + 64 * "0", "facts": facts, "scale": scale}
    fitted = UnnamedInputs.fit(Uploaded.model_validate(document), rows)
    expected = SCALERS[scale]().fit_transform(rows)
    np.testing.assert_allclose(fitted.transform(rows), expected, rtol=1e-5, atol=1e-6)
    again = preprocessing(json.loads(json.dumps(fitted.document())))
    np.testing.assert_array_equal(again.transform(rows), fitted.transform(rows))


@pytest.mark.parametrize("dtype", ["boolean", object])
def test_a_truth_value_may_be_missing(dtype):
    column = Column("b", boolean=True, fill="true", flags=True)
    found = column.transform(pd.Series([True, None, False], dtype=dtype))
    np.testing.assert_array_equal(found, [[1, 0], [1, 1], [0, 0]])


def test_a_whole_number_may_be_filled_with_a_fraction():
    found = Column("n", fill=2.5).transform(pd.Series([1, None, 4], dtype="Int64"))
    np.testing.assert_array_equal(found, [[1], [2.5], [4]])


@pytest.mark.parametrize("values", [[1, 10**400], [1, -(10**400)], [1, "1e999"], [1, "x"]])
def test_a_number_that_float64_cannot_hold_is_refused_by_its_row(values):
    with pytest.raises(SpecError, match=r"finite number") as refused:
        Column("n").transform(pd.Series(values, dtype=object))
    assert refused.value.problems[0].path == "[1].n"


def test_fitted_numbers_from_elsewhere_are_those_of_the_spec():
    frame = pd.DataFrame({"age": [1.0, np.nan, 3.0], "dose": [1.0, 2, 3], "colour": ["red"] * 3})
    spec = spec_of(frame, missing="indicator")
    sound = NamedColumns.fit(spec, frame).document()
    assert stored(spec, json.loads(json.dumps(sound))).document() == sound
    age, *others = sound["columns"]
    for wrong in [
        None,
        {},
        {"columns": None},
        {"columns": [3]},
        {"columns": others},
        {"columns": [{**age, "scale": 0.0}, *others]},
        {"columns": [{**age, "scale": "x"}, *others]},
        {"columns": [{**age, "centre": float("nan")}, *others]},
        {"columns": [{**age, "flags": False}, *others]},
        {"columns": [{**age, "levels": ["a"]}, *others]},
        {"centre": [0.0], "scale": "x"},
        {"centre": [0.0, 1.0], "scale": [1.0, 1.0]},
        {"centre": [[0.0]], "scale": [[1.0]]},
        {"centre": [0.0, 1.0], "scale": [1.0, 1.0, 1.0]},
    ]:
        with pytest.raises(ValueError, match=r"."):
            stored(spec, wrong)
