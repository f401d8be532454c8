"""Fixtures of the whole suite: databases, brokers, real images."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.harness.fuzz import TALLY

# Set before anything of reglab is imported: the suite must never touch a user's own service.
os.environ["REGLAB_HOME"] = tempfile.mkdtemp(prefix="reglab-tests-")
for _name in ("REGLAB_DATABASE_URL", "REGLAB_BROKER_URL", "REGLAB_ACCESS", "REGLAB_TOKEN"):
    os.environ.pop(_name, None)
# The name by which test clients call an app.
os.environ["REGLAB_ALLOWED_HOSTS"] = "testserver"

# How long an input takes depends on what else the machine does.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

pytest_plugins = ["tests.harness.fixtures", "tests.harness.browser"]


def pytest_configure(config):
    """Kernels are compiled once, before several processes compile the same."""
    starts_others = getattr(config.option, "numprocesses", None) and not config.option.collectonly
    if starts_others and not hasattr(config, "workerinput"):
        from tests.harness.kernels import compile_all

        compile_all()


@pytest.fixture
def images(pytestconfig, monkeypatch) -> Path:
    """The folder of real images, where this machine has one."""
    default = pytestconfig.rootpath.parent / "shared" / "data"
    folder = Path(os.environ.get("REGLAB_DATA_DIR") or default)
    if not (folder / "mnist").is_dir():
        pytest.skip("no folder of real images; set REGLAB_DATA_DIR")
    monkeypatch.setenv("REGLAB_DATA_DIR", str(folder))
    return folder


def pytest_collection_modifyitems(items):
    """What has a time limit of its own takes longest and begins first."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A worker of pytest-xdist hands its tally to the process that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tally"] = {what: dict(outcomes) for what, outcomes in TALLY.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for what, outcomes in getattr(node, "workeroutput", {}).get("tally", {}).items():
        TALLY[what].update(outcomes)


def pytest_terminal_summary(terminalreporter):
    """How many inputs the properties tried, and what became of them."""
    if TALLY:
        terminalreporter.section("inputs tried")
        for what, outcomes in TALLY.items():
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            terminalreporter.line(f"{what}: {sum(outcomes.values())} inputs: {told}")
