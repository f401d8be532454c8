"""The article over a live server, and the report as one file."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from typer.testing import CliRunner

from reglab.client import Client
from reglab.client.claims import Robustness
from reglab.client.cli import app
from reglab.client.reproduce import reproduce
from reglab.client.tables import Listing
from reglab.core.engine import ENGINE_VERSION
from reglab.core.presets.choices import CHOICES
from tests.integration.client.conftest import SMALL


@pytest.mark.slow
def test_reproduce_on_a_server_that_answers(server, tmp_path, monkeypatch):
    monkeypatch.setenv("REGLAB_URL", server)
    arguments = ["reproduce", "-o", str(tmp_path), "--epochs-scale", "0.004", "--seeds", "2"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert len(made["figures"]) == 33
    assert list(made["experiments"])[1] == "l2"
    assert not (tmp_path / "service").exists()
    (control,) = made["controls"]
    found = httpx.get(f"{server}/v1/experiments/{control}").json()
    assert found["spec"]["dataset"]["label_noise"] == 1
    assert (found["preset"], found["tags"]) == ("early-stopping", ["control"])
    experiment = httpx.get(f"{server}/v1/experiments/{made['experiments']['dropout']}").json()
    assert [run["seed"] for run in experiment["runs"]] == [0, 1, 0, 1]
    report = (tmp_path / "report.html").read_text()
    assert report.count("<img") == 11
    assert json.loads((tmp_path / "claims.json").read_text())
    claims = (tmp_path / "claims.md").read_text()
    assert claims.startswith("Of ")
    assert f"engine version {ENGINE_VERSION}" in claims.splitlines()[-1]
    assert "Epochs are not those of the presets: " in report
    told = json.loads((tmp_path / "claims.json").read_text())
    assert told["varied"].endswith("the test examples of some datasets stay.")
    assert told["made_by"] in claims
    assert "#robustness" not in report
    measured = [row for row in told["items"] if row["value"] is not None]
    assert len(measured) > 20
    for row in measured:
        assert row["seeds"] == 2
        assert f"{row['value']:.4g}" in report
    shuffled = [row for row in measured if row["control"]["text"] == "labels shuffled"]
    assert len(shuffled) >= 3
    assert all(row["control"]["seeds"] == 2 for row in shuffled if row["control"]["value"])
    assert any(row["control"]["value"] is not None for row in shuffled)


class Augmentation(Client):
    """A client that knows one preset only."""

    def presets(self):
        return Listing([one for one in super().presets() if one.name == "augmentation"])


@pytest.mark.slow
def test_claims_hang_on_choices_where_verdicts_differ(server, tmp_path):
    choices = [choice.name for choice in CHOICES if "augmentation" in choice.changes]
    with Augmentation(server) as client:
        made = reproduce(client, tmp_path, (0, 1), 0.02, robust=True)
    assert list(made.choices) == choices
    found = Robustness.model_validate_json((tmp_path / "robustness.json").read_text())
    assert [choice.name for choice in found.choices] == ["printed", *choices]
    assert [choice.experiments for choice in found.choices] == [
        [made.experiments["augmentation"]],
        *made.choices.values(),
    ]
    printed = json.loads((tmp_path / "claims.json").read_text())["items"]
    own = {row["id"]: row for row in printed if row["value"] is not None}
    assert {row.claim for row in found.items} <= set(own)
    gain = next(row for row in found.items if row.claim == "augmentation-test-accuracy")
    assert [each.choice for each in gain.verdicts] == ["printed", *choices]
    assert gain.verdicts[0].value == own[gain.claim]["value"]
    assert len({each.value for each in gain.verdicts}) > 4, "each choice trains its own networks"
    report = made.report.read_text()
    table = report[report.index('id="robustness"') :]
    assert table.count("<th><code>") == 1 + len(choices)
    assert report.count('id="fig01-augmentation"') == 1
    assert f"{gain.verdicts[-1].value:.3g} [" in table


def test_report_of_other_experiments(client, resolve, finished, tmp_path):
    path = resolve(client.report(finished, path=tmp_path / "report.html"))
    text = path.read_text()
    assert 'id="curves"' in text
    assert "1 experiment," in text
    # One file: it asks for nothing.
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)


def test_report_of_a_preset_shows_its_figures(client, resolve, tmp_path):
    few = {"training.epochs": 2, "sweep": {"regularization.l2": [0, 0.01]}}
    made = resolve(client.submit("l2", {**few, "name": "<b>bold</b>"}))
    resolve(made.wait(timeout=240, progress=False))
    other = resolve(client.submit(SMALL))
    text = resolve(client.report(made, other, path=tmp_path / "r.html")).read_text()
    assert 'id="fig02-l2-boundaries"' in text
    assert "'l2' 2 of 10000" in text.replace("&#39;", "'")
    assert "<b>bold</b>" not in text


def test_report_needs_experiments(server):
    assert httpx.get(f"{server}/v1/report").status_code == 422
    unknown = {"experiment": "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"}
    assert httpx.get(f"{server}/v1/report", params=unknown).status_code == 404
    assert httpx.get(f"{server}/v1/report", params={"experiment": "x"}).status_code == 404
