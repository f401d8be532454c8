"""Anchors, pages without scripts, axes and notes of curves, drafts of the form, both nets kept."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.storage import Submission
from tests.harness.serving import serving, settings_in

LOSS = "document.querySelector('[data-plot=loss]')"


TOP = "document.querySelector('#{}').getBoundingClientRect().top"


@pytest.mark.parametrize("part", ["figures", "spec"])
def test_links_to_parts_lead_there_although_parts_above_grow(open_page, moons, part):
    page = open_page(f"/experiments/{moons['id']}")
    page.locator(f".jump a[href='#{part}']").click()
    expect(page.locator("#figures img").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    # The last part may be too short to reach the top of the window.
    page.wait_for_function(
        f"""() => ({TOP.format(part)} >= 0 && {TOP.format(part)} < 130)
            || document.documentElement.scrollHeight - innerHeight - scrollY < 2"""
    )
    page.mouse.wheel(0, -2500)
    page.wait_for_function(f"() => {TOP.format(part)} > 500")
    page.wait_for_timeout(300)
    assert page.evaluate(TOP.format(part)) > 500, "whoever scrolls away is pulled back"


def test_without_scripts_no_part_waits_for_one(new_context, moons):
    page = new_context(java_script_enabled=False).open(f"/experiments/{moons['id']}")
    expect(page.locator("#runs tbody tr")).to_have_count(4)
    expect(page.get_by_text(re.compile("Available when a run has finished"))).to_have_count(5)
    for waiting in page.get_by_text(re.compile("Available when a run has finished")).all():
        expect(waiting).to_be_hidden()
    for part in page.locator(".jump a").all():
        target = page.locator(part.get_attribute("href"))
        assert part.is_visible() == target.is_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    expect(page.get_by_role("button", name="Compare selected")).to_be_enabled()


def test_epoch_zero_is_called_zero_on_a_logarithmic_axis(open_page, moons):
    page = open_page(f"/experiments/{moons['id']}")
    page.wait_for_function(f"() => {LOSS}.data?.length > 0")
    page.get_by_label("Log epochs").check()
    page.wait_for_function(f"() => {LOSS}.layout.xaxis.type == 'log'")
    ticks = page.locator("[data-plot=loss] .xaxislayer-above .xtick text")
    expect(ticks.first).to_have_text("0")
    assert "0.5" not in ticks.all_inner_texts()


def test_the_spectrum_has_one_font_and_a_key_of_its_times(open_page, digits):
    page = open_page(f"/experiments/{digits['id']}#spectrum")
    page.wait_for_function("() => document.querySelector('#spectrum-loss').data?.length == 2")
    fonts = [
        page.evaluate(f"document.querySelector('#{plot}').layout.font")
        for plot in ("spectrum-plot", "spectrum-loss")
    ]
    assert fonts[0] == fonts[1]
    expect(page.locator("#spectrum-last")).to_have_text("20")


def test_failed_and_diverged_runs_are_told_and_leave_the_axis_to_the_others(new_context, tmp_path):
    settings = settings_in(tmp_path)
    spec = build("l2", {"sweep": {"optimizer.schedule.lr": [0.1, 10, 100]}})
    watched = new_context()
    with serving(settings) as (url, app):
        storage = app.state.context.storage
        experiment, _ = storage.experiments.create(Submission.of(spec))
        epochs = np.arange(0, 100, 10)
        for losses in (np.linspace(0.7, 0.2, 10), np.geomspace(0.7, 2.6e9, 10)):
            lease = storage.runs.lease_next("w")
            columns = dict.fromkeys(CURVE_COLUMNS, losses) | {"epoch": epochs}
            storage.runs.record(lease, 90, 0.1, columns)
        lease = storage.runs.lease_next("w")
        error = {"type": "TrainingDivergedError", "detail": "Infinite.", "remedy": "Lower lr."}
        storage.runs.fail(lease, error, False)
        watched.url = url
        page = watched.open(f"/experiments/{experiment}")
        page.wait_for_function(f"() => {LOSS}.data?.length >= 2")
        assert page.evaluate(f"{LOSS}.layout.yaxis.range[1]") == pytest.approx(np.log10(7))
        chips = page.locator("[data-legend] button .wrong")
        expect(chips).to_have_text(["", re.compile("diverged, loss up to 2.6e"), "failed"])
        page.close()


def test_a_change_of_preset_keeps_edits_and_a_reload_the_draft(open_page):
    page = open_page("/experiments/new")
    expect(page.locator("#estimate dd").first).to_have_text("9")
    page.get_by_role("textbox", name="Name").first.fill("my lesson")
    page.get_by_label("Epochs *").fill("123")
    page.get_by_role("radio", name="Label smoothing").check()
    expect(page.get_by_role("textbox", name="Name").first).to_have_value("my lesson")
    expect(page.get_by_label("Epochs *")).to_have_value("123")
    expect(page.locator("#draft")).to_contain_text("Your changes are kept.")
    # Written once the estimate of it is asked for.
    page.wait_for_function("() => Object.values({...sessionStorage}).join().includes('my lesson')")
    page.reload()
    expect(page.get_by_role("radio", name="Label smoothing")).to_be_checked()
    expect(page.get_by_role("textbox", name="Name").first).to_have_value("my lesson")
    expect(page.get_by_label("Epochs *")).to_have_value("123")
    page.get_by_role("button", name="Start anew").click()
    expect(page.get_by_label("Epochs *")).to_have_value("250")
    expect(page.locator("#draft")).to_be_hidden()


def test_edits_without_a_place_in_the_other_preset_are_named(open_page):
    page = open_page("/experiments/new?preset=l2")
    page.locator("[id='field-dataset.noise']").fill("0.3")
    page.get_by_role("radio", name="Label smoothing").check()
    expect(page.locator("#draft")).to_contain_text("dataset.noise")


def test_a_swept_field_shows_what_it_is_swept_over(open_page):
    page = open_page("/experiments/new?preset=l2")
    field = page.locator("[id='field-regularization.l2']")
    expect(field).to_be_disabled()
    expect(page.locator("[id='hint-regularization.l2']")).to_contain_text("Swept: 0, 0.0025")
    page.get_by_label("Values, separated by commas").fill("0, 1e-3")
    expect(page.locator("[id='hint-regularization.l2']")).to_contain_text("Swept: 0, 0.001.")
    page.get_by_role("button", name="Remove").click()
    expect(field).to_be_enabled()
    # Set first and swept then: the sweep has the say.
    field.fill("0.05")
    page.get_by_role("button", name="Add a field to sweep").click()
    page.get_by_label("Values, separated by commas").fill("0, 0.01")
    expect(field).to_be_disabled()
    expect(page.locator("#estimate dd").first).to_have_text("2")
    expect(page.locator("#problems")).to_be_empty()


def test_the_playground_keeps_both_nets_in_colours_of_their_own(open_page, http):
    page = open_page("/playground")
    page.wait_for_function("() => document.querySelector('#loss').data?.length == 4")
    lines = page.evaluate("document.querySelector('#loss').data.map((one) => one.line.color)")
    classes = page.evaluate("JSON.parse(document.querySelector('#palettes').textContent).classes")
    assert len(set(lines)) == 2
    assert not set(lines) & set(classes)
    expect(page.locator("#key")).to_contain_text("class 0")
    page.get_by_label("Dropout").fill("0.2")
    expect(page.locator("#keep")).to_have_text("Run as experiment (4 runs)")
    page.get_by_label("Dropout").fill("0")
    page.locator("#keep").click()
    expect(page).to_have_url(re.compile(r"/experiments/[0-9a-f-]{36}$"))
    made = http.get("/experiments/" + page.url.rsplit("/", 1)[1]).json()
    assert [run["params"] for run in made["runs"]] == [
        {"regularization.l2": 0.0},
        {"regularization.l2": 0.005},
    ]
    http.post(f"/experiments/{made['id']}/cancel")


def estimated(page):
    """Waits for the estimate that what is done in its block asks for."""
    return page.expect_response("**/v1/experiments/estimate")


def test_parts_of_a_preset_can_be_turned_off_and_on(open_page):
    page = open_page("/experiments/new?preset=l2")
    runs = page.locator("#estimate dd").first
    expect(runs).to_have_text("9")
    for box in ("Use boundary", "Use calibration", "Use weights"):
        with estimated(page):
            page.get_by_label(box, exact=True).uncheck()
        expect(runs).to_have_text("9")
    assert page.locator("#problems").inner_text() == ""
    with estimated(page):
        page.get_by_label("Use boundary", exact=True).check()
    expect(runs).to_have_text("9")
    assert page.locator("#problems").inner_text() == ""
    # Another dataset has no plane: once the part is off it can be run.
    with estimated(page):
        page.get_by_label("Use boundary", exact=True).uncheck()
    with estimated(page):
        page.locator("#field-dataset").select_option("digits")
    expect(runs).to_have_text("9")


def test_a_draft_is_there_after_a_reload(open_page):
    page = open_page("/experiments/new?preset=l2")
    expect(page.locator("#estimate dd").first).to_have_text("9")
    with estimated(page):
        page.get_by_role("textbox", name="Name").fill("abc")
    page.reload()
    expect(page.locator("#estimate dd").first).to_have_text("9")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("abc")
    assert page.locator("#problems").inner_text() == ""


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("5", [0, 1, 2, 3, 4]), ("3-5", [3, 4, 5]), ("7-7", [7]), ("0, 4, 8-9", [0, 4, 8, 9])],
)
def test_seeds_are_written_as_on_the_command_line(open_page, text, seeds):
    page = open_page("/experiments/new?preset=l2")
    page.get_by_label("Seeds").first.fill(text)
    expect(page.locator("#estimate dd").first).to_have_text(str(9 * len(seeds)))
    with page.expect_request("**/v1/experiments/estimate") as sent:
        page.get_by_role("textbox", name="Name").fill("x")
    assert sent.value.post_data_json["overrides"]["seeds"] == seeds
