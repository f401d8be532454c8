import json
import subprocess
from importlib.metadata import version
from pathlib import Path

from reglab.core import machine
from reglab.core.exchange.documents import MachineDocument

ROOT = Path(__file__).parents[3]


def test_a_result_names_processor_versions_and_commit():
    found = machine.describe()
    assert json.loads(json.dumps(found)) == found
    assert found["processor"]
    assert found["packages"]["numpy"] == version("numpy")
    assert set(found["packages"]) == {"numpy", "scipy", "numba", "llvmlite"}
    MachineDocument.model_validate(found)


def test_the_commit_is_that_of_the_sources():
    if not (ROOT / ".git").exists():
        return
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert machine.commit().removesuffix("-dirty") == head


def test_runs_are_counted_by_what_made_them():
    mine = {"engine_version": "5", "made_by": machine.describe()}
    text = machine.sentence([mine, {"engine_version": "3"}, mine])
    assert text.startswith("1 run by engine version 3 on a machine that was not noted; 2 runs by")
    assert f"numpy {version('numpy')}" in text
    assert machine.sentence([]) == ""
