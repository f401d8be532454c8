"""Until a page's script runs, no control may be used that needs it: the click would be lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

USABLE = """() => [...document.querySelectorAll("main :is(button, input, select, textarea)")]
  .filter((control) => control.checkVisibility() && !control.disabled)
  .filter((control) => !control.closest("[inert]"))
  .filter((control) => !(control.form?.hasAttribute("action")))
  .map((control) => control.outerHTML)"""

PAGES = ["/experiments", "/experiments/new?preset=l2", "/compare?experiment={}", "/playground",
         "/experiments/{}"]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_controls_without_a_script_are_inert(new_context, moons, address):
    watched = new_context()
    watched.context.route(
        "**/js/*.js", lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    page = watched.open(address.format(moons["id"]))
    assert page.evaluate(USABLE) == []


@pytest.mark.parametrize("address", PAGES)
def test_scripts_let_all_controls_be_used(open_page, moons, address):
    page = open_page(address.format(moons["id"]))
    page.wait_for_function("() => !document.querySelector('.scripted[inert]')")


def test_filters_that_are_set_before_the_script_apply(new_context, moons):
    watched = new_context()
    held = []
    watched.context.route("**/js/experiments.js*", lambda route: held.append(route))  # noqa: PLW0108 # Playwright needs a function
    page = watched.context.new_page()
    page.goto(watched.url + "/experiments", wait_until="commit")
    page.get_by_label("Search by name").fill("seeds")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(page).to_have_url(re.compile("q=seeds"))
