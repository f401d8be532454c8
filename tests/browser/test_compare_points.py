"""Which sweep points a comparison shows, what their numbers are, and how its address says so."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from reglab.api.web import compare
from reglab.api.web.compare import chosen
from tests.harness.inline import SMALL, Inline
from tests.harness.serving import serving

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def inline(tmp_path_factory):
    return Inline(tmp_path_factory.mktemp("compare"))


@pytest.fixture(scope="module")
def swept(inline):
    """Two sweep points of three seeds."""
    sweep = {"sweep": {"regularization.l2": [0, 0.01]}, "seeds": [0, 1, 2]}
    return inline.finished({"name": "Swept", **SMALL, **sweep})


@pytest.fixture(scope="module")
def plain(inline):
    return inline.finished({"name": "Plain", **SMALL})


def indexes(choice):
    return [[run.index for run in point.runs] for point in choice.points]


def test_seeds_of_a_point_are_one_group_with_their_mean(inline, swept):
    choice = chosen(inline.storage, [], [swept["id"]])
    assert [point.label for point in choice.points] == ["λ₂ = 0", "λ₂ = 0.01"]
    losses = [run["summary"]["final"]["test_loss"] for run in swept["runs"][:3]]
    mean = choice.points[0].mean("final", "test_loss")
    assert mean.value == pytest.approx(np.mean(losses))
    # Student's quantile for two degrees of freedom.
    assert mean.half == pytest.approx(4.3027 * np.std(losses, ddof=1) / 3**0.5, rel=1e-4)
    two = chosen(inline.storage, [], [f"{swept['id']}:0-1"]).points[0]
    assert two.mean("final", "test_loss").half is None
    assert two.mean("no", "such").value is None


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ("", [[0, 1, 2], [3, 4, 5]]),
        (":0-5", [[0, 1, 2], [3, 4, 5]]),
        (":1,4", [[1], [4]]),
        (":4-999999999", [[4, 5]]),
    ],
)
def test_an_address_names_runs_by_index(inline, swept, part, wanted):
    assert indexes(chosen(inline.storage, [], [swept["id"] + part])) == wanted


@pytest.mark.parametrize("part", [":", ":x", ":7", ":1-", ":1,,2", ":-1", "::1"])
def test_an_address_that_leads_nowhere_is_told(inline, swept, part):
    text = swept["id"] + part
    choice = chosen(inline.storage, [], [text])
    assert (choice.points, choice.missing) == ([], [text])
    reply = inline.http.get("/compare", params={"experiment": text}, headers=HTML)
    assert reply.status_code == 200
    assert "Not found, perhaps deleted" in reply.text


def test_runs_named_twice_stand_once_and_points_beyond_the_limit_are_told(
    inline, swept, plain, monkeypatch
):
    ids = [run["id"] for run in swept["runs"]]
    twice = chosen(inline.storage, [plain["runs"][0]["id"], ids[4]], [swept["id"], plain["id"]])
    assert indexes(twice) == [[0], [0, 1, 2], [3, 4, 5]]
    few = chosen(inline.storage, [], [swept["id"]], most_points=1)
    assert (len(few.points), few.left_out) == (1, 3)
    short = chosen(inline.storage, [], [swept["id"]], most_runs=4)
    assert (len(short.points), short.left_out) == (1, 3)
    monkeypatch.setattr(compare.chosen, "__defaults__", (1, 400))
    text = inline.http.get("/compare", params={"experiment": swept["id"]}, headers=HTML).text
    assert "3 runs are left out: at most" in text


def test_an_experiment_without_sweep_goes_by_its_name(inline, swept, plain):
    choice = chosen(inline.storage, [], [swept["id"], plain["id"]])
    assert [point.label for point in choice.points] == ["λ₂ = 0", "λ₂ = 0.01", "Plain"]


def test_parts_for_the_module_count_sweep_points(inline, swept):
    found = inline.http.get("/compare/found", params={"q": "Swept"}).text
    assert f'data-experiment="{swept["id"]}" data-points="2" data-runs="6"' in found
    assert "2 sweep points, 6 runs" in found
    points = inline.http.get("/compare/points", params={"experiment": swept["id"]}).text
    assert re.findall(r'data-indexes="([^"]*)"', points) == ["0,1,2", "3,4,5"]


def test_sweep_points_are_picked_and_the_address_is_short(new_context, inline, swept, plain):
    watched = new_context()
    with serving(inline.settings) as (url, _):
        watched.url = url
        page = watched.open(f"/experiments/{swept['id']}")
        for box in page.locator("#runs input[name=run]").all():
            box.check()
        page.get_by_role("button", name="Compare selected").click()
        expect(page).to_have_url(f"{url}/compare?experiment={swept['id']}")
        expect(page.locator("#metrics tbody tr")).to_have_count(2)
        expect(page.locator("#metrics tbody svg.swatch")).to_have_count(2)
        page.locator("[data-remove='1']").click()
        expect(page).to_have_url(f"{url}/compare?experiment={swept['id']}:0-2")
        page.get_by_label("Search experiments by name").fill("Swept")
        expect(page.locator("#found li")).to_have_count(1)
        page.get_by_role("button", name="Pick sweep points").click()
        boxes = page.locator("#found input")
        expect(boxes.nth(0)).to_be_checked()
        expect(boxes.nth(1)).not_to_be_checked()
        expect(page.locator("[data-count]")).to_have_text("1 of at most 40 sweep points")
        boxes.nth(0).uncheck()
        boxes.nth(1).check()
        page.get_by_role("button", name="Compare these").click()
        expect(page).to_have_url(f"{url}/compare?experiment={swept['id']}:3-5")
        page.get_by_label("Search experiments by name").fill("Plain")
        expect(page.locator("#found li")).to_have_count(1)
        page.get_by_role("button", name="Add all").click()
        expect(page.locator("#metrics tbody tr")).to_have_count(2)
        # Seeds are averaged: three seeds make a band and its mean, one a line; train and test.
        page.wait_for_function("() => document.querySelector('[data-plot=loss]').data?.length == 8")
        expect(page.locator("[data-legend] .section")).to_have_text(["Swept", "Plain"])
        page.close()


def test_what_would_be_too_much_is_told_before_the_click(new_context, inline):
    values = [round(0.0001 * k, 4) for k in range(41)]
    document = {"name": "Many points", **SMALL, "sweep": {"regularization.l2": values}}
    made = inline.submit(document)
    watched = new_context()
    with serving(inline.settings) as (url, _):
        watched.url = url
        page = watched.open("/compare")
        page.get_by_label("Search experiments by name").fill("Many points")
        expect(page.locator("#found li")).to_have_count(1)
        expect(page.get_by_role("button", name="Add all")).to_be_disabled()
        expect(page.locator("[data-why]")).to_have_text(
            "41 sweep points would be more than 40: pick some."
        )
        page.close()
    inline.http.post(f"/v1/experiments/{made['id']}/cancel")


def test_arms_are_tested_on_the_page(new_context, inline, swept):
    watched = new_context()
    with serving(inline.settings) as (url, _):
        watched.url = url
        page = watched.open(f"/compare?experiment={swept['id']}")
        page.locator("#arms-metric").select_option("test_loss")
        page.locator("#arms-baseline").select_option(label="λ₂ = 0")
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.locator("#arms-rows tr")).to_have_count(2)
        query = {"ids": swept["id"], "metric": "test_loss", "baseline": f"{swept['id']}:0"}
        (row,) = inline.http.get("/v1/compare", params=query).json()["comparisons"]
        cells = page.locator("#arms-pairs td").all_inner_texts()
        assert float(cells[1]) == pytest.approx(row["difference"], rel=1e-3)
        assert float(cells[4]) == pytest.approx(row["p_adjusted"], rel=0.1)
        assert cells[-1].startswith(row["decision"])
        picture = page.locator("#arms-figures img")
        expect(picture).to_have_attribute("alt", row["text"])
        picture.scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('#arms-figures img').naturalWidth > 0")
        expect(page.locator("#arms-note")).to_contain_text("Seeds vary initialization")
        expect(page).to_have_url(re.compile("metric=test_loss.*baseline="))
        # The address holds what was asked.
        page.reload()
        expect(page.locator("#arms-rows tr")).to_have_count(2)
        expect(page.locator("#arms-metric")).to_have_value("test_loss")
        # So it stays when a sweep point is removed, whose experiment has another.
        page.locator("#metrics [data-remove]").last.click()
        expect(page).to_have_url(re.compile("compare.experiment=.*&metric=test_loss"))
        page.close()
