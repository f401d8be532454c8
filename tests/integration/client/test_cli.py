"""The command line against a live server: each command, its JSON, its exit code."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys

import httpx
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from reglab.client.cli import app
from reglab.client.cli.output import sparkline
from tests.harness.servers import free_port
from tests.integration.client.conftest import SMALL

UNKNOWN = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"


@pytest.fixture
def reglab(server, monkeypatch):
    """Runs a command; checks its exit code, and that no traceback is shown."""
    monkeypatch.setenv("REGLAB_URL", server)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, code=0, **options):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], **options)
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done

    return run


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SMALL))
    return path


def test_submit_waits_and_prints_json(reglab, spec):
    changes = ["--set", "training.epochs=3", "--set", "name=from the shell", "--seeds", "1-2"]
    done = reglab("submit", spec, *changes, "--tag", "cli", "--wait", "--json")
    made = json.loads(done.stdout)
    assert (made["name"], made["state"], made["tags"]) == ("from the shell", "succeeded", ["cli"])
    assert [run["seed"] for run in made["runs"]] == [1, 2, 1, 2]
    assert made["spec"]["training"]["epochs"] == 3


def test_submit_reads_toml_stdin_and_presets(reglab, tmp_path):
    toml = tmp_path / "spec.toml"
    toml.write_text(
        'name = "toml"\ntraining = {epochs = 1, batch_size = 8}\n'
        '[dataset]\nname = "two_moons"\ntrain_size = 20\n[optimizer.schedule]\nlr = 0.1\n'
    )
    assert json.loads(reglab("submit", toml, "--json").stdout)["name"] == "toml"
    document = json.dumps({**SMALL, "name": "piped"})
    assert json.loads(reglab("submit", "-", "--json", input=document).stdout)["name"] == "piped"
    few = ["--set", "training.epochs=1", "--set", 'sweep={"regularization.l2": [0]}']
    assert json.loads(reglab("submit", "l2", *few, "--json").stdout)["preset"] == "l2"


def test_dry_run_submits_nothing(reglab, spec):
    before = [item["id"] for item in json.loads(reglab("list", "--json").stdout)]
    found = json.loads(reglab("submit", spec, "--dry-run", "--json").stdout)
    assert found["runs"] == 2
    assert "2 runs" in reglab("submit", spec, "--dry-run").stdout
    assert [item["id"] for item in json.loads(reglab("list", "--json").stdout)] == before


def test_list_and_show(reglab, finished):
    listed = json.loads(reglab("list", "--tag", "tests", "--json", "--limit", 500).stdout)
    assert finished in [item["id"] for item in listed]
    assert "small moons" in reglab("list", "--state", "succeeded", "--limit", 500).stdout
    assert json.loads(reglab("show", finished, "--json").stdout)["id"] == finished
    shown = reglab("show", finished[-12:]).stdout
    assert "regularization.l2" in shown
    assert finished in shown
    assert reglab("show", "last").stdout


def test_watch(reglab, spec):
    made = json.loads(reglab("submit", spec, "--json").stdout)["id"]
    shown = reglab("watch", made).stdout
    assert "l2=0.01" in shown
    assert "succeeded" in shown
    lines = reglab("watch", made, "--json").stdout.splitlines()
    assert json.loads(lines[-1])["state"] == "succeeded"


def test_curves(reglab, finished, server, tmp_path):
    wanted = httpx.get(f"{server}/v1/experiments/{finished}/curves").json()
    table = json.loads(reglab("curves", finished, "--json").stdout)
    assert table["test_loss"] == wanted["test_loss"]
    assert "█" in reglab("curves", finished, "--metrics", "test_loss").stdout
    reglab("curves", finished, "-o", tmp_path / "c.parquet")
    stored = pyarrow.parquet.read_table(tmp_path / "c.parquet")
    assert stored["test_loss"].to_pylist() == wanted["test_loss"]
    reglab("curves", finished, "-o", tmp_path / "c.txt", code=4)


def test_ece(reglab, finished, tmp_path):
    rows = json.loads(reglab("ece", finished, "--bins", 7, "--json").stdout)
    assert [row["regularization.l2"] for row in rows] == [0, 0.01]
    assert "7 quantile bins" in reglab("ece", finished, "--bins", 7).stdout
    reglab("ece", finished, "-o", tmp_path / "e.csv")
    assert len(list(csv.DictReader((tmp_path / "e.csv").open()))) == 2


def test_the_table_of_errors_shows_what_chance_gives(reglab, finished):
    row = json.loads(reglab("ece", finished, "--json").stdout)[0]
    shown = reglab("ece", finished, "--columns", "by chance").stdout
    assert f"{row['ece_floor']:.4g}"[:5] in shown


def test_confusion(reglab, finished):
    told = json.loads(reglab("confusion", finished, "--run", 1, "--json").stdout)
    assert sum(map(sum, told["matrix"])) == 60
    shown = reglab("confusion", finished, "--run", 1).stdout
    assert "as 1" in shown
    assert "balanced accuracy" in shown
    assert "use 0 to 1" in reglab("confusion", finished, "--run", 7, code=2).stderr


def test_claims(reglab, finished):
    assert json.loads(reglab("claims", finished, "--json").stdout)
    assert reglab("claims", finished).stdout


def test_figure(reglab, finished, tmp_path):
    assert "curves" in reglab("figure", finished).stdout
    assert json.loads(reglab("figure", finished, "--json").stdout)
    reglab("figure", finished, "curves", "-o", tmp_path / "c.svg", "--theme", "dark")
    assert "<svg" in (tmp_path / "c.svg").read_text()
    saved = json.loads(
        reglab("figure", finished, "all", "--with", finished, "-o", tmp_path / "f", "--json").stdout
    )
    assert str(tmp_path / "f" / "curves.png") in saved
    reglab("figure", finished, "nonsense", code=6)


def test_compare(reglab, finished, tmp_path):
    found = json.loads(reglab("compare", finished, finished, "--json").stdout)
    assert found["differences"] == {}
    assert len(found["runs"]) == 4
    reglab("compare", finished, finished, "-o", tmp_path / "runs.csv")
    rows = list(csv.DictReader((tmp_path / "runs.csv").open()))
    assert float(rows[0]["test_loss"]) == found["runs"][0]["test_loss"]
    assert "Runs" in reglab("compare", finished).stdout


def test_compare_arms(reglab, finished, tmp_path):
    text = reglab("compare", finished, "--metric", "test_loss").stdout
    assert "Too few pairs of equal seeds: 1 of at least 3." in text
    asked = ("compare", f"{finished}:0", f"{finished[-8:]}:1", "--baseline", f"{finished}:1")
    found = json.loads(reglab(*asked, "--json").stdout)
    assert [arm["id"] for arm in found["arms"]] == [f"{finished}:0", f"{finished}:1"]
    assert found["comparisons"][0]["b"] == found["arms"][0]["arm"]
    reglab(*asked, "-o", tmp_path / "arms.tex")
    assert r"\bottomrule" in (tmp_path / "arms.tex").read_text()
    assert "metric" in reglab("compare", finished, "--metric", "x", code=4).stderr


def test_cancel_retry_delete(reglab, spec):
    long = ["--set", "training.epochs=900000", "--set", "training.eval_every=1000"]
    made = json.loads(reglab("submit", spec, *long, "--json").stdout)["id"]
    reglab("submit", spec, *long, "--key", f"again-{made}", "--wait-timeout", 0.2, code=7)
    assert made in reglab("cancel", made).stdout
    reglab("watch", made, code=1)
    assert json.loads(reglab("retry", made, "--json").stdout)["counts"]
    reglab("cancel", made)
    reglab("cancel", "last")
    reglab("watch", made, code=1)
    reglab("delete", made, input="n\n", code=1)
    reglab("delete", made, "--yes")
    reglab("show", made, code=6)


def test_export_and_import(reglab, spec, tmp_path):
    made = json.loads(reglab("submit", spec, "--wait", "--json").stdout)["id"]
    told = json.loads(reglab("export", made, "-o", tmp_path, "--json").stdout)
    assert told["path"] == str(tmp_path / f"reglab-{made}.zip")
    reglab("import", told["path"], code=4)
    reglab("delete", made, "--yes")
    assert made in reglab("import", told["path"]).stdout
    assert json.loads(reglab("ece", made, "--json").stdout)


def test_catalog(reglab):
    assert [row["name"] for row in json.loads(reglab("presets", "--json").stdout)][1] == "l2"
    assert json.loads(reglab("presets", "l2").stdout)["training"]["epochs"] == 10_000
    assert "l2" in reglab("presets").stdout
    reglab("presets", "l3", code=4)
    assert "digits" in reglab("datasets").stdout
    assert json.loads(reglab("datasets", "--json").stdout)
    assert json.loads(reglab("schema").stdout)["title"] == "ExperimentSpec"


def test_datasets(reglab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "--target germinated" in reglab("datasets", "demo").stdout
    # An option makes it another dataset than that of others who try the demo.
    added = ["demo.csv", "--target", "germinated", "--separator", ",", "--tag", "try"]
    told = reglab("datasets", "add", *added).stdout
    identifier = told.split()[0]
    assert "yes (207)" in told
    assert "seed_id" in told
    shown = json.loads(reglab("datasets", "show", identifier, "--json").stdout)
    assert shown["n"] == 500
    assert "germinated" in reglab("datasets", "preview", identifier).stdout
    listed = json.loads(reglab("datasets", "list", "--uploaded", "--tag", "try", "--json").stdout)
    assert [row["id"] for row in listed] == [identifier]
    assert "digits" in reglab("datasets", "list").stdout
    reglab("datasets", "add", os.devnull, code=4)
    reglab("datasets", "delete", identifier)
    reglab("datasets", "show", identifier, code=6)


def test_doctor(reglab, monkeypatch):
    checks = {check["name"]: check for check in json.loads(reglab("doctor", "--json").stdout)}
    for name in ("server", "database", "broker", "worker", "data: digits", "threads"):
        assert checks[name]["state"] == "ok", checks[name]
    assert "reglab" in reglab("doctor").stdout
    monkeypatch.setenv("REGLAB_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("REGLAB_DOWNLOAD", "0")
    checks = json.loads(reglab("doctor", "--json", code=1).stdout)
    states = {check["name"]: check["state"] for check in checks}
    assert states["server"] == "fault"
    assert states["local broker"] == states["local threads"] == "ok"
    assert all(check["remedy"] or check["state"] != "fault" for check in checks)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", UNKNOWN], 6, "no experiment"),
        (["show", "zz"], 6, "reglab list"),
        (["submit", "drop-out"], 4, "Did you mean"),
        (["submit", "l2", "--set", "training.epohcs=1"], 4, "training.epohcs"),
        (["submit", "l2", "--set", "nonsense"], 2, "PATH=VALUE"),
        (["submit", "l2", "--seeds", "a"], 2, "0-9"),
        (["submit", "missing.json"], 4, "missing.json"),
        (["frobnicate"], 2, "frobnicate"),
        (["--url", "nonsense", "list"], 4, "address"),
        (["--url", "http://127.0.0.1:9", "list"], 3, "reglab serve"),
        (["import", "missing.zip"], 4, "missing.zip"),
    ],
)
def test_errors(reglab, arguments, code, said):
    done = reglab(*arguments, code=code)
    assert said in done.stderr
    assert not done.stdout


def test_errors_as_json(reglab):
    done = reglab("submit", "l2", "--set", "training.epochs=0", "--json", code=4)
    told = json.loads(done.stderr)
    assert (told["error"], told["status"]) == ("InvalidRequestError", 422)
    assert told["errors"][0]["field"] == "training.epochs"


def test_a_mistake_of_ours_shows_no_traceback(reglab, monkeypatch):
    monkeypatch.setattr("reglab.client.cli.catalog.connect", lambda ctx: 1 / 0)
    done = reglab("presets", code=5)
    assert "REGLAB_DEBUG" in done.stderr


def test_missing_extra_is_named(reglab, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert ".[server]" in reglab("serve", code=4).stderr
    assert ".[worker]" in reglab("worker", code=4).stderr


def test_sparkline():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3, 3]) == "▁▁"
    assert sparkline([None, float("nan")]) == ""
    assert len(sparkline(list(range(1000)), 16)) == 16
    assert sparkline(list(range(1000)), 16)[-1] == "█"


def test_help_lists_exit_codes_and_completion(reglab):
    text = reglab("--help").stdout
    assert "no server responds" in text
    assert "--install-completion" in text
    assert reglab("--version").stdout.startswith("reglab ")


def test_completion_script():
    command = [sys.executable, "-c", "from reglab.client.cli import main; main()"]
    env = {"_REGLAB_COMPLETE": "complete_bash", "COMP_WORDS": "reglab su", "COMP_CWORD": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["submit"]


@pytest.mark.slow
def test_serve_as_a_process(tmp_path):
    port = free_port()
    command = [sys.executable, "-c", "from reglab.client.cli import main; main()"]
    command += ["serve", "--port", str(port), "--home", str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        # Its own word, not the server's answer, which comes a moment before it.
        said = ""
        for line in child.stdout:
            said += line
            if "is ready" in line:
                break
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=240)
    finally:
        child.kill()
    assert child.returncode == 0
    assert "is ready" in said
    assert (tmp_path / "reglab.db").is_file()
