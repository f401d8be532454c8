"""The fault test, shorter; ``make faults`` has it longer."""

from __future__ import annotations

import pytest

from tests.faults.chaos import LEAST_FAULTS
from tests.faults.run import run_faults
from tests.harness.servers import Absent, absent

# A busy machine takes many times as long.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("mode", ["embedded", pytest.param("servers", marks=pytest.mark.services)])
def test_every_run_succeeds_once_to_its_bits_whatever_breaks(mode):
    try:
        outcome = run_faults(mode, runs=32, seconds=10, seed=1, report=lambda *_: None)
    except Absent as error:
        absent(str(error))
    assert outcome.verdict.wrong == []
    assert outcome.faults.total() >= LEAST_FAULTS
    assert outcome.verdict.counts["runs"] == 32
