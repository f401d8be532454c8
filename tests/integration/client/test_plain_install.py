"""``pip install .`` without extras, into an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from setup import PARTS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "constraints.txt")


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """Programs of the new environment."""
    # A copy, as a build leaves files behind.
    tree = tmp_path_factory.mktemp("tree")
    for name in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, tree)
    home = tmp_path_factory.mktemp("plain")
    run(sys.executable, "-m", "venv", home)
    pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet"]
    done = run(*pip, "--disable-pip-version-check", "-c", tree / "constraints.txt", tree)
    assert done.returncode == 0, done.stderr
    return home / "bin"


def run(*command: object) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    env |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, env=env, capture_output=True, text=True, check=False, cwd="/")


def test_the_command_works_without_server(environment):
    assert run(environment / "reglab", "--version").stdout.startswith("reglab ")
    done = run(environment / "reglab", "--url", "http://127.0.0.1:9", "list")
    assert done.returncode == 3
    assert "reglab serve" in done.stderr
    done = run(environment / "reglab", "serve")
    assert done.returncode == 4
    assert "pip install '.[server]'" in done.stderr


def test_type_checkers_see_the_types_of_an_installed_client(environment, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from reglab import Client\n\n"
        'reveal_type(Client().submit("l2").wait().ece())\n'
        'Client().submit("l2", seed=1)\n'
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    done = run(*command, "--python-executable", environment / "python", script)
    assert 'Revealed type is "reglab.client.tables.EceTable"' in done.stdout
    assert 'Unexpected keyword argument "seed"' in done.stdout
    assert "Found 1 error" in done.stdout


def test_nothing_numeric_came_along(environment):
    listed = run(environment / "python", "-m", "pip", "list", "--format=freeze").stdout
    names = {line.partition("==")[0].lower() for line in listed.splitlines()}
    assert {"reglab", "httpx", "pydantic", "rich", "typer"} <= names
    assert not {"numpy", "matplotlib", "fastapi", "sqlalchemy", "celery", "numba"} & names
    assert len(names) < 35
