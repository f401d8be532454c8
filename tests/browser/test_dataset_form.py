"""The form of a new experiment and uploaded data."""

from __future__ import annotations

import json

from playwright.sync_api import expect

TABLE = "x,z,y\n" + "".join(f"{at % 7}.5,{at % 5},{'ab'[at % 2]}\n" for at in range(40))


def test_an_uploaded_dataset_is_chosen_by_its_id(new_context, http):
    parts = {"file": ("t.csv", TABLE), "document": (None, json.dumps({"target": "y"}))}
    made = http.post("/datasets", files=parts).json()
    watched = new_context()
    page = watched.open("/experiments/new?preset=l2")
    page.locator("#field-dataset").select_option("uploaded")
    # The service fills in the facts; nothing else of the dataset is hidden.
    expect(page.locator('[data-path="dataset.missing"]')).to_be_visible()
    expect(page.locator('[data-path="dataset.test.size"]')).to_be_visible()
    assert page.locator('[data-toggle="dataset.facts"], [data-path^="dataset.facts"]').count() == 0
    expect(page.locator("#error-dataset\\.id")).to_contain_text("required", ignore_case=True)
    page.locator('[data-path="dataset.id"]').fill(made["id"])
    # A list that is emptied again is all columns, not none.
    page.locator('[data-path="dataset.features"]').fill("x")
    page.locator('[data-path="dataset.features"]').fill("")
    page.locator('[data-path="training.epochs"]').fill("20")
    expect(page.locator("#estimate dl")).to_be_visible()
    page.locator("#submit").click()
    expect(page.locator("h1#name")).to_be_visible()
    # Before it was given, the id was missing.
    assert all("422" in text for text in watched.complaints)
    watched.complaints.clear()
