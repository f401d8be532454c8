"""Commands in a real process: terminals of every encoding, files that cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reglab.client import Client
from tests.integration.client.conftest import SMALL

NAME = "λ₂ → größer „naïve“ 模型 ▁█ é"


@pytest.fixture(scope="module")
def named(server):
    """Id of a finished experiment with a name beyond most encodings."""
    with Client(server) as client:
        return client.submit(SMALL | {"name": NAME}).wait(timeout=240, progress=False).id


@pytest.fixture
def reglab(server):
    def run(*arguments, code=0, encoding="utf-8", **options):
        env = os.environ | {"REGLAB_URL": server, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        command = [sys.executable, "-m", "reglab.client.cli", *map(str, arguments)]
        options = {"stdout": subprocess.PIPE} | options
        done = subprocess.run(
            command, env=env, stderr=subprocess.PIPE, timeout=240, check=False, **options
        )
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        assert b"made a mistake" not in done.stderr
        return done

    return run


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    "command", ["list", "show {}", "watch {}", "curves {}", "ece {}", "claims {}", "compare {} {}"]
)
def test_ascii_stands_in(reglab, named, command, encoding):
    out = reglab(*command.format(named, named).split(), encoding=encoding).stdout
    assert out.decode(encoding)


def test_json_is_the_same_in_every_encoding(reglab, named):
    for encoding in ("ascii", "cp1252", "utf-8"):
        out = reglab("show", named, "--json", encoding=encoding).stdout
        assert json.loads(out.decode(encoding))["name"] == NAME


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["list", "presets l2", "curves {} --json"])
def test_an_output_that_is_full(reglab, finished, command):
    with Path("/dev/full").open("w") as full:
        done = reglab(*command.format(finished).split(), code=1, stdout=full)
    assert b"No space left" in done.stderr


def test_a_figure_has_the_form_of_its_name(reglab, finished, tmp_path):
    reglab("figure", finished, "curves", "-o", tmp_path / "x.PDF")
    assert (tmp_path / "x.PDF").read_bytes().startswith(b"%PDF")
    done = reglab("figure", finished, "curves", "-o", tmp_path / "x.gif", code=4)
    assert b"png, svg, pdf" in done.stderr
    assert not (tmp_path / "x.gif").exists()
    taken = tmp_path / "file"
    taken.write_text("mine")
    done = reglab("figure", finished, "all", "-o", taken, code=4)
    assert b"Cannot make the folder" in done.stderr
    assert taken.read_text() == "mine"


@pytest.mark.parametrize("seconds", ["nan", "-1", "0", "inf"])
def test_a_time_that_is_none(reglab, seconds):
    assert b"--timeout" in reglab("--timeout", seconds, "list", code=2).stderr


def test_empty_and_endless_input(reglab, tmp_path):
    assert b"seeds" in reglab("submit", "l2", "--seeds", "", code=2).stderr
    assert b"more than" in reglab("submit", "/dev/zero", code=4).stderr
    shown = reglab("list", "--tag", "no-such-tag").stdout
    assert b"tag 'no-such-tag'" in shown
