"""The engine's version is tied to what short trainings end with.

A hash of the parameters would tie it to one processor too: BLAS libraries add in their own orders,
and the last bits of float32 differ. After four epochs that is still far below the tolerance here,
while another stream, order of updates or formula is far above it.
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
    assert np.allclose(measure(name), GOLDEN["ends"][name], rtol=1e-3, atol=2e-4), ADVICE


def test_the_numbers_tell_the_methods_apart():
    ends = list(GOLDEN["ends"].values())
    for at, one in enumerate(ends):
        assert not any(np.allclose(one, other, rtol=1e-3, atol=2e-4) for other in ends[:at])
