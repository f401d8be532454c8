"""Commands of a deployment answer what they cannot use with a sentence and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reglab.api.stack import bound_socket
from reglab.core.storage.migrate import upgrade

URL = "REGLAB_DATABASE_URL"
UNREACHABLE = "postgresql+psycopg://user:secret@127.0.0.1:1/x"
REFUSED = [
    ("limits", "REGLAB_MAX_RUNS", "abc", 2, "REGLAB_MAX_RUNS: Got 'abc'. Set it to"),
    ("limits", "REGLAB_MAX_CONNECTIONS", 400 * "9", 2, "REGLAB_MAX_CONNECTIONS: Got '999"),
    ("migrate", "REGLAB_MIGRATIONS", "/dev", 2, "REGLAB_MIGRATIONS: There are no migrations in"),
    ("migrate", URL, "sqlite://host/x", 2, f"{URL}: Got an address that does not name a file"),
    ("health", URL, "sqlite://", 2, f"{URL}: Got an address that does not name a file"),
    ("retention --days 1", URL, "sqlite:///x?mode=ro", 2, f"{URL}: Got an address that does not"),
    ("backup create /dev/null", URL, "mysql://x", 2, f"{URL}: Got an address that begins"),
    ("migrate", URL, "sqlite:////nonexistent/x.db", 1, "Check that the folder of the database"),
    ("migrate", URL, f"{UNREACHABLE}?connect_timeout=abc", 1, "Correct REGLAB_DATABASE_URL"),
    ("migrate", URL, f"{UNREACHABLE}?nonsense=1", 1, "Correct REGLAB_DATABASE_URL"),
    ("migrate", URL, UNREACHABLE, 1, "Connection refused"),
    ("retention --days nan", "A", "b", 2, "Give at most 36500"),
    ("retention --days inf", "A", "b", 2, "Give at most 36500"),
    ("backup create /proc/x", "A", "b", 1, "Name a folder that this user may write to"),
    ("health", "REGLAB_LEASE_SECONDS", "nan", 2, "REGLAB_LEASE_SECONDS: Got 'nan'"),
    ("migrate", "REGLAB_HOME", b"\xff", 2, "REGLAB_HOME: Got a name that is not UTF-8."),
]


@pytest.mark.parametrize(("command", "name", "value", "code", "expected"), REFUSED)
def test_a_bad_setting_is_answered_in_a_sentence(command, name, value, code, expected, tmp_path):
    environment = {**os.environ, "REGLAB_HOME": str(tmp_path), name: value}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("reglab")), *command.split()],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr) < 900
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["REGLAB_MAX_RUNZ", "reglab_max_runs"])
def test_a_variable_that_nothing_reads_is_named(name):
    done = reglab("limits", {name: "5"})
    assert f"{name} is no setting of reglab" in done.stderr
    assert "Did you mean 'REGLAB_MAX_RUNS'?" in done.stderr
    assert "| 1000 | 1000 | 422 |" in done.stdout or "| 1000 | 422 |" in done.stdout


@pytest.mark.parametrize("command", ["limits", "retention --days 1"])
def test_output_that_cannot_be_written_is_answered_in_a_sentence(command, tmp_path):
    upgrade(f"sqlite:///{tmp_path}/reglab.db")
    with Path("/dev/full").open("w") as full:
        done = reglab(command, {"REGLAB_HOME": str(tmp_path)}, stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        "The output cannot be written: No space left on device.\n",
    )


def test_a_worker_asks_for_tables(tmp_path):
    done = reglab("worker", {"REGLAB_HOME": str(tmp_path), "REGLAB_DATABASE_URL": ""})
    assert done.returncode == 1
    assert "Bring the database up to date with reglab migrate." in done.stderr


def test_a_port_in_use_is_named(tmp_path):
    upgrade(f"sqlite:///{tmp_path}/reglab.db")
    with bound_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        done = reglab("server", {"REGLAB_HOME": str(tmp_path), "REGLAB_PORT": port})
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "REGLAB_PORT" in done.stderr


@pytest.mark.parametrize("command", ["backup", "retention"])
def test_the_help_is_plain_text(command):
    text = reglab(f"{command} --help", {}).stdout
    assert "Usage" in text
    assert "`" not in text


def reglab(command, variables, stdout=subprocess.PIPE):
    """``reglab COMMAND`` with these variables, ended."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("reglab")), *command.split()],
        env={**os.environ, **variables},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=240,
        check=False,
    )
