"""The engine's version is tied to what short trainings end with.

A digest of all parameters and evaluations is on file, the same for every processor. The numbers
beside it tell whether a difference is one of rounding, which is far below the tolerance here, or of
another stream, order of updates or formula, which is far above it.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from reglab.core.engine import ENGINE_VERSION
from tests.unit.engine.golden import CHANGES, FILE, measure

GOLDEN = json.loads(FILE.read_text())
ADVICE = (
    "Equal specs and seeds end with other numbers than before: raise ENGINE_VERSION, so that old "
    "results are not reused, and run `python -m tests.unit.engine.golden`."
)


def test_the_numbers_on_file_are_of_this_version():
    assert GOLDEN["version"] == ENGINE_VERSION, "Run `python -m tests.unit.engine.golden`."


@pytest.mark.parametrize("name", CHANGES)
def test_trainings_end_as_before(name):
    ends, digest = measure(name)
    assert np.allclose(ends, GOLDEN["ends"][name], rtol=1e-3, atol=2e-4), ADVICE
    assert digest == GOLDEN["bits"][name], f"The last bits differ. {ADVICE}"


def test_the_numbers_tell_the_methods_apart():
    ends = list(GOLDEN["ends"].values())
    for at, one in enumerate(ends):
        assert not any(np.allclose(one, other, rtol=1e-3, atol=2e-4) for other in ends[:at])
