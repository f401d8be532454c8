"""Several migrations at once, and one of a database that is away."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reglab.core.storage import Storage
from reglab.core.storage.migrate import is_current

COMMAND = [sys.executable, "-m", "reglab.core.storage.migrate"]


def start(url, home):
    env = {**os.environ, "REGLAB_DATABASE_URL": url, "REGLAB_HOME": str(home)}
    return subprocess.Popen(
        COMMAND, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_of_four_at_once_one_works_and_the_others_wait(empty_url, tmp_path):
    four = [start(empty_url, tmp_path) for _ in range(4)]
    ends = [child.communicate(timeout=240) for child in four]
    assert [child.returncode for child in four] == [0] * 4, [err for _, err in ends]
    storage = Storage(empty_url)
    assert is_current(storage.engine)
    storage.close()


@pytest.mark.parametrize(
    "url",
    ["postgresql+psycopg://nobody:secret@127.0.0.1:1/none", "sqlite:////nowhere/at/all/reglab.db"],
)
def test_a_database_that_is_away_is_told_without_a_traceback(url, tmp_path):
    child = start(url, tmp_path)
    _, err = child.communicate(timeout=240)
    assert child.returncode == 1
    assert "Traceback" not in err
    assert "secret" not in err
    assert "The database refused" in err
