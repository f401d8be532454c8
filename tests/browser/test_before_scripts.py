"""Until a page's script runs, no control may be used that needs it: the click would be lost."""

from __future__ import annotations

import pytest

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
