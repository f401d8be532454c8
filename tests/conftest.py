"""Fixtures of the whole suite: databases, brokers, real images."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.security.fuzz import TALLY

# Set before anything of reglab is imported: the suite must never touch a user's own service.
os.environ["REGLAB_HOME"] = tempfile.mkdtemp(prefix="reglab-tests-")
for _name in ("REGLAB_DATABASE_URL", "REGLAB_BROKER_URL", "REGLAB_ACCESS", "REGLAB_TOKEN"):
    os.environ.pop(_name, None)
# The name by which test clients call an app.
os.environ["REGLAB_ALLOWED_HOSTS"] = "testserver"

pytest_plugins = ["tests.services", "tests.live"]


@pytest.fixture
def images(pytestconfig, monkeypatch) -> Path:
    """The folder of real images, where this machine has one."""
    default = pytestconfig.rootpath.parent / "shared" / "data"
    folder = Path(os.environ.get("REGLAB_DATA_DIR") or default)
    if not (folder / "mnist").is_dir():
        pytest.skip("no folder of real images; set REGLAB_DATA_DIR")
    monkeypatch.setenv("REGLAB_DATA_DIR", str(folder))
    return folder


def pytest_terminal_summary(terminalreporter):
    """How many inputs the properties tried, and what became of them."""
    if TALLY:
        terminalreporter.section("inputs tried")
        for what, outcomes in TALLY.items():
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            terminalreporter.line(f"{what}: {sum(outcomes.values())} inputs: {told}")
