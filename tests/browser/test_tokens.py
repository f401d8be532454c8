"""The page in real Chromium on a server that asks for tokens: sign in, work, sign out."""

from __future__ import annotations

import threading

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from reglab.api.access.policy import Policy
from reglab.api.middleware import guard
from reglab.worker.execute import Execution
from tests.harness.browser import PATIENCE_MILLISECONDS, TRAINING_MILLISECONDS
from tests.harness.guarded import Guarded
from tests.harness.inline import SMALL
from tests.harness.serving import serving

# The gallery is filled when it comes into view, and pictures load likewise.
FIGURE_IS_THERE = """() => {
  const image = document.querySelector('.gallery img');
  image?.scrollIntoView();
  return image?.naturalWidth > 100;
}"""
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A database of this module's own: all that waits in it is trained."""
    made = Guarded(tmp_path_factory.mktemp("tokens"))
    yield made
    made.storage.close()


@pytest.fixture(scope="module")
def url(guarded):
    with serving(guarded.settings, policy=Policy(mode="tokens")) as (address, _):
        yield address


@pytest.fixture
def page(chromium, url):
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    made = context.new_page()
    yield made
    context.close()


def train(guarded) -> None:
    while (lease := guarded.storage.runs.lease_next("test")) is not None:
        Execution(guarded.storage, lease, guarded.settings).run()


def sign_in(page, text: str) -> None:
    page.get_by_label("Token").fill(text)
    page.get_by_role("button", name="Sign in").click()


def test_a_page_works_through_the_cookie(page, url, guarded):
    complaints: list[str] = []
    addresses: list[str] = []
    page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: addresses.append(request.url))
    headers = {"Authorization": f"Bearer {guarded.texts['submit']}"}
    with httpx.Client(base_url=url, headers=headers) as http:
        made = http.post(
            "/v1/experiments?force=true", json={**SMALL, "name": "Behind a token"}
        ).json()
    path = f"/experiments/{made['id']}"
    page.goto(url + path)
    expect(page).to_have_title("Sign in \u00b7 reglab")
    assert Axe().run(page).response["violations"] == []
    sign_in(page, guarded.texts["read"][:-1])
    expect(page.get_by_role("alert")).to_have_text("The token is not known.")
    assert [text for text in complaints if "401" not in text] == []
    complaints.clear()
    sign_in(page, guarded.texts["submit"])
    expect(page).to_have_url(url + path)
    expect(page.get_by_role("heading", name="Behind a token")).to_be_visible()
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    # The stream of events, figures and downloads come with the cookie alone.
    trainer = threading.Thread(target=train, args=(guarded,))
    trainer.start()
    expect(page.locator("#state")).to_have_text("succeeded", timeout=TRAINING_MILLISECONDS)
    trainer.join()
    page.locator("#figures").scroll_into_view_if_needed()
    page.wait_for_function(FIGURE_IS_THERE)
    answer = page.request.get(f"{url}/v1/experiments/{made['id']}/export")
    assert answer.body().startswith(b"PK")
    curl = page.locator("pre", has_text="curl -s")
    assert '-H "Authorization: Bearer $REGLAB_TOKEN"' in (curl.text_content() or "")
    # Scripts see no cookie, and a change needs the page's own CSRF token.
    assert page.evaluate("document.cookie") == ""
    change = "path => fetch(path, {method: 'DELETE'}).then(reply => reply.status)"
    assert page.evaluate(change, f"/v1/experiments/{made['id']}") == 403
    assert len([text for text in complaints if "403" in text]) == len(complaints) == 1
    complaints.clear()
    page.goto(f"{url}/experiments/new")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(f"{url}/experiments/*-*")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in \u00b7 reglab")
    page.goto(f"{url}/experiments")
    expect(page).to_have_title("Sign in \u00b7 reglab")
    assert complaints == []
    for text in guarded.texts.values():
        assert not any(text[-43:] in address for address in addresses)


def test_a_page_whose_session_ends_asks_to_sign_in(page, url, guarded, monkeypatch):
    monkeypatch.setattr(guard, "RECHECK_SECONDS", 0.5)
    record, text = guarded.storage.tokens.create("leaving", "submit")
    headers = {"Authorization": f"Bearer {text}"}
    made = httpx.post(f"{url}/v1/experiments?force=true", json=SMALL, headers=headers).json()
    page.goto(f"{url}/experiments/{made['id']}")
    sign_in(page, text)
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    guarded.storage.tokens.revoke(record.id)
    expect(page).to_have_title("Sign in \u00b7 reglab")
    assert page.url.endswith(f"/sign-in?next=%2Fexperiments%2F{made['id']}")


def test_a_link_on_another_site_opens_the_page_signed_in(page, url, guarded):
    page.goto(url)
    sign_in(page, guarded.texts["read"])
    expect(page).to_have_url(f"{url}/experiments")
    # localhost and 127.0.0.1 are two sites to a browser.
    other = url.replace("127.0.0.1", "localhost")
    page.goto(other + "/sign-in")
    page.evaluate("address => { location.href = address }", f"{url}/compare")
    expect(page).to_have_url(f"{url}/compare")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
