"""A REGLAB_* variable is used, or refused by its name; nothing depends on where reglab runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reglab.api.access.policy import Policy
from reglab.client.errors import ClientError
from reglab.client.settings import Settings as ClientSettings
from reglab.core.errors import FieldProblemError
from reglab.core.settings import (
    DataSettings,
    Limits,
    LogSettings,
    MigrationSettings,
    Settings,
    WorkerSettings,
    unknown_variables,
)
from reglab.core.settings.known import OTHERS, known_variables

ROOT = Path(__file__).parents[2]
READERS = {
    "settings": Settings.from_env,
    "policy": Policy.from_env,
    "limits": Limits.from_env,
    "logs": LogSettings.from_env,
    "worker": WorkerSettings.from_env,
    "data": DataSettings.from_env,
    "migrations": MigrationSettings.from_env,
    "client": lambda env: ClientSettings.choose(env=env),
}
# What names a folder or is free text: every value means something.
FREE = {"REGLAB_DATA_DIR", "REGLAB_CACHE_DIR", "REGLAB_MIGRATIONS"} | {
    "REGLAB_BROKER_PASSWORD",
    "REGLAB_HOME",
}
NONSENSE = st.one_of(
    st.sampled_from(
        [
            "x",
            "-1",
            "nan",
            "inf",
            "1e400",
            "maybe",
            "yes please",
            "0x10",
            "١٢",
            "foo://",
            "://",
            "*x",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
    st.floats().map(str),
    st.integers(-(2**70), 2**70).map(str),
)


NAMES = sorted(known_variables() - OTHERS.keys() | {"REGLAB_URL", "REGLAB_TOKEN"})
BASE = {"REGLAB_DATABASE_URL": "sqlite:////srv/reglab.db", "REGLAB_BROKER_URL": "redis://localhost"}


def refusals(name: str, value: str) -> list[str]:
    """What the readers say of a variable that they refuse."""
    told = []
    for read in READERS.values():
        try:
            read({**BASE, name: value})
        except (FieldProblemError, ClientError) as error:
            told.append(str(error))
    return told


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), NONSENSE)
def test_a_variable_is_used_or_refused_by_name(name, value):
    for told in refusals(name, value):
        assert name in told


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FREE])
def test_no_variable_takes_nonsense(name):
    """None of them reads a sentence as something that it is not."""
    assert refusals(name, "no such value: %"), f"{name} is read with any value"


def test_every_variable_in_the_sources_is_known():
    found: set[str] = set()
    for folder in ("core", "api", "worker", "client", "deploy"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".yaml", ".yml"):
                found |= set(re.findall(r"\bREGLAB_[A-Z]+(?:_[A-Z]+)*\b", file.read_text()))
    assert found - known_variables() <= {"REGLAB_MAX_"}


@given(st.sampled_from(sorted(known_variables())), st.integers(0, 30), st.characters(codec="ascii"))
def test_a_misspelt_variable_is_told_with_the_right_one(name, at, letter):
    misspelt = name[: 8 + at] + letter.upper() + name[8 + at :]
    told = unknown_variables({name: "1", misspelt: "1"})
    if misspelt in known_variables():
        return
    assert len(told) == 1
    assert misspelt in told[0]


def test_what_kubernetes_sets_is_no_mistake():
    given = ["REGLAB_API_SERVICE_HOST", "REGLAB_API_PORT_8000_TCP", "REGLAB_API_PORT"]
    assert unknown_variables(dict.fromkeys(given, "x")) == []
    (told,) = unknown_variables({"REGLAB_ACESS": "tokens"})
    assert "REGLAB_ACCESS" in told


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("api", "REGLAB_LOG_LEVEL", "loud"),
        ("worker", "REGLAB_LOG_FORMAT", "xml"),
        ("api.serve", "REGLAB_LOG_LEVEL", "loud"),
        ("api.serve", "REGLAB_WORKER_PROCESSES", "x"),
        ("api.serve", "REGLAB_BROKER_URL", "foo"),
        ("api.serve", "REGLAB_DATABASE_URL", "mysql://x/y"),
        ("api", "REGLAB_DATABASE_URL", "foo"),
        ("api", "REGLAB_OPEN_METRICS", "maybe"),
        ("api", "REGLAB_TRUSTED_PROXIES", "foo"),
        ("api", "REGLAB_HOST", "no host"),
        ("api.serve", "REGLAB_HOME", "/dev/null"),
        ("worker", "REGLAB_HOME", "/dev/null/x"),
        ("core.storage.migrate", "REGLAB_HOME", "/dev/null"),
    ],
)
def test_a_process_that_cannot_start_says_why(tmp_path, module, name, value):
    done = start(module, {"REGLAB_HOME": str(tmp_path), name: value})
    assert done.returncode in (1, 2)
    assert name in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["api.serve", "core.storage.migrate"])
def test_a_database_that_is_not_there(tmp_path, module):
    away = "postgresql+psycopg://nobody:secret@127.0.0.1:1/none"
    done = start(module, {"REGLAB_HOME": str(tmp_path), "REGLAB_DATABASE_URL": away})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr + done.stdout
    assert "database" in done.stderr


def test_the_server_needs_no_kernels_and_no_pyplot(tmp_path):
    """With nothing of the user's to write to, and numba out of reach, the API is made."""
    code = (
        "import sys; sys.modules['numba'] = sys.modules['matplotlib.pyplot'] = None\n"
        "from reglab.api.app import create_app\n"
        "from reglab.core.settings import Settings\n"
        "from pathlib import Path\n"
        "create_app(Settings(home=Path(sys.argv[1]), database_url='sqlite:////dev/null/x.db'))\n"
        "print('made')"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = run(command, {**os.environ, "HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"})
    assert done.stdout == "made\n", done.stderr


def test_kernels_without_a_folder_of_the_users(tmp_path):
    """A temporary folder stands in, told once."""
    code = (
        "from reglab.core.engine import compiler; import os; print(os.environ['NUMBA_CACHE_DIR'])"
    )
    env = {
        **os.environ,
        "HOME": "/dev/null",
        "XDG_CACHE_HOME": "/dev/null",
        "NUMBA_CACHE_DIR": "",
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-c", code]
    done = run(command, env)
    assert done.stdout.startswith(str(tmp_path)), done.stderr
    assert done.stderr.count("cannot be written") == 1


def test_kernels_are_never_kept_beside_the_sources(tmp_path):
    """Whoever imports numba first."""
    code = (
        "import numba, numpy as np\n"
        "from reglab.core.engine import Network\n"
        "net = Network((2, 3), 'tanh', np.zeros(9, np.float32))\n"
        "net.logits(np.zeros((4, 2), np.float32))\n"
        "from reglab.core.engine.compiler import numba\n"
        "print(numba.config.CACHE_DIR)"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = run([sys.executable, "-c", code], env)
    assert Path(done.stdout.strip()).parent == tmp_path, done.stderr
    assert list(tmp_path.rglob("*.nbi"))


def start(module: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("REGLAB_")}
    return run([sys.executable, "-m", f"reglab.{module}"], env | variables)


def run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=240, check=False
    )
