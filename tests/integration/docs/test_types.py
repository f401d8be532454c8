"""Every Python snippet of the README and the docs passes mypy --strict and Pyright."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from setup import link
from tests.integration.docs.test_snippets import PAGES, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# What the client's surface gives; both checkers are asked for the type of each expression.
REVEALED = {
    'Client().submit("l2").wait()': "Experiment",
    'Client().submit("l2").wait().curves()': "Curves",
    "Client().presets()": "list[PresetInfo]",
    'Client().compare("a", "b")': "Comparison",
    'Client().get("a").runs[0].weights()': "Weights",
    'Client().get("a").runs[0].spec()': "RunSpec",
    "next(Client().list()).state": "Literal",
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory) -> Path:
    """One script a page, all its snippets in order, beside the package as an install lays it."""
    folder = tmp_path_factory.mktemp("types")
    link(folder / "installed")
    for page in PAGES:
        document = Sybil(parsers=[PythonCodeBlockParser()]).parse(ROOT / page)
        parts = [str(example.parsed) for example in document.examples()]
        if parts:
            name = re.sub(r"\W", "_", page.removesuffix(".md"))
            (folder / f"page_{name}.py").write_text("\n".join(parts))
    book = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    cells = [cell.source for cell in book.cells if cell.cell_type == "code"]
    (folder / "page_notebook.py").write_text("\n".join(cells))
    asked = "".join(f"reveal_type({expression})\n" for expression in REVEALED)
    (folder / "surface.py").write_text(f"from reglab import Client\n\n{asked}")
    settings = {"extraPaths": ["installed"], "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return folder


def checked(scripts: Path, tool: str, *options: str) -> str:
    files = sorted(path.name for path in scripts.glob("*.py"))
    assert len(files) > 8
    command = [sys.executable, "-m", tool, *options, *files]
    env = {"MYPYPATH": "installed", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(
        command,
        cwd=scripts,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mypy(scripts):
    said = checked(scripts, "mypy", "--strict", "--cache-dir", ".mypy")
    found = re.findall(r'Revealed type is "(.+)"', said)
    for (expression, wanted), shown in zip(REVEALED.items(), found, strict=True):
        assert re.sub(r"reglab[\w.]*\.", "", shown).startswith(wanted), expression


def test_pyright(scripts):
    said = checked(scripts, "pyright", "--pythonpath", sys.executable)
    found = re.findall(r'Type of ".+" is "(.+)"', said)
    for (expression, wanted), shown in zip(REVEALED.items(), found, strict=True):
        assert shown.startswith((wanted, "State")), expression
