"""How long to fuzz, and what was tried: ``make fuzz`` sets REGLAB_FUZZ to run longer."""

from __future__ import annotations

import os
from collections import Counter, defaultdict

from hypothesis import HealthCheck, settings

SCALE = float(os.environ.get("REGLAB_FUZZ") or 1)
TALLY: defaultdict[str, Counter[str]] = defaultdict(Counter)


def inputs(count: int) -> settings:
    """Settings of a test that tries this many inputs, or REGLAB_FUZZ times as many."""
    return settings(
        max_examples=max(1, round(SCALE * count)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def tell(what: str, outcome: object) -> None:
    """Count one input; outcomes are told at the end."""
    TALLY[what][str(outcome)] += 1
