"""``make screenshots``: the pages as pictures for the README, from a server of their own."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from reglab.api.stack import Stack
from reglab.core.settings import Settings
from reglab.core.storage.migrate import upgrade

FOLDER = Path(__file__).parent
MOST_BYTES = 200_000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
EXPERIMENTS: list[dict[str, Any]] = [
    {
        "name": "Label smoothing on digits",
        "tags": ["calibration"],
        "dataset": {"name": "digits"},
        "model": {"hidden": [64]},
        "optimizer": {"name": "adam", "schedule": {"lr": 0.01}},
        "training": {"epochs": 40, "batch_size": 32},
        "sweep": {"regularization.label_smoothing": [0, 0.02, 0.05]},
    },
    {"preset": "dropout", "overrides": {"tags": ["article"], "training.epochs": 1500}},
    {
        "preset": "l2",
        "overrides": {
            "tags": ["article", "moons"],
            "training.epochs": 3000,
            "seeds": [0, 1, 2],
            "sweep": {"regularization.l2": [0, 0.0025, 0.005, 0.01]},
            "probes.boundary": {"snapshots": 16},
        },
    },
]


def submit_all(url: str) -> list[str]:
    """Submit, wait until all have ended, return the ids."""
    with httpx.Client(base_url=f"{url}/v1", timeout=600) as http:
        made = [http.post("/experiments", json=body).json()["id"] for body in EXPERIMENTS]
        for one in made:
            # The stream ends with the experiment.
            http.get(f"/experiments/{one}/events").raise_for_status()
    return made


def open_page(browser: Browser, url: str, scheme: Any = "light", width: int = 1180) -> Page:
    """A page of its own with this colour scheme."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 860})
    # A busy machine must not spoil the pictures.
    page.set_default_timeout(120_000)
    page.goto(url)
    return page


def save(page: Page, name: str, height: int) -> None:
    """The upper part of the page as it stands."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})  # type: ignore[index]
    page.wait_for_timeout(700)
    path = FOLDER / f"{name}.png"
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # A palette halves the size; nobody sees the difference.
    picture.quantize(256, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size // 1024} kB")
    assert size < MOST_BYTES, f"{path} is too large for a README"


def take_all(browser: Browser, url: str, moons: str, dropout: str) -> None:
    """Every picture."""
    page = open_page(browser, f"{url}/experiments/{moons}")
    page.wait_for_function("() => document.querySelector('[data-plot=loss]').data?.length > 0")
    page.locator("[data-control=smoothing]").fill("0.6")
    page.evaluate("document.querySelector('#runs .scroll').style.maxHeight = '14rem'")
    save(page, "experiment", 900)
    page.locator("#boundary").scroll_into_view_if_needed()
    page.locator("#boundary-facts dd").first.wait_for()
    page.locator("#boundary-time").fill("9")
    page.wait_for_timeout(1500)
    page.locator("#matrices figure").first.wait_for()
    page.evaluate("document.querySelector('#boundary').scrollIntoView()")
    save(page, "boundary-and-weights", 900)

    page = open_page(browser, f"{url}/playground", "dark")
    page.wait_for_function(
        "() => Number(document.querySelector('#epoch').textContent.replace(/\\D/g, '')) > 1500",
        timeout=90_000,
    )
    page.get_by_role("button", name="Stop").click()
    save(page, "playground", 900)

    page = open_page(browser, f"{url}/experiments/new?preset=dropout")
    page.locator("#estimate dd").first.wait_for()
    page.locator("[id='field-dataset.noise']").fill("-0.3")
    page.locator("[id='error-dataset.noise']:not(:empty)").wait_for()
    page.evaluate("document.querySelector('#sweep').scrollIntoView()")
    save(page, "new-experiment", 760)

    page = open_page(browser, f"{url}/compare?experiment={dropout}&experiment={moons}", "dark")
    page.wait_for_function("() => document.querySelector('[data-plot=loss]').data?.length > 0")
    page.evaluate("document.querySelector('[data-controls]').closest('section').scrollIntoView()")
    save(page, "compare", 900)

    save(open_page(browser, f"{url}/experiments"), "experiments", 560)


def main() -> None:
    """Start a server, fill it, take the pictures."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as home:
        os.environ["REGLAB_HOME"] = home
        upgrade(Settings.from_env().database_url)
        with Stack(env={"REGLAB_HOME": home}, logs=Path(home) / "logs") as stack:
            _, dropout, moons = submit_all(stack.url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                take_all(browser, stack.url, moons, dropout)
                browser.close()


if __name__ == "__main__":
    main()
