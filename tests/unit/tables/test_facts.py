"""Kinds of columns, targets and warnings, against tables whose facts are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reglab.core.tables import Table, TableError, describe, read_table
from reglab.core.tables.preview import preview
from tests.harness import files


def made(**columns):
    return Table(pd.DataFrame(columns), first_row=2)


def test_every_kind_is_told_from_the_values():
    n = 60
    facts = describe(
        made(
            number=np.linspace(0, 1, n),
            whole=np.arange(n) % 7,
            flag=np.arange(n) % 2,
            truth=pd.array([True, False, None] * 20, dtype="boolean"),
            city=pd.Series(["a", "b", None] * 20, dtype=object),
            note=pd.Series(
                [f"note {at // 2 * 2}, long" for at in range(n - 1)] + ["z"], dtype=object
            ),
            name=pd.Series([f"name {at}" for at in range(n)], dtype=object),
            position=np.arange(100, 100 + n),
            patient_id=np.random.default_rng(0).permutation(10**6)[:n],
            same=np.ones(n),
            nothing=np.full(n, np.nan),
            y=np.arange(n) % 3,
        ),
        "y",
    )
    kinds = {each.name: each.kind for each in facts.features}
    assert kinds == {
        "number": "number",
        "whole": "number",
        "flag": "boolean",
        "truth": "boolean",
        "city": "category",
        "note": "text",
        "name": "id-like",
        "position": "id-like",
        "patient_id": "id-like",
        "same": "constant",
        "nothing": "constant",
    }
    by_name = {each.name: each for each in facts.features}
    assert by_name["city"].levels == ["a", "b"]
    assert by_name["city"].missing == by_name["truth"].missing == 20
    warned = [each.column for each in facts.warnings]
    assert {"name", "position", "patient_id", "same", "nothing", "city", "note"} <= set(warned)
    assert (facts.n, facts.n_features) == (n, 11)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1, 1, 0, 2, 2] * 5, "classification"),
        ([0.0, 1.0] * 5, "classification"),
        ([0.5, 1.0] * 5, "regression"),
        ([1, 5, 9, 9], "regression"),
        (list(range(21)) * 3, "regression"),
        (list(range(20)) * 3, "classification"),
        (["a", "b"] * 3, "classification"),
    ],
)
def test_classes_are_told_from_numbers(values, task):
    values = pd.Series(values, dtype=object if isinstance(values[0], str) else None)
    found = describe(made(x=np.arange(len(values)) % 5, y=values), "y").target
    assert found.task == task
    if task == "classification":
        assert [each.count for each in found.classes] == [
            int((values == value).sum()) for value in sorted(set(values))
        ]
    else:
        assert (found.minimum, found.maximum) == (min(values), max(values))


def test_labels_are_text_without_fractions():
    found = describe(made(x=[1, 2, 3, 4], y=[0.0, 1.0, 0.0, 1.0]), "y").target
    assert [each.label for each in found.classes] == ["0", "1"]


@pytest.mark.parametrize(
    ("y", "task", "row", "message"),
    [
        ([1, 1, 1, 1], None, None, "in all rows"),
        (["a", "a", "b", "a"], None, 4, "this row alone"),
        (["a", None, "b", "a"], None, 3, "missing"),
        ([1.0, np.nan, 2.0, 1.0], None, 3, "missing"),
        (["a", "b", "a", "b"], "regression", None, "text"),
        ([f"p{at}" for at in range(20)], None, None, "value of its own"),
        (list(range(20)), None, None, "value of its own"),
        (np.repeat(np.arange(1001), 2), "classification", None, "1001 classes"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused(y, task, row, message):
    y = pd.Series(y, dtype=object if isinstance(y[0], str) else None)
    with pytest.raises(TableError, match=message) as caught:
        describe(made(x=np.arange(len(y)) % 3, y=y), "y", task)
    assert (caught.value.row, caught.value.column) == (row, "y")


def test_a_target_that_is_not_there_is_refused():
    with pytest.raises(TableError, match="There are x, y"):
        describe(made(x=[1, 2], y=[1, 2]), "z")


def test_repeated_rows_and_those_of_both_parts_are_counted():
    x = [[1, 2], [3, 4], [1, 2], [5, 6], [1, 2], [7, 8]]
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=[0, 1, 0, 1, 1, 0])
    facts = describe(Table(frame, test_rows=2), "y")
    assert facts.duplicate_rows == 1
    assert facts.shared_rows == 1
    assert facts.test_rows == 2


def test_a_class_of_the_test_set_alone_is_refused():
    frame = pd.DataFrame({"a": range(6), "y": [0, 0, 1, 1, 2, 2]})
    with pytest.raises(TableError, match="test set alone"):
        describe(Table(frame, test_rows=2), "y")


def test_a_preview_shows_what_stands_there():
    table = read_table(files.spreadsheet())
    shown = preview(table, describe(table, "y"))
    frame = files.frame()
    assert shown.columns == list(frame.columns)
    assert len(shown.rows) == 20
    assert shown.rows[3] == [
        frame.height[3],
        None,
        frame.city[3],
        bool(frame.member[3]),
        frame.y[3],
    ]
    by_name = {each.name: each for each in shown.distributions}
    counts, edges = np.histogram(frame.height, 20)
    assert by_name["height"].histogram.counts == counts.tolist()
    assert by_name["height"].histogram.edges == pytest.approx(edges)
    assert by_name["height"].histogram.std == pytest.approx(frame.height.std(ddof=0))
    cities = {each.label: each.count for each in by_name["city"].levels}
    assert cities == frame.city.value_counts().to_dict()
    assert by_name["age"].missing == shown.missing_values == 1
    assert {each.label: each.count for each in shown.classes} == frame.y.value_counts().to_dict()


@pytest.mark.parametrize("name", files.ALL)
def test_facts_and_preview_of_every_format_are_json(name):
    make, target = files.ALL[name]
    table = read_table(make())
    facts = describe(table, target)
    assert facts.target.task == "classification"
    for each in (facts, preview(table, facts)):
        assert type(each).model_validate_json(each.model_dump_json()) == each
