"""List, form, comparison and playground in real Chromium, and what holds for every page."""

from __future__ import annotations

import json
import re
import time

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from reglab.core.presets import build
from reglab.core.spec import expand
from reglab.core.storage import Submission
from tests.harness.browser import TRAINING_MILLISECONDS
from tests.harness.serving import serving, settings_in

PATHS = ["/experiments", "/experiments/{moons}", "/compare?experiment={moons}"]
PATHS += ["/experiments/new?preset=dropout", "/playground", "/experiments/{digits}"]
SERIOUS = ("serious", "critical")


# Scrolls through the page; ends when all images are there and nothing has been fetched for a while.
SETTLED = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let top = 0; top < document.documentElement.scrollHeight; top += 600) {
    scrollTo(0, top);
    await frame();
  }
  const fetched = () => performance.getEntriesByType("resource").length;
  for (let before = -1, since = 0; performance.now() - since < 250; await frame()) {
    const loading = [...document.images].some((one) => one.loading != "lazy" && !one.complete);
    if (loading || fetched() != before) since = performance.now();
    before = fetched();
  }
}"""


def settle(page):
    """Until all parts of the page are made."""
    page.wait_for_load_state("load")
    page.evaluate(SETTLED)


@pytest.fixture
def address(moons, digits):
    return lambda path: path.format(moons=moons["id"], digits=digits["id"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_without_errors_or_foreign_requests(new_context, address, path, scheme):
    page = new_context(color_scheme=scheme).open(address(path))
    settle(page)
    found = Axe().run(page).response["violations"]
    wrong = [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]
    assert wrong == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    shade = sum(int(part) for part in re.findall(r"\d+", paper)[:3]) / 3
    assert (shade < 60) == (scheme == "dark")


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_needs_no_sideways_scrolling(new_context, address, path):
    size = {"width": 390, "height": 844}
    context = new_context(viewport=size, has_touch=True, is_mobile=True)
    page = context.open(address(path))
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, a.button, select')]
            .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24)
            .map((one) => one.outerHTML)"""
    )
    assert small == []


def test_policy_is_strict_and_assets_last(server, moons):
    reply = httpx.get(f"{server}/experiments/{moons['id']}", headers={"Accept": "text/html"})
    policy = reply.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self';")
    scripts = re.findall(r'<script[^>]*src="([^"]+)"', reply.text)
    assert any("plotly" in script for script in scripts)
    styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', reply.text)
    for asset in scripts + styles:
        found = httpx.get(server + asset)
        assert "immutable" in found.headers["cache-control"]
    assert not re.search(r"<script(?![^>]*(src=|application/json))", reply.text)
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", reply.text)


def test_the_front_door_and_missing_pages(open_page, new_context, server):
    page = open_page("/")
    assert page.url.endswith("/experiments")
    asked = {"Accept": "text/html"}
    for path in ("/experiments/01a20e8c-cfe5-759a-82b0-fdfa1ca8176f", "/nothing"):
        reply = httpx.get(server + path, headers=asked)
        assert reply.status_code == 404
        assert reply.headers["content-type"].startswith("text/html")
        assert "All experiments" in reply.text
    assert httpx.get(f"{server}/nothing").headers["content-type"].endswith("problem+json")


def test_spec_text_cannot_end_the_data_block(open_page, http):
    name = "</script><script>window.bad = 1</script><img src=x onerror='window.bad=1'>"
    body = {"preset": "l2", "overrides": {"name": name, "training.epochs": 1, "sweep": {}}}
    made = http.post("/experiments", json=body).json()
    page = open_page(f"/experiments/{made['id']}")
    expect(page.locator("h1")).to_have_text(name)
    assert page.evaluate("window.bad") is None
    page.goto(page.url.rsplit("/", 1)[0])
    expect(page.get_by_role("link", name=name)).to_be_visible()
    http.patch(f"/experiments/{made['id']}", json={"name": "Plain"})


def test_the_list_filters_and_remembers(open_page, moons, digits):
    page = open_page("/experiments")
    page.get_by_label("Search by name").fill("moons with")
    expect(page).to_have_url(re.compile(r"q=moons\+with"))
    expect(page.locator("#rows .name")).to_have_text(["Moons with seeds"])
    expect(page.get_by_label("Search by name")).to_have_value("moons with")
    page.get_by_role("link", name="Clear").click()
    page.locator("select[name=tag]").select_option("browser-tests")
    expect(page).to_have_url(re.compile(r"tag=browser-tests"))
    expect(page.locator("#rows .name")).to_have_text(["Moons with seeds"])
    page.goto(page.url.split("?")[0] + "?state=failed&preset=l1")
    expect(page.get_by_text("No experiment fits.")).to_be_visible()


def test_thousands_of_experiments_are_paged(new_context, tmp_path):
    settings = settings_in(tmp_path)
    watched = new_context()
    with serving(settings) as (url, app):
        storage = app.state.context.storage
        base = build("l2", {"sweep": {}})
        runs = expand(base)
        for at in range(230):
            named = base.model_copy(update={"name": f"Number {at:04}"})
            storage.experiments.create(Submission(named, runs))
        watched.url = url
        page = watched.open("/experiments?sort=name")
        rows = page.locator("#rows .name")
        assert rows.count() == 50
        while rows.count() < 230:
            page.mouse.wheel(0, 4000)
            page.wait_for_timeout(50)
        names = rows.all_text_contents()
        assert names == [f"Number {at:04}" for at in range(230)]
        # States of rows that have not ended stay fresh.
        storage.experiments.cancel(page.locator("#rows li").first.get_attribute("data-id"))
        page.goto(f"{url}/experiments")
        last = page.locator("#rows li").nth(3)
        storage.experiments.cancel(last.get_attribute("data-id"))
        expect(last.locator(".badge")).to_have_text("cancelled")
        page.close()


def test_errors_stand_beside_their_fields(new_context, http):
    watched = new_context()
    page = watched.open("/experiments/new?preset=l2")
    expect(page.locator("#estimate dd").first).to_have_text("9")
    noise = page.locator("[id='field-dataset.noise']")
    noise.fill("-1")
    error = page.locator("[id='error-dataset.noise']")
    expect(error).to_contain_text("greater than or equal to 0")
    expect(noise).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Epochs *").fill("many")
    expect(page.locator("[id='error-training.epochs']")).to_contain_text('"many"')
    page.get_by_label("Values, separated by commas").fill("0, -5")
    expect(page.locator("#sweep .wrong").first).to_be_empty()
    noise.fill("0.2")
    page.get_by_label("Epochs *").fill("10")
    expect(page.locator("#sweep .wrong").first).to_contain_text("[1]")
    before = len(http.get("/experiments").json()["items"])
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_label("Values, separated by commas")).to_be_focused()
    assert len(http.get("/experiments").json()["items"]) == before
    page.get_by_label("Values, separated by commas").fill("0, 0.5")
    expect(page.locator("#estimate dd").first).to_have_text("2")
    expect(page.locator("#problems")).to_be_empty()
    assert all("422" in text for text in watched.complaints)
    watched.complaints.clear()


def test_every_preset_fills_the_form_as_it_is(open_page, http):
    page = open_page("/experiments/new")
    runs = page.locator("#estimate dd").first
    expect(runs).to_have_text("9")
    page.locator("summary").click()
    there = {row["name"] for row in http.get("/datasets").json()["items"] if row["available"]}
    for preset in http.get("/presets").json()["items"]:
        radio = page.get_by_role("radio", name=preset["title"])
        if preset["spec"]["dataset"]["name"] not in there or radio.is_checked():
            continue
        with page.expect_request("**/estimate") as asked:
            radio.check()
        assert asked.value.post_data_json == {"preset": preset["name"], "overrides": {}}
        expect(runs).to_have_text(str(preset["runs"]))


def test_parts_of_a_spec_are_turned_on_and_off(open_page, server):
    page = open_page("/experiments/new?preset=l2")
    sent = []
    page.on(
        "request",
        lambda request: request.url.endswith("/estimate") and sent.append(request.post_data_json),
    )
    page.get_by_label("Use boundary").uncheck()
    page.get_by_label("Use spectrum").check()
    expect(page.get_by_label("Use spectrum")).to_be_focused()
    page.locator("[id='field-probes.spectrum.snapshots']").fill("5")
    page.locator("[id='field-dataset']").select_option("digits")
    page.locator("[id='field-regularization.augmentation']").select_option("shift")
    page.get_by_label("Seeds").fill("1, 2, 3")
    expect(page.locator("#estimate dd").first).to_have_text("27")
    overrides = sent[-1]["overrides"]
    assert overrides["dataset"] == {"name": "digits"}
    assert overrides["probes.boundary"] is None
    assert overrides["probes.spectrum.snapshots"] == 5
    assert overrides["seeds"] == [1, 2, 3]
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(r"/experiments/[0-9a-f-]{36}$"))
    made = httpx.get(page.url.replace("/experiments/", "/v1/experiments/")).json()
    assert made["spec"]["probes"]["spectrum"]["snapshots"] == 5
    assert made["spec"]["regularization"]["augmentation"]["name"] == "shift"
    assert len(made["runs"]) == 27
    httpx.post(f"{server}/v1/experiments/{made['id']}/cancel")


def test_sweep_points_of_two_experiments_are_compared(open_page, http, moons, digits):
    page = open_page("/experiments?q=Moons+with")
    page.locator("#rows input").check()
    page.get_by_role("button", name="Compare selected").click()
    expect(page.locator("#metrics tbody tr")).to_have_count(2)
    page.locator("[data-remove]").nth(1).click()
    expect(page.locator("#metrics tbody tr")).to_have_count(1)
    page.get_by_label("Search experiments by name").fill("digits with")
    expect(page.locator("#found li")).to_have_count(1)
    page.get_by_role("button", name="Pick sweep points").click()
    page.locator("#found input[type=checkbox]").check()
    page.get_by_role("button", name="Compare these").click()
    expect(page.locator("#metrics tbody tr")).to_have_count(2)
    differs = page.locator("#specs .differs code").all_inner_texts()
    assert {"dataset.name", "optimizer.name", "training.epochs"} <= set(differs)
    assert "model.activation" not in differs
    page.get_by_label("Show equal fields").check()
    expect(page.locator("#specs .same").first).to_be_visible()
    page.wait_for_function("() => document.querySelector('[data-plot=loss]').data?.length == 8")
    accuracy = [
        np.mean([run["summary"]["final"]["test_accuracy"] for run in runs])
        for runs in (moons["runs"][:2], digits["runs"])
    ]
    best = page.locator("#metrics td:nth-child(8).best").first.inner_text()
    assert best == f"{100 * max(accuracy):.1f} %"
    left = [run["id"] for run in moons["runs"]] + ["x"]
    page.goto(page.url.split("?")[0] + "?" + "&".join(f"run={one}" for one in left))
    expect(page.get_by_text("Not found, perhaps deleted: x")).to_be_visible()


def test_the_playground_trains_as_one_watches(open_page, http):
    page = open_page("/playground")
    epoch = "Number(document.querySelector('#epoch').textContent.replace(/\\D/g, ''))"
    page.wait_for_function(f"() => {epoch} > 20")
    planes = ["plain", "regularized"]
    first = [page.evaluate(f"document.querySelector('#{one}').toDataURL()") for one in planes]
    assert first[0] != first[1]
    page.wait_for_function(
        "old => document.querySelector('#plain').toDataURL() != old", arg=first[0]
    )
    page.wait_for_function("() => document.querySelector('#loss').data?.[3].x.length > 20")
    # A frame of the first epochs may be passed over; fewer than before come by in any case.
    page.wait_for_function(f"() => {epoch} > 100")
    page.get_by_label("Noise").fill("0.4")
    page.wait_for_function(f"() => {epoch} < 100")
    page.wait_for_function(f"() => {epoch} > 10")
    page.get_by_role("button", name="Stop").click()
    stopped = page.evaluate(epoch)
    page.wait_for_timeout(400)
    assert page.evaluate(epoch) == stopped
    page.get_by_role("button", name="Run as experiment").click()
    expect(page).to_have_url(re.compile(r"/experiments/[0-9a-f-]{36}$"))
    made = http.get("/experiments/" + page.url.rsplit("/", 1)[1]).json()
    assert made["spec"]["dataset"]["noise"] == 0.4
    http.post(f"/experiments/{made['id']}/cancel")


def test_all_can_be_done_with_the_keyboard(open_page, http):
    page = open_page("/experiments")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    reach(page, "New experiment")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/new"))
    expect(page.locator("#estimate dd").first).to_have_text("9")
    page.locator("#main").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Dropout on two moons")).to_be_checked()
    expect(page.locator("#estimate dd").first).to_have_text("2")
    reach(page, "Epochs *")
    page.keyboard.press("Control+A")
    page.keyboard.type("30")
    reach(page, "Submit")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "focus is not visible"
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("succeeded", timeout=TRAINING_MILLISECONDS)
    # Parts are read when they come near, and Tab is pressed faster than they are answered.
    page.locator("#boundary").scroll_into_view_if_needed()
    expect(page.locator("#boundary-run")).to_be_enabled()
    reach(page, "Sweep")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#boundary output").first).to_have_text("p = 0.4, seed 0")
    page.evaluate("scrollTo(0, 0)")
    page.locator("#edit").focus()
    reach(page, "Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    reach(page, "Delete")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/experiments$"))


def reach(page, name, most=150):
    """Press Tab until an element of this name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        text = page.evaluate(
            """() => { const one = document.activeElement;
                return one.ariaLabel ?? one.labels?.[0]?.textContent ?? one.textContent; }"""
        )
        if text.strip().startswith(name):
            return
    raise AssertionError(f"'{name}' cannot be reached by keyboard")


def test_a_hundred_runs_stay_smooth(new_context, tmp_path):
    import numpy as np

    from reglab.core.results import CURVE_COLUMNS

    settings = settings_in(tmp_path)
    spec = build("l2", {"sweep": {"regularization.l2": [0.0001 * k for k in range(100)]}})
    watched = new_context()
    with serving(settings) as (url, app):
        storage = app.state.context.storage
        experiment, _ = storage.experiments.create(Submission.of(spec))
        epochs = np.arange(0, 10_001, 5)
        rng = np.random.default_rng(0)
        for _ in range(100):
            claim = storage.runs.lease_next("w")
            values = np.exp(-epochs / 2000) + 0.1 * rng.random(len(epochs))
            columns = dict.fromkeys(CURVE_COLUMNS, values) | {"epoch": epochs}
            storage.runs.record(claim, 10_000, 1.0, columns)
        watched.url = url
        began = time.monotonic()
        page = watched.open(f"/experiments/{experiment}")
        page.wait_for_function(
            "() => document.querySelector('[data-plot=loss]').data?.length == 100"
        )
        sizes = page.evaluate(
            "document.querySelector('[data-plot=loss]').data.map((t) => t.x.length)"
        )
        assert max(sizes) <= 241, "curves are not thinned by the server"
        print(f"100 runs drawn after {time.monotonic() - began:.1f} s")
        assert json.loads(page.locator("#data").inner_text())["runs"][99]["label"] == "λ₂ = 0.0099"
        page.close()
