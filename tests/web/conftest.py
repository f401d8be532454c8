"""A live server and worker, and real Chromium whose every complaint fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from reglab.api.stack import Stack
from tests.services import absent

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def stack(service) -> Stack:
    """The suite's live server and worker."""
    return service


@pytest.fixture(scope="session")
def http(stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.url}/v1", timeout=60) as client:
        yield client


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Runs an event loop in this thread until the block ends: no test may run its own meanwhile."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        absent("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


class Watched:
    """Opens pages, and keeps what they complain about or ask other hosts for."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url
        self.complaints: list[str] = []
        self.foreign: list[str] = []

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._on_request)
        page.goto(self.url + path)
        return page

    def _on_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _on_request(self, request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.foreign.append(request.url)


@pytest.fixture
def new_context(chromium, stack):
    """Makes contexts with their options; at the end none may have complained."""
    made: list[Watched] = []

    def make(**options) -> Watched:
        context = chromium.new_context(**{"color_scheme": "light", **options})
        made.append(Watched(context, stack.url))
        return made[-1]

    yield make
    for watched in made:
        watched.context.close()
    assert [watched.complaints for watched in made if watched.complaints] == []
    assert [watched.foreign for watched in made if watched.foreign] == []


@pytest.fixture
def open_page(new_context):
    """Opens a page in a plain context."""
    return new_context().open


def wait_until_ended(http: httpx.Client, experiment: str) -> dict:
    """The experiment's document once it has ended."""
    reply = http.get(f"/experiments/{experiment}/events")
    assert reply.status_code in (200, 204)
    return http.get(f"/experiments/{experiment}").json()


MOONS = {
    "preset": "l2",
    "overrides": {
        "name": "Moons with seeds",
        "tags": ["course", "moons"],
        "training.epochs": 400,
        "training.eval_every": 20,
        "dataset.test_size": 200,
        "sweep": {"regularization.l2": [0, 0.01]},
        "seeds": [0, 1],
        "probes.boundary": {"resolution": 32, "snapshots": 6},
    },
}
DIGITS = {
    "name": "Digits with spectrum",
    "dataset": {"name": "digits", "train_size": 300},
    "model": {"hidden": [16]},
    "optimizer": {"name": "adam", "schedule": {"lr": 0.01}},
    "training": {"epochs": 20, "batch_size": 32},
    "probes": {"spectrum": {"snapshots": 6}},
}


@pytest.fixture(scope="session")
def moons(http) -> dict:
    """Four finished runs in the plane: two values, two seeds, boundaries over time."""
    made = http.post("/experiments", json=MOONS).json()
    return wait_until_ended(http, made["id"])


@pytest.fixture(scope="session")
def digits(http) -> dict:
    """A finished run on images with a spectrum."""
    made = http.post("/experiments", json=DIGITS).json()
    return wait_until_ended(http, made["id"])


def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
