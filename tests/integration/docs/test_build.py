"""The site builds without warnings, works without other hosts, and its notebook runs."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
# Schemes and hosts from which a page would load something.
LOADED = re.compile(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["'](?:https?:)?//[^"']*""")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q"]
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*command, "-b", "html", "-d", str(target / "trees"), "docs", str(target / "html")],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target / "html"


def test_references_are_made_from_the_code(site):
    pages = {path.stem: path.read_text() for path in (site / "reference").glob("*.html")}
    assert "regularization.l2" in pages["http"] or "label_smoothing" in pages["http"]
    assert "/v1/experiments/{experiment_id}/curves" in pages["http"]
    assert "reglab submit" in pages["cli"]
    assert "--wait-timeout" in pages["cli"]
    assert "label_smoothing_mode" in pages["spec"]
    for name in ("Client.submit", "Experiment.curves", "Run.calibration", "Spectrum"):
        assert f'id="reglab.client.{name}"' in pages["client"], name
    assert "cumulative" in pages["client"]
    # What the blocking client returns, not how it is driven.
    shown = html.unescape(re.sub(r"<[^>]+>", "", pages["client"]))
    assert "Generator[" not in shown
    assert "Flow[" not in shown
    for signature in ("→ Comparison", "→ Curves", "→ Weights", "→ list[PresetInfo]", "→ Self"):
        assert signature in shown, signature


def test_pages_load_nothing_from_other_hosts(site):
    for path in site.rglob("*.html"):
        assert not LOADED.findall(path.read_text()), path


def test_the_notebook_runs(server, tmp_path, monkeypatch):
    monkeypatch.setenv("REGLAB_URL", server)
    book = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    stored = [cell for cell in book.cells if cell.cell_type == "code" and cell.outputs]
    assert not stored, "the notebook is kept without outputs"
    NotebookClient(book, timeout=200, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"image/png", "text/html"} <= kinds
    shown = [output.get("data", {}).get("text/html", "") for output in outputs]
    assert any("<progress" in text and "2/2 runs, succeeded" in text for text in shown)
