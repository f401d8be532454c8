"""Every snippet of the README and the docs runs against a live server, in the order of its page."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

# A page is many submissions and pictures, and the machine may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[3]
DEFAULT = "http://127.0.0.1:8000"
LANGUAGES = {"sh", "python", "json", "{toctree}", "{include}", "{literalinclude}", "{eval-rst}"}
PAGES = [
    "README.md",
    *sorted(
        str(path.relative_to(ROOT))
        for folder in ("", "howto", "operating", "explanation", "methods")
        for path in (ROOT / "docs" / folder).glob("*.md")
    ),
]
# Commands that run until they are stopped, or take long and have tests of their own, are replaced
# by a check that they exist and take these arguments.
SHIMS = {
    "make": f'exec {shutil.which("make")} --silent --dry-run -C "{ROOT}" "$@" > /dev/null',
    "curl": f'exec {shutil.which("curl")} --fail-with-body --show-error "$@"',
    "pip": 'exec "$PYTHON" -m tests.integration.docs.extras "$@"',
    "python": 'exec "$PYTHON" "$@"',
    # No cluster here; the manifests have tests of their own.
    "kubectl": "cat > /dev/null < /dev/null",
    "reglab": """case "$1" in
      serve|worker|reproduce) exec "$PYTHON" -m reglab.client.cli "$@" --help > /dev/null ;;
      *) exec "$PYTHON" -m reglab.client.cli "$@" ;;
    esac""",
}


@pytest.fixture
def place(tmp_path, monkeypatch, server) -> Path:
    """An empty working folder, the live server's address, and the shims on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in SHIMS.items():
        path = programs / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("REGLAB_URL", server)
    # For commands that work on the database itself.
    monkeypatch.setenv("REGLAB_HOME", str(tmp_path / "home"))
    return work


@pytest.mark.parametrize("page", PAGES)
def test_snippets_run(page, place, server):
    def shell(example: Example) -> None:
        script = str(example.parsed).replace(DEFAULT, server)
        command = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, script + done.stdout + done.stderr

    parsers = [PythonCodeBlockParser(), CodeBlockParser(language="sh", evaluator=shell)]
    document = Sybil(parsers=parsers).parse(ROOT / page)
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("page", PAGES)
def test_no_snippet_is_in_a_language_that_does_not_run(page):
    fences = re.findall(r"^```+(\S+)", (ROOT / page).read_text(), re.MULTILINE)
    assert set(fences) <= LANGUAGES


def test_extras_that_are_named_exist():
    assert {"server", "worker", "dev"} <= set(metadata("reglab").get_all("Provides-Extra"))
