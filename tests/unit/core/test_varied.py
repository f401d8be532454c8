"""What a verdict says its seeds varied."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from reglab.core.presets import build
from reglab.core.results.arms import what_varied
from reglab.core.spec import expand

FIRST, ANY = {"dataset.sampling": "first"}, {}
CASES = [
    ([("l2", ANY)], "initialization, batches, training and test examples."),
    ([("augmentation", ANY)], "batches and training examples; the test examples stay."),
    (
        [("augmentation", ANY), ("l2", ANY)],
        "batches and training examples; the test examples of some datasets stay.",
    ),
    ([("augmentation", FIRST), ("l2", ANY)], "and batches; the examples of some datasets stay."),
    ([("augmentation", FIRST)], "the same training and test examples: it speaks of these alone."),
]


@pytest.mark.parametrize(("presets", "told"), CASES)
def test_the_sentence_says_what_differs(presets, told):
    specs = [expand(build(name, changes))[0].spec for name, changes in presets]
    assert what_varied([SimpleNamespace(spec=spec) for spec in specs]).endswith(told)
