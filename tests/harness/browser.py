"""Real Chromium, whose every complaint fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.harness.servers import absent

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# A machine may be many times slower than another; only what fails waits that long.
PATIENCE_MILLISECONDS = 60_000
# For runs that the page waits for.
TRAINING_MILLISECONDS = 240_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of one module: tests of others run event loops of their own in this thread, as this does."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        absent("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """Opens pages, and keeps what they complain about or ask other hosts for."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url
        self.complaints: list[str] = []
        self.foreign: list[str] = []

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._on_request)
        page.goto(self.url + path)
        return page

    def _on_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def _on_request(self, request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.foreign.append(request.url)


@pytest.fixture
def new_context(chromium, server):
    """Makes contexts with their options; at the end none may have complained."""
    made: list[Watched] = []

    def make(**options) -> Watched:
        context = chromium.new_context(**{"color_scheme": "light", **options})
        made.append(Watched(context, server))
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


def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
