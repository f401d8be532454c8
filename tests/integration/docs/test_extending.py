"""Each page on extending reglab is followed literally, and what it adds works over HTTP."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from reglab.client.own_server import own_server
from tests.integration.docs.pages import PAGES, Page, copy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

GENERATE = (
    "import sys, pathlib; sys.path.insert(0, 'docs/_ext'); import generate; "
    "generate.write_all(pathlib.Path('docs'))"
)


def margin(http: httpx.Client, made: dict[str, Any]) -> None:
    run = made["runs"][0]["id"]
    found = http.get(f"/v1/runs/{run}/arrays/margin.mean").json()["values"]
    assert len(found) == 3


def checkerboard(http: httpx.Client, made: dict[str, Any]) -> None:
    rows = http.get("/v1/datasets").json()["items"]
    assert any(row["name"] == "checkerboard" and row["available"] for row in rows)
    figures = http.get(f"/v1/experiments/{made['id']}/figures").json()["items"]
    [caption] = [row["caption"] for row in figures if row["name"] == "boundaries"]
    assert "Probability of class 1 (odd)" in caption
    assert drawn(http, made, "boundaries")


def entropy(http: httpx.Client, made: dict[str, Any]) -> None:
    ids = ",".join(run["id"] for run in made["runs"])
    found = http.get("/v1/compare", params={"runs": ids}).json()
    [row] = [row for row in found["metrics"] if row["metric"] == "entropy"]
    assert 0 < row["a"] <= 0.7


def confidence(http: httpx.Client, made: dict[str, Any]) -> None:
    rows = http.get(f"/v1/experiments/{made['id']}/figures").json()["items"]
    row = next(row for row in rows if row["name"] == "confidence")
    assert "Mean confidence in wrong answers" in row["caption"]
    assert drawn(http, made, "confidence")


def weight_norm(http: httpx.Client, made: dict[str, Any]) -> None:
    rows = http.get(f"/v1/experiments/{made['id']}/claims").json()["items"]
    [row] = [row for row in rows if row["id"] == "weight-norm-falls-with-l2"]
    assert row["verdict"] == "supported"
    assert drawn(http, made, "claims")


def adagrad(http: httpx.Client, made: dict[str, Any]) -> None:
    assert all(run["summary"]["final"]["train_accuracy"] > 0.5 for run in made["runs"])
    assert drawn(http, made, "curves")


def disturb_label(http: httpx.Client, made: dict[str, Any]) -> None:
    assert [run["params"]["regularization.disturb_label"] for run in made["runs"]] == [0, 0.2]
    assert drawn(http, made, "curves")


def drawn(http: httpx.Client, made: dict[str, Any], figure: str) -> bool:
    reply = http.get(f"/v1/experiments/{made['id']}/figures/{figure}.png")
    return reply.status_code == 200 and reply.content.startswith(b"\x89PNG")


@dataclass(frozen=True)
class Goal:
    """What a page must reach.

    Attributes:
        files: Most files that it may add or change beside its test.
        schema: Text that the schema and the form then have, or None.
        reference: A generated page and text that it then has.
        check: What is looked at after the training.
    """

    files: int
    schema: str | None
    reference: tuple[str, str]
    check: Callable[[httpx.Client, dict[str, Any]], None]


GOALS = {
    "regularizer": Goal(3, "disturb_label", ("spec", "replaced by a random class"), disturb_label),
    "optimizer": Goal(2, "Adagrad", ("spec", "## Adagrad"), adagrad),
    "probe": Goal(3, "MarginProbe", ("spec", "Number of test examples, from the first."), margin),
    "dataset": Goal(2, "Checkerboard", ("catalog", "`checkerboard`"), checkerboard),
    "metric": Goal(3, None, ("catalog", "`entropy`"), entropy),
    "figure": Goal(1, None, ("catalog", "`confidence`"), confidence),
    "claim": Goal(2, None, ("catalog", "`weight-norm-falls-with-l2`"), weight_norm),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """One folder for all copies, one after the other, so that kernels are compiled once."""
    return tmp_path_factory.mktemp("extending") / "tree"


@contextmanager
def applied(page: Page, tree: Path) -> Iterator[dict[str, str]]:
    """Environment in which ``reglab`` is a copy of the tree with a page's changes."""
    shutil.rmtree(tree, ignore_errors=True)
    installed = copy(tree)
    for change in page.changes:
        change.apply(tree)
    # A page that changes no kernel finds those of the suite; others have a folder of their own.
    suite, cache = Path(os.environ["NUMBA_CACHE_DIR"]), tree.parent / "numba"
    cache.mkdir(exist_ok=True)
    if not (cache / suite.name).exists():
        (cache / suite.name).symlink_to(suite)
    # One process is enough: two would compile at the same time what a page changes.
    own = {"NUMBA_CACHE_DIR": str(cache), "REGLAB_WORKER_PROCESSES": "1"}
    yield {**os.environ, **own, "PYTHONPATH": str(installed)}


def run(tree: Path, env: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def finished(http: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    reply = http.post("/v1/experiments", json=body)
    assert reply.status_code == 202, reply.text
    deadline = time.monotonic() + 300
    while True:
        made: dict[str, Any] = http.get(f"/v1/experiments/{reply.json()['id']}").json()
        if made["state"] not in ("queued", "running"):
            assert made["state"] == "succeeded", made
            return made
        assert time.monotonic() < deadline, made
        time.sleep(0.3)


def test_every_page_has_a_goal():
    assert {path.stem for path in PAGES.glob("*.md")} - {"index"} == set(GOALS)


@pytest.mark.parametrize("name", GOALS)
def test_a_page_can_be_followed(name, place, tmp_path, monkeypatch):
    page, goal = Page.read(name), GOALS[name]
    assert len(page.files) <= goal.files
    with applied(page, place) as env:
        run(place, env, *page.command, "-q", "-p", "no:cacheprovider")
        run(place, env, "-c", GENERATE)
        reference, text = goal.reference
        assert text in (place / "docs" / "reference" / f"{reference}.md").read_text()
        monkeypatch.setattr(os, "environ", env)
        monkeypatch.chdir(place)
        log = tmp_path / "log"
        with (
            own_server(tmp_path / "home", log) as url,
            httpx.Client(base_url=url, timeout=240) as http,
        ):
            if goal.schema:
                for path in ("/v1/schema", "/openapi.json", "/experiments/new"):
                    assert goal.schema in http.get(path).text, path
            goal.check(http, finished(http, page.body))
