"""Commands for operators: each is its module, with its own help and exit code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from reglab.client.cli.operating import OPERATIONS

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "reglab.client.cli"]


def run(*arguments, home, code=0):
    env = os.environ | {"REGLAB_HOME": str(home), "COLUMNS": "200"}
    done = subprocess.run(
        [*COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_a_database_is_made_copied_and_watched(tmp_path):
    assert "up to date" in run("migrate", home=tmp_path)
    run("backup", "create", str(tmp_path / "one.backup"), home=tmp_path)
    run("backup", "verify", str(tmp_path / "one.backup"), home=tmp_path)
    run("retention", "--days", "30", home=tmp_path)
    assert "no worker" in run("health", home=tmp_path, code=1)
    assert "REGLAB_MAX_RUNS" in run("limits", home=tmp_path)


@pytest.mark.parametrize("name", [one.name for one in OPERATIONS if not one.takes_arguments])
def test_arguments_that_nothing_reads_are_refused(tmp_path, name):
    run(name, "--port", "8000", home=tmp_path, code=2)
    run(name, "foo", home=tmp_path, code=2)
    assert not (tmp_path / "reglab.db").exists()


def test_a_closed_terminal_ends_quietly_and_nothing_is_warned_of(tmp_path):
    command = shlex.join([*COMMAND, "limits"])
    env = os.environ | {"REGLAB_HOME": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-c", f"{command} | true"], env=env, capture_output=True, timeout=240, check=True
    )
    assert done.stderr == b""


def test_a_backup_into_a_missing_folder_is_refused(tmp_path):
    run("migrate", home=tmp_path)
    run("backup", "create", str(tmp_path / "none" / "one.backup"), home=tmp_path, code=1)


@pytest.mark.parametrize("name", [one.name for one in OPERATIONS])
def test_help_is_the_command_s_own(tmp_path, name):
    assert f"Usage: reglab {name}" in run(name, "--help", home=tmp_path)


def test_deployments_and_docs_name_commands_that_there_are():
    """No file for operators names a module; every command that one names is known."""
    known = {operation.name for operation in OPERATIONS}
    known |= {"serve", "worker", "doctor", "tokens"}
    files = [ROOT / "docker-compose.yml", ROOT / "Dockerfile", *(ROOT / "deploy").rglob("*.yaml")]
    named = set()
    for file in [*files, *(ROOT / "docs" / "operating").glob("*.md")]:
        text = file.read_text()
        assert not re.search(r"-m\W+reglab", text), file
        if file in files:
            named |= set(re.findall(r'"reglab", "(\w+)"', text))
        named |= set(re.findall(r"^reglab (\w+)\b(?!:)", text, re.M))
    assert {"server", "worker", "migrate", "backup", "retention", "health"} <= named
    assert named <= known
