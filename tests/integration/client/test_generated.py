"""The OpenAPI document yields a working client with a public generator."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import httpx
import pytest

# The generator knows files by one type alone.
FILES = ("application/zip", "image/png", "text/csv; charset=utf-8")


@pytest.fixture(scope="module")
def generated(server, tmp_path_factory):
    """The package that openapi-python-client makes from the live server's document."""
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    document.write_bytes(httpx.get(f"{server}/openapi.json").content)
    config = folder / "config.json"
    settings = {
        "post_hooks": [],
        "package_name_override": "made_client",
        "content_type_overrides": dict.fromkeys(FILES, "application/octet-stream"),
    }
    config.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", str(document), "--config", str(config)]
    command += ["--output-path", str(folder / "made_client"), "--fail-on-warning"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module
    sys.path.remove(str(folder))


@pytest.mark.slow
def test_generated_client_works(generated, server, finished):
    client = generated("made_client").Client(base_url=server, raise_on_unexpected_status=True)

    def call(tag, name):
        return generated(f"made_client.api.{tag}.{name}").sync

    experiment = call("experiments", "get_experiment")(finished, client=client)
    assert experiment.state == "succeeded"
    page = call("experiments", "list_experiments")(client=client, tag="tests", limit=500)
    assert finished in [item.id for item in page.items]
    table = call("results", "get_ece")(finished, client=client)
    ours = httpx.get(f"{server}/v1/experiments/{finished}/ece").json()
    assert [row.ece for row in table.items] == [row["ece"] for row in ours["items"]]
    run = experiment.runs[0].id
    calibration = call("runs", "get_calibration")(run, client=client, bins=5)
    assert sum(row.count for row in calibration.table) == 60
    request = generated("made_client.models").PredictRequest(inputs=[[0.0, 1.0]])
    prediction = call("runs", "predict")(run, client=client, body=request)
    assert sum(prediction.probabilities[0]) == pytest.approx(1)
    body = generated("made_client.models").PresetRequest.from_dict(
        {"preset": "l2", "overrides": {"training.epochs": 1, "sweep": {}}}
    )
    made = call("experiments", "submit_experiment")(client=client, body=body)
    assert made.preset == "l2"
    assert len(made.runs) == 1
    assert {row.name for row in call("datasets", "list_datasets")(client=client).items} >= {
        "digits"
    }
