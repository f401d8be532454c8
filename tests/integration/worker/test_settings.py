"""Settings that cannot be used are told by name and remedy, and nothing starts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NUMBERS = [
    "LEASE_SECONDS",
    "HEARTBEAT_SECONDS",
    "CHECKPOINT_SECONDS",
    "REAP_SECONDS",
    "RESEND_SECONDS",
    "STARVING_SECONDS",
    "MAX_ATTEMPTS",
    "TASK_SECONDS",
    "GRACE_SECONDS",
]


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("worker", "WORKER_PROCESSES", "x"),
        ("worker", "WORKER_PROCESSES", "0"),
        ("worker", "LEASE_SECONDS", "-1"),
        ("api", "LEASE_SECONDS", "soon"),
        ("api", "MAX_RATE", "x"),
        ("api.serve", "MAX_BODY_BYTES", "1"),
    ],
)
def test_the_name_and_the_remedy_are_told(tmp_path, module, name, value):
    env = {**os.environ, "REGLAB_HOME": str(tmp_path), f"REGLAB_{name}": value}
    command = [sys.executable, "-m", f"reglab.{module}"]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 2, done.stderr
    assert f"REGLAB_{name}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["x", "-1", "0", "nan", "inf"])
def test_every_number(name, value):
    from reglab.core.settings import Settings, SettingsError

    with pytest.raises(SettingsError) as caught:
        Settings.from_env({f"REGLAB_{name}": value, "REGLAB_HOME": os.devnull + "x"} | FILES)
    (problem,) = caught.value.problems
    assert problem.path == f"REGLAB_{name}"
    assert problem.remedy


FILES = {
    "REGLAB_DATABASE_URL": "sqlite:////srv/reglab.db",
    "REGLAB_BROKER_URL": "redis://localhost",
}
