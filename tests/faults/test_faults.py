"""The fault test, shorter, on the embedded pair; ``make faults`` has both, and longer."""

from __future__ import annotations

import pytest

from tests.faults.run import run_faults

pytestmark = pytest.mark.slow


def test_every_run_succeeds_once_to_its_bits_whatever_breaks():
    outcome = run_faults("embedded", runs=32, seconds=10, seed=1, report=lambda *_: None)
    assert outcome.verdict.wrong == []
    assert outcome.faults.total() >= 3
    assert outcome.verdict.counts["runs"] == 32
