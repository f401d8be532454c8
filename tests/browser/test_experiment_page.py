"""The page of one experiment in real Chromium: live, resumed, and every part of it."""

from __future__ import annotations

import json
import re

import httpx
import numpy as np
from playwright.sync_api import expect

from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.storage import Submission
from tests.browser.conftest import wait_until_ended
from tests.harness.browser import TRAINING_MILLISECONDS
from tests.harness.serving import serving, settings_in

LONG = {
    "preset": "l2",
    "overrides": {"name": "A long one", "training.epochs": 300_000, "training.eval_every": 200},
}


def points(page, plot):
    """Number of points of the first line of a plot."""
    return page.evaluate(f"document.querySelector('{plot}').data?.[0]?.x.length ?? 0")


def test_the_form_submits_and_the_page_follows_to_the_end(open_page):
    page = open_page("/experiments/new?preset=l2")
    page.get_by_label("Epochs *").fill("4000")
    page.get_by_label("Eval every").fill("10")
    page.get_by_label("Values, separated by commas").fill("0, 0.005")
    expect(page.locator("#estimate dd").first).to_have_text("2")
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(r"/experiments/[0-9a-f-]{36}$"))
    expect(page.locator("[data-cell='epoch']").first).not_to_have_text("0")
    expect(page.locator("#state")).to_have_text("succeeded", timeout=TRAINING_MILLISECONDS)
    expect(page.locator("[data-cell='epoch']").last).to_have_text("4000")
    expect(page.locator("[data-cell='ece']").last).not_to_have_text("\u2013")
    assert page.locator("#progress").get_attribute("value") in ("1", None)
    # The curves are read and drawn beside the events, so they may come after the table.
    page.wait_for_function(
        "() => document.querySelector('[data-plot=loss]').data?.[0]?.x.length > 50"
    )
    expect(page.locator("#link")).to_be_hidden()
    # The preset is kept, so that the list can be filtered by it.
    expect(page.locator(".status .tag").first).to_have_text("preset: l2")


def test_a_reload_in_the_middle_goes_on_and_cancel_asks_first(open_page, http):
    made = http.post("/experiments", json=LONG).json()
    page = open_page(f"/experiments/{made['id']}")
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#state")).to_have_text("running")
    page.wait_for_function(
        "() => document.querySelector('[data-plot=loss]').data?.[0]?.x.length > 3"
    )
    before = points(page, "[data-plot=loss]")
    page.reload()
    page.wait_for_function(
        "n => document.querySelector('[data-plot=loss]').data?.[0]?.x.length > n", arg=before
    )
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Keep").click()
    assert http.get(f"/experiments/{made['id']}").json()["state"] == "running"
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel runs").click()
    expect(page.locator("#state")).to_have_text("cancelled")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.locator("#state")).to_have_text(re.compile("queued|running"))
    http.post(f"/experiments/{made['id']}/cancel")
    expect(page.locator("#state")).to_have_text("cancelled")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/experiments$"))
    assert http.get(f"/experiments/{made['id']}").status_code == 404


def test_a_server_that_comes_back_is_found_again(new_context, tmp_path):
    settings = settings_in(tmp_path)
    spec = build("l2", {"sweep": {"regularization.l2": [0]}})
    watched = new_context()
    with serving(settings) as (url, app):
        storage = app.state.context.storage
        experiment, _ = storage.experiments.create(Submission.of(spec))
        lease = storage.runs.lease_next("w")
        watched.url = url
        page = watched.open(f"/experiments/{experiment}")
        storage.runs.record(lease, 40, 0.1, evaluations(0, 40))
        expect(page.locator("[data-cell='epoch']")).to_have_text("40")
    expect(page.locator("#link")).to_have_text("connection lost, trying again")
    with serving(settings, int(url.rsplit(":", 1)[1])) as (_, app):
        storage = app.state.context.storage
        storage.runs.record(lease, 120, 0.4, evaluations(80, 120))
        expect(page.locator("#link")).to_have_text("live")
        expect(page.locator("[data-cell='epoch']")).to_have_text("120")
        page.wait_for_function(
            "() => document.querySelector('[data-plot=loss]').data[0].x.at(-1) == 120"
        )
        assert points(page, "[data-plot=loss]") == 4
        storage.runs.cancel(lease)
        expect(page.locator("#state")).to_have_text("cancelled")
        page.close()
    lost = [text for text in watched.complaints if "ERR_" in text]
    assert lost == watched.complaints
    watched.complaints.clear()


def evaluations(*epochs):
    base = np.array(epochs)
    return dict.fromkeys(CURVE_COLUMNS, 1 / (1 + base)) | {"epoch": base}


def test_curves_change_axes_smoothing_and_bands(open_page, moons):
    page = open_page(f"/experiments/{moons['id']}")
    page.wait_for_function("() => document.querySelector('[data-plot=loss]').data?.length > 0")
    traces = "document.querySelector('[data-plot=loss]').data"
    # Two groups of two seeds, train and test: a mean and the two edges of a band each.
    assert page.evaluate(f"{traces}.length") == 12
    rough = page.evaluate(f"{traces}[2].y")
    low, high = (page.evaluate(f"{traces}[{k}].y") for k in (0, 1))
    assert all(a <= b <= c for a, b, c in zip(low, rough, high, strict=True))
    page.get_by_label("Smoothing").fill("0.9")
    page.wait_for_function(f"old => {traces}[2].y[5] != old", arg=rough[5])
    smooth = page.evaluate(f"{traces}[2].y")
    assert np.abs(np.diff(smooth)).sum() < np.abs(np.diff(rough)).sum()
    page.get_by_label("Log epochs").check()
    page.wait_for_function(
        "() => document.querySelector('[data-plot=loss]').layout.xaxis.type == 'log'"
    )
    page.locator("[data-control=seeds]").select_option("each")
    page.wait_for_function(f"() => {traces}.length == 8")
    page.get_by_role("button", name="λ₂ = 0.01").click()
    page.wait_for_function(f"() => {traces}.length == 4")
    page.get_by_role("button", name="λ₂ = 0.01").click()
    page.wait_for_function(f"() => {traces}.length == 8")


def test_the_mean_over_seeds_is_that_of_the_curves(open_page, http, moons):
    page = open_page(f"/experiments/{moons['id']}")
    page.wait_for_function("() => document.querySelector('[data-plot=loss]').data?.length > 0")
    trace = page.evaluate("document.querySelector('[data-plot=loss]').data[5]")
    columns = http.get(f"/experiments/{moons['id']}/curves").json()
    ids = [run["id"] for run in moons["runs"][:2]]
    rows = [np.array(columns["test_loss"])[np.array(columns["run_id"]) == run_id] for run_id in ids]
    np.testing.assert_allclose(trace["y"], np.mean(rows, axis=0), rtol=1e-6)
    # Two seeds make no interval: their lines alone are drawn.
    page.locator("[data-control=seeds]").select_option("interval")
    page.wait_for_function("() => document.querySelector('[data-plot=loss]').data.length == 8")


def test_calibration_shows_the_servers_numbers(open_page, http, moons):
    page = open_page(f"/experiments/{moons['id']}#calibration")
    expect(page.locator("#ece tbody tr")).to_have_count(4)
    found = http.get(f"/experiments/{moons['id']}/ece").json()["items"]
    cells = page.locator("#ece tbody tr").first.locator("td")
    assert cells.nth(1).inner_text() == f"{found[0]['ece']:.4f}"
    plot = "document.querySelector('#reliability')"
    page.wait_for_function(f"() => {plot}.data?.length > 0")
    bars = page.evaluate(f"{plot}.data.find((trace) => trace.type == 'bar').y")
    table = http.get(f"/runs/{moons['runs'][0]['id']}/calibration").json()["table"]
    assert bars == [row["count"] for row in table]
    assert sum(bars) == 200
    run = moons["runs"][0]["id"]
    page.wait_for_function("() => document.querySelectorAll('#confusion tbody tr').length == 2")
    cells = [
        int(cell) for cell in page.locator("#confusion td").all_inner_texts() if "%" not in cell
    ]
    rows = http.get(f"/runs/{run}/confusion").json()["matrix"]
    assert cells == [count for row in rows for count in row]
    risk = page.evaluate("document.getElementById('risk-coverage').data[0].y")
    assert risk == http.get(f"/runs/{run}/selective").json()["risk"]
    steps = page.evaluate("document.getElementById('corp').data[3].y")
    assert steps == [step["accuracy"] for step in http.get(f"/runs/{run}/corp").json()["steps"]]
    page.locator("#calibration-run").fill("3")
    expect(page.locator("#calibration output").first).to_have_text("λ₂ = 0.01, seed 1")
    page.get_by_label("Bins").fill("5")
    page.get_by_label("Bins").blur()
    page.wait_for_function(f"() => {plot}.data.find((trace) => trace.type == 'bar').y.length == 5")


def picture(page, selector):
    return page.evaluate(f"document.querySelector('{selector}').toDataURL()")


def test_boundary_moves_over_sweep_and_time(open_page, http, moons):
    page = open_page(f"/experiments/{moons['id']}#boundary")
    expect(page.locator("#boundary-facts dd").first).to_be_visible()
    trained = picture(page, "#boundary-canvas")
    epochs = http.get(f"/runs/{moons['runs'][0]['id']}/boundary").json()["snapshot_epochs"]
    page.locator("#boundary-time").fill("0")
    expect(page.locator("#boundary-time-label output")).to_have_text("epoch 0")
    page.wait_for_function(
        "old => document.querySelector('#boundary-canvas').toDataURL() != old", arg=trained
    )
    assert page.locator("#boundary-time").get_attribute("max") == str(len(epochs) - 1)
    page.locator("#boundary-time").fill(str(len(epochs) - 1))
    expect(page.locator("#boundary-time-label output")).to_have_text("trained")
    page.wait_for_function(
        "old => document.querySelector('#boundary-canvas').toDataURL() == old", arg=trained
    )
    page.locator("#boundary-run").fill("2")
    page.wait_for_function(
        "old => document.querySelector('#boundary-canvas').toDataURL() != old", arg=trained
    )
    page.get_by_role("button", name="Play").click()
    # One of them: on a busy machine the next may come before it is looked at.
    expect(page.locator("#boundary-time-label output")).to_have_text(re.compile(r"epoch \d+"))
    page.get_by_role("button", name="Pause").click()


def test_weights_are_drawn_layer_by_layer(open_page, moons):
    page = open_page(f"/experiments/{moons['id']}#weights")
    expect(page.locator("#matrices figure")).to_have_count(3)
    expect(page.locator("#matrices figcaption").nth(1)).to_contain_text("64 \u00d7 64")
    first = picture(page, "#matrices figure:nth-child(2) canvas")
    page.locator("#weights-run").fill("3")
    page.wait_for_function(
        "old => document.querySelector('#matrices figure:nth-child(2) canvas').toDataURL() != old",
        arg=first,
    )


def test_spectrum_is_linked_to_the_loss(open_page, digits):
    page = open_page(f"/experiments/{digits['id']}#spectrum")
    page.wait_for_function("() => document.querySelector('#spectrum-loss').data?.length == 2")
    page.locator("#spectrum-time").fill("0")
    epoch = page.locator("#spectrum label").nth(1).locator("output").inner_text().split()[1]
    shape = "document.querySelector('#spectrum-loss').layout.shapes.at(-1).x0"
    page.wait_for_function(f"epoch => {shape} == epoch", arg=int(epoch))
    expect(page.locator("#boundary")).to_be_hidden()
    # A click on the loss chooses the nearest time.
    page.evaluate(
        "document.querySelector('#spectrum-loss').emit('plotly_click', {points: [{x: 20}]})"
    )
    page.wait_for_function(f"() => {shape} == 20")


def test_figures_and_spec_can_be_taken_away(open_page, http, moons, server):
    page = open_page(f"/experiments/{moons['id']}#figures")
    names = [row["name"] for row in http.get(f"/experiments/{moons['id']}/figures").json()["items"]]
    expect(page.locator("#figures figure").first).to_be_visible()
    page.locator("#figures figure").first.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('#figures img').naturalWidth > 100")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download .* as SVG")).first.click()
    assert download.value.suggested_filename.removesuffix(".svg") in names
    document = json.loads(page.locator("#panel-json").inner_text())
    again = httpx.post(f"{server}/v1/experiments/estimate", json=document).json()
    assert again["runs"] == 4
    page.get_by_role("tab", name="JSON").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python")).to_be_focused()
    python = page.locator("#panel-python").inner_text()
    scope: dict = {}
    exec(re.search(r"spec = \{.*?\n\n", python, re.S)[0], scope)
    assert scope["spec"] == document
    page.keyboard.press("ArrowRight")
    curl = page.locator("#panel-curl").inner_text()
    assert json.loads(re.search(r"-d '(.*)'", curl, re.S)[1]) == document


def test_name_and_tags_are_changed(new_context, http):
    body = {"preset": "l2", "overrides": {"training.epochs": 2, "sweep": {}}}
    made = http.post("/experiments", json=body).json()
    watched = new_context()
    page = watched.open(f"/experiments/{made['id']}")
    page.get_by_role("button", name="Name and tags").click()
    page.get_by_label("Name", exact=True).fill("Another <b>name</b>")
    page.get_by_label("Tags, separated by commas").fill("x" * 65)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("tag")
    # Chromium itself notes the refused request.
    assert all("422" in text for text in watched.complaints)
    watched.complaints.clear()
    page.get_by_label("Tags, separated by commas").fill("one, two")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("Another <b>name</b>")
    assert http.get(f"/experiments/{made['id']}").json()["tags"] == ["one", "two"]
    page.reload()
    expect(page.locator("h1")).to_have_text("Another <b>name</b>")


def test_a_network_without_probabilities_has_no_calibration(open_page, http):
    squared = {
        "dataset": {"name": "two_moons", "train_size": 40, "test_size": 60},
        "model": {"hidden": [6], "loss": "squared"},
        "optimizer": {"schedule": {"lr": 0.1}},
        "training": {"epochs": 4, "batch_size": 8},
        "probes": {"calibration": None},
    }
    made = http.post("/experiments", json=squared).json()
    page = open_page(f"/experiments/{made['id']}")
    expect(page.locator("#state")).to_have_text("succeeded", timeout=TRAINING_MILLISECONDS)
    expect(page.locator("#calibration")).to_be_hidden()
    expect(page.get_by_role("link", name="Calibration")).to_be_hidden()


def test_the_kept_epoch_is_told_live_and_reloaded(open_page, http):
    stopping = {
        "dataset": {"name": "two_moons", "train_size": 60, "test_size": 60, "noise": 0.4},
        "model": {"hidden": [32]},
        "optimizer": {"name": "adam", "schedule": {"lr": 0.1}},
        "training": {"epochs": 4000, "batch_size": 8},
        "regularization": {"early_stopping": {"patience": 60}},
    }
    made = http.post("/experiments", json=stopping).json()
    page = open_page(f"/experiments/{made['id']}")
    expect(page.locator("#state")).to_have_text("succeeded", timeout=TRAINING_MILLISECONDS)
    expect(page.locator("[data-cell=epoch]")).to_contain_text(" of ")
    # The summary fills it last.
    expect(page.locator("[data-cell=ece]")).not_to_have_text("\u2013")
    live = page.locator("#runs tbody tr").inner_text()
    page.reload()
    expect(page.locator("#runs tbody tr")).to_have_text(live, use_inner_text=True)


QUICK = {"preset": "l2", "overrides": {"name": "Soon deleted", "training.epochs": 20}}


def deleted_while_it_reads(page, made, answer) -> None:
    """Click Delete while the reads of a page wait; they go on once `answer` was given."""
    waiting = []
    answered = {}

    def read(route) -> None:
        if answered:
            route.continue_()
        else:
            waiting.append(route)

    def delete(route) -> None:
        if route.request.method != "DELETE":
            route.continue_()
            return
        answered.update(answer(route))
        for one in waiting:
            one.continue_()
        # Long enough for what was asked for to be answered before the page is left.
        page.wait_for_timeout(500)
        route.fulfill(**answered)

    page.route(re.compile(r"/(boundary|weights|calibration)(\?|$)|\.png"), read)
    page.goto(page.url + f"/{made['id']}")
    page.locator("#figures").scroll_into_view_if_needed()
    expect(page.locator("#figures img").first).to_be_attached()
    page.route(re.compile(f"/v1/experiments/{made['id']}$"), delete)
    page.evaluate("scrollTo(0, 0)")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def test_nothing_is_read_of_what_is_being_deleted(open_page, http):
    made = wait_until_ended(http, http.post("/experiments", json=QUICK).json()["id"])
    page = open_page("/experiments")
    deleted_while_it_reads(page, made, lambda route: {"response": route.fetch()})
    expect(page).to_have_url(re.compile("/experiments$"))
    assert http.get(f"/experiments/{made['id']}").status_code == 404


def test_a_refused_deletion_has_the_page_read_on(new_context, http):
    made = wait_until_ended(http, http.post("/experiments", json=QUICK).json()["id"])
    watched = new_context()
    page = watched.open("/experiments")
    refused = {"status": 409, "json": {"detail": "Runs are running."}}
    deleted_while_it_reads(page, made, lambda _: refused)
    expect(page.get_by_text("Runs are running.")).to_be_visible()
    expect(page.locator("#matrices figure").first).to_be_visible()
    page.locator("#figures").scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('#figures img').naturalWidth > 0")
    assert len(watched.complaints) == 1, "the refusal alone"
    watched.complaints.clear()
