"""The wheel: built from a copy of the tree, installed where nothing else of reglab is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from reglab.core.figures import REGISTRY
from setup import PARTS
from tests.integration.service.test_end_to_end import of_this_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[3]
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")


def run(*command: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("REGLAB_")}
    arguments = [str(part) for part in command]
    return subprocess.run(
        arguments, env=env | variables, capture_output=True, text=True, check=False, cwd=cwd
    )


def build(tree: Path, into: Path) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    return run(*pip, tree, "--wheel-dir", into, cwd=tree)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy, as a build leaves files behind."""
    made = tmp_path_factory.mktemp("tree")
    for part in PARTS:
        shutil.copytree(ROOT / part, made / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, made)
    return made


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = build(tree, folder)
    assert done.returncode == 0, done.stderr
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """An environment with this wheel, and the packages of this one in place of downloads."""
    home = tmp_path_factory.mktemp("environment")
    done = run(sys.executable, "-m", "venv", home, cwd=home)
    assert done.returncode == 0, done.stderr
    made = home / "bin" / "python"
    done = run(made, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=home)
    assert done.returncode == 0, done.stderr
    [packages] = home.glob("lib/python*/site-packages")
    # Without what an editable install puts into them, as only a folder of sites is asked for that.
    others = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "packages.pth").write_text("\n".join(others))
    return made


def test_every_file_of_the_tree_is_in_the_wheel(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"reglab/{path.relative_to(ROOT)}".replace("reglab/client/_root", "reglab")
        for part in PARTS
        for path in (ROOT / part).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert wanted <= inside, wanted - inside
    assert not {name for name in inside if name.startswith(("api/", "core/", "tests/"))}


def test_the_image_is_built_from_every_folder():
    copied = re.findall(r"^COPY (\w+) (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert sorted(copied) == [(part, part) for part in PARTS]


def test_every_module_can_be_imported(python, tmp_path):
    code = """
import importlib, pkgutil, sys, reglab
assert reglab.__file__.startswith(sys.prefix), reglab.__file__
names = [found.name for found in pkgutil.walk_packages(reglab.__path__, "reglab.")]
# These two are run by Alembic and at start.
names = [n for n in names if n != "reglab.migrations.env" and not n.endswith("__main__")]
for name in names:
    importlib.import_module(name)
    assert sys.modules[name].__file__.startswith(sys.prefix), name
print(len(names))
"""
    done = run(python, "-c", code, cwd=tmp_path, REGLAB_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200


def test_the_demo_by_it_writes_ten_figures_and_a_report(python, tmp_path):
    """What ``make demo`` runs, on a machine without real images."""
    output, empty = tmp_path / "out", tmp_path / "empty"
    empty.mkdir()
    command = [python.with_name("reglab"), "reproduce", "--own-server", "--epochs-scale", "0.001"]
    variables = {"REGLAB_DATA_DIR": str(empty), "REGLAB_CACHE_DIR": str(empty)}
    # Where there are several processes, each compiles the kernels of the preset that it begins.
    variables |= {"REGLAB_DOWNLOAD": "0", "REGLAB_WORKER_PROCESSES": "1"}
    done = run(*command, "--output", output, cwd=tmp_path, **variables)
    log = output / "logs" / "service.log"
    told = done.stdout + done.stderr
    assert done.returncode == 0, f"{told}\n{log.read_text() if log.exists() else ''}"
    assert "is not available here" in done.stdout
    assert "report.html" in done.stdout
    pictures = sorted((output / "figures").glob("*.png"))
    assert [p.stem for p in pictures] == sorted(n for n, f in REGISTRY.items() if f.article_number)
    assert all(min(Image.open(picture).size) > 300 for picture in pictures)
    report = (output / "report.html").read_text()
    assert report.startswith("<!doctype html>")
    assert report.count("<img") == report.count("data:image/png;base64,") == 10
    assert "was unavailable or not wanted" in report
    assert "mnist_5k.csv.gz sha256" in report
    assert of_this_folder(output / "service") == []
