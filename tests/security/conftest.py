"""How many inputs were tried, told at the end of the session."""

from __future__ import annotations

from tests.security.fuzz import TALLY


def pytest_terminal_summary(terminalreporter):
    if TALLY:
        terminalreporter.section("inputs tried")
        for what, outcomes in TALLY.items():
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            terminalreporter.line(f"{what}: {sum(outcomes.values())} inputs: {told}")
