"""First content of every page, and a 100-run experiment, in real Chromium.

    python -m benchmarks.pages

Medians of several cold visits (a new browser context each, so that nothing is cached), in
milliseconds: first contentful paint, and until the curves are drawn. The server runs in a process
of its own, as it does for users.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Browser, sync_playwright

from reglab.api.stack import Stack
from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.settings import Settings
from reglab.core.storage import Storage, Submission
from reglab.core.storage.migrate import upgrade

VISITS = 7
RUNS = 100
POINTS = 2000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
DRAWN = "() => document.querySelector('[data-plot=loss]').data?.length > 0"
# Time between two pictures while the smoothing is moved: what a person feels as smooth or not.
FRAMES = """async () => {
  const slider = document.querySelector('[data-control=smoothing]');
  const times = [];
  for (let step = 0; step < 8; step += 1) {
    const began = performance.now();
    slider.value = 0.1 * step;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise((resolve) =>
      document.querySelector('[data-plot=accuracy]').once('plotly_afterplot', resolve));
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - began);
  }
  return times;
}"""


def fill(settings: Settings) -> str:
    """An experiment of 100 runs whose curves are long, written as a worker writes."""
    storage = Storage.of(settings)
    strengths = [0.0001 * k for k in range(RUNS)]
    spec = build("l2", {"name": "A hundred runs", "sweep": {"regularization.l2": strengths}})
    experiment, _ = storage.experiments.create(Submission.of(spec, preset="l2"))
    epochs = np.arange(POINTS) * 5
    rng = np.random.default_rng(0)
    for _ in range(RUNS):
        lease = storage.runs.lease_next("benchmark")
        assert lease is not None
        noisy = np.exp(-epochs / 2000) + 0.1 * rng.random(POINTS)
        columns = dict.fromkeys(CURVE_COLUMNS, noisy) | {"epoch": epochs}
        storage.runs.record(lease, int(epochs[-1]), 1.0, columns)
        storage.runs.cancel(lease)
    for at in range(60):
        named = spec.model_copy(update={"name": f"Number {at}"})
        storage.experiments.create(Submission.of(named))
        storage.experiments.cancel(storage.experiments.find(limit=1).items[0].id)
    storage.close()
    return experiment


def visit(browser: Browser, url: str, drawn: bool) -> dict[str, float]:
    """One cold visit."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(180_000)
    began = time.perf_counter()
    page.goto(url)
    found = {}
    if drawn:
        page.wait_for_function(DRAWN)
        found["curves drawn"] = 1000 * (time.perf_counter() - began)
    while (paint := page.evaluate(PAINT)) is None:
        page.wait_for_timeout(10)
    found["first content"] = paint
    context.close()
    return found


def measure(url: str, experiment: str) -> dict[str, Any]:
    """Medians by page."""
    paths = {
        "experiments": "/experiments",
        "100-run experiment": f"/experiments/{experiment}",
        "new experiment": "/experiments/new",
        "comparison of 40 runs": f"/compare?experiment={experiment}",
        "playground": "/playground",
    }
    rows: dict[str, Any] = {}
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for name, path in paths.items():
            drawn = "run" in name
            visits = [visit(browser, url + path, drawn) for _ in range(VISITS)]
            rows[name] = {
                key: round(statistics.median(one[key] for one in visits)) for key in visits[0]
            }
        page = browser.new_page()
        page.set_default_timeout(180_000)
        page.goto(f"{url}/experiments/{experiment}")
        page.wait_for_function(DRAWN)
        times = page.evaluate(FRAMES)
        rows["100-run experiment"]["redraw of all curves"] = round(statistics.median(times))
        browser.close()
    answer = httpx.get(f"{url}/v1/experiments/{experiment}/curves?max_points=240", timeout=60)
    rows["100-run experiment"]["curves, kilobytes"] = round(len(answer.content) / 1024)
    return rows


def main() -> None:
    """Measure, print, and write benchmarks/results/pages.json."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["REGLAB_HOME"] = home
        settings = Settings.from_env()
        upgrade(settings.database_url)
        experiment = fill(settings)
        with Stack(env={"REGLAB_HOME": home}, logs=Path(home) / "logs") as stack:
            rows = measure(stack.url, experiment)
    target = Path(__file__).parent / "results" / "pages.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(rows, indent=2) + "\n")
    for name, row in rows.items():
        print(f"{name:24}", ", ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
