"""The form of a new experiment and the kinds of optimizers."""

from __future__ import annotations

from playwright.sync_api import expect


def test_a_preset_that_names_no_optimizer_shows_the_settings_of_sgd(open_page):
    page = open_page("/experiments/new?preset=l2")
    expect(page.locator("#field-optimizer")).to_have_value("sgd")
    expect(page.locator('[data-path="optimizer.schedule.lr"]')).to_have_value("0.15")


def test_another_optimizer_keeps_the_schedule(open_page, http):
    page = open_page("/experiments/new?preset=l2")
    page.locator("#field-optimizer").select_option("adam")
    expect(page.locator('[data-path="optimizer.schedule.lr"]')).to_have_value("0.15")
    expect(page.locator("#estimate dl")).to_be_visible()
    page.locator("#field-optimizer").select_option("sgd")
    expect(page.locator('[data-path="optimizer.schedule.tau"]')).to_have_value("50000")
    page.locator("#submit").click()
    expect(page.locator("h1#name")).to_be_visible()
    made = page.url.rsplit("/", 1)[1]
    http.post(f"/experiments/{made}/cancel")


def test_another_schedule_keeps_the_rate_and_shows_its_settings(open_page):
    page = open_page("/experiments/new?preset=l2")
    kind = page.locator('[data-path="optimizer.schedule"]')
    expect(kind).to_have_value("power")
    kind.select_option("cosine")
    expect(page.locator('[data-path="optimizer.schedule.lr"]')).to_have_value("0.15")
    expect(page.locator('[data-path="optimizer.schedule.end"]')).to_have_value("0")
    expect(page.locator('[data-path="optimizer.schedule.tau"]')).to_have_count(0)
    page.locator('[data-toggle="optimizer.sam"] input').check()
    expect(page.locator('[data-path="optimizer.sam.rho"]')).to_have_value("0.05")
    page.locator('[data-path="optimizer.schedule.warmup"]').fill("100")
    expect(page.locator("#estimate dl")).to_be_visible()


def test_a_draft_that_cannot_be_read_is_dropped(open_page):
    page = open_page("/experiments/new?preset=l2")
    page.locator('[data-path="name"]').fill("Kept")
    page.wait_for_function("() => Object.keys(sessionStorage).length > 0")
    page.evaluate(
        """() => { for (const [key, text] of Object.entries(sessionStorage)) {
          const draft = JSON.parse(text);
          draft.document.sweep = { "regularization.l2": 5 };
          sessionStorage.setItem(key, JSON.stringify(draft)); } }"""
    )
    page.reload()
    expect(page.locator("#draft")).to_contain_text("dropped")
    expect(page.locator('[data-path="optimizer.schedule.lr"]')).to_have_value("0.15")
