"""Commands of a deployment answer what they cannot use with a sentence and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr) < 900
    assert list(tmp_path.iterdir()) == []


def test_a_variable_that_nothing_reads_is_named():
    command = [str(Path(sys.executable).with_name("reglab")), "limits"]
    environment = {**os.environ, "REGLAB_MAX_RUNZ": "5"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Did you mean 'REGLAB_MAX_RUNS'?" in done.stderr
    assert "REGLAB_MAX_RUNS" in done.stdout
