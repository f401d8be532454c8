"""Rows of uploaded data: every seed draws parts of the stated sizes that share no row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reglab.core.datasets import uploaded
from reglab.core.errors import SpecError
from reglab.core.spec.uploaded import Uploaded


def spec_of(counts: dict[str, int], patients: list[int], **fields) -> Uploaded:
    levels = {str(each): patients.count(each) for each in sorted(set(patients))}
    columns = [
        {"name": "x", "kind": "number"},
        {"name": "patient", "kind": "category", "levels": levels},
    ]
    facts = {"rows": len(patients), "target": "y", "classes": counts, "columns": columns}
    document = {"name": "uploaded", "id": "sha256:" + 64 * "0", "facts": facts, **fields}
    return Uploaded.model_validate(document)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_parts_have_the_stated_sizes_and_share_no_row(data):
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=8, max_size=60)))
    groups = data.draw(st.lists(st.integers(0, 9), min_size=len(labels), max_size=len(labels)))
    size = data.draw(st.floats(0.1, 0.7))
    stratify, by_group = data.draw(st.booleans()), data.draw(st.booleans())
    counts = {name: max(1, int((labels == at).sum())) for at, name in enumerate("abc")}
    fields = {"test": {"size": size}, "stratify": stratify}
    fields |= {"groups": "patient"} if by_group else {"drop": ["patient"]}
    spec = spec_of(counts, groups, **fields)
    if data.draw(st.booleans()):
        spec = spec_of(counts, groups, **fields, train_size=data.draw(st.integers(2, spec.n_train)))
    frame = pd.DataFrame({"x": range(len(labels)), "patient": groups})
    seed = data.draw(st.integers(0, 99))
    if by_group and min(map(groups.count, groups)) > spec.n_test:
        with pytest.raises(SpecError, match="smallest group"):
            uploaded.split(spec, labels, frame, np.random.default_rng(seed))
        return
    train, test = uploaded.split(spec, labels, frame, np.random.default_rng(seed))
    assert len(train) == spec.n_train
    assert len(set(train) | set(test)) == len(train) + len(test)
    assert train.tolist() == sorted(train)
    assert test.tolist() == sorted(test)
    if by_group:
        assert 1 <= len(test) <= spec.n_test
        assert not {groups[row] for row in train} & {groups[row] for row in test}
        return
    assert len(test) == spec.n_test
    if stratify:
        # Each class is within a row of its share.
        for label in np.unique(labels):
            share = (labels == label).mean() * len(test)
            assert abs((labels[test] == label).sum() - share) < 1


@given(st.integers(0, 2**32), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_rows_are_those_of_the_seed_or_of_the_split_seed(one, other):
    labels, groups = np.arange(30) % 2, [0] * 15 + [1] * 15
    frame = pd.DataFrame({"x": range(30), "patient": groups})
    counts = {"a": 15, "b": 15}

    def drawn(seed: int, **fields) -> list[list[int]]:
        spec = spec_of(counts, groups, drop=["patient"], **fields)
        parts = uploaded.split(spec, labels, frame, np.random.default_rng(seed))
        return [part.tolist() for part in parts]

    assert drawn(one) == drawn(one)
    assert len({str(drawn(seed)) for seed in (one, one + 1, one + 2)}) > 1
    fixed = uploaded.generator(spec_of(counts, groups, split_seed=3), np.random.default_rng(one))
    again = uploaded.generator(spec_of(counts, groups, split_seed=3), np.random.default_rng(other))
    assert fixed.random() == again.random()
