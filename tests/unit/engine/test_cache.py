"""Compiled kernels are made again when their sources change, and never otherwise."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import types
from numba.core.dispatcher import Dispatcher

from reglab.core.engine import warm_up
from reglab.core.engine.compiler import CORE, SOURCES
from tests.integration.docs.pages import copy

# Trains a tiny network, and prints how many kernels were compiled.
COUNT = """
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    from reglab.core.engine.warm_up import warm_up
    warm_up()
print(len(recorder.buffer))
"""


def compiled_by_a_process(tree: Path) -> int:
    cache = Path(os.environ["NUMBA_CACHE_DIR"])
    env = {**os.environ, "PYTHONPATH": str(tree / "installed")}
    # Equal sources find their folder in it, and others make one of their own.
    env["NUMBA_CACHE_DIR"] = str(tree / "cache")
    (tree / "cache").mkdir(exist_ok=True)
    if not (tree / "cache" / cache.name).exists():
        (tree / "cache" / cache.name).symlink_to(cache)
    command = [sys.executable, "-c", COUNT]
    done = subprocess.run(command, env=env, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the sources, whose kernels this process has compiled or loaded."""
    warm_up.warm_up()
    tree = tmp_path_factory.mktemp("copied")
    copy(tree)
    return tree


def test_a_copy_of_the_sources_compiles_nothing(tree):
    assert compiled_by_a_process(tree) == 0


@pytest.mark.parametrize(
    ("changed", "is_kernel"), [("regularizers/base", True), ("metrics/brier", False)]
)
def test_the_folder_is_another_after_a_change_of_kernels(tree, changed, is_kernel):
    source = tree / "core" / f"{changed}.py"
    before = source.read_text()
    source.write_text(before + "# more\n")
    code = "import os, reglab.core.engine.compiler; print(os.environ['NUMBA_CACHE_DIR'])"
    env = {**os.environ, "PYTHONPATH": str(tree / "installed"), "NUMBA_CACHE_DIR": str(tree)}
    found = subprocess.check_output([sys.executable, "-c", code], env=env, cwd=tree, text=True)
    source.write_text(before)
    assert (Path(found.strip()).name != Path(os.environ["NUMBA_CACHE_DIR"]).name) == is_kernel


def test_what_is_compiled_is_in_the_digest():
    """Kernels and what they call, and the classes of their arguments."""
    warm_up.warm_up()
    kernels = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
    own = [each for each in kernels if each.py_func.__module__.startswith("reglab.")]
    assert len(own) > 40
    assert {Path(each.py_func.__code__.co_filename) for each in own} <= set(SOURCES)
    found = {
        argument.instance_class.__module__
        for each in own
        for signature in each.signatures
        for argument in signature
        if isinstance(argument, types.BaseNamedTuple)
    }
    files = {CORE.joinpath(*name.split(".")[2:]).with_suffix(".py") for name in found}
    assert len(files) > 3
    assert files <= set(SOURCES)
