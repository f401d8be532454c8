"""Reads files apart from the server: one line of JSON in, one out; each file in a process of its
own, which ends when it takes too much memory or time.

Started by ``isolated``. What the libraries need is imported once, and shared by all processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from reglab.core.tables.errors import TableError
from reglab.core.tables.facts import describe
from reglab.core.tables.preview import preview
from reglab.core.tables.reading import READERS, read_table
from reglab.core.tables.table import ReadOptions

LIBRARIES = (
    "pandas", "PIL.Image", "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "pyarrow.compute",
    "pyarrow.csv", "pyarrow.feather", "pyarrow.json", "pyarrow.parquet",
)  # fmt: skip
# Times as long as a file may take the processor, it may take in all.
WAITING = 5
PAGE = resource.getpagesize()


def main() -> int:
    """Serve until standard input ends."""
    # Ctrl-C is for the server, whose end closes standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in (*LIBRARIES, *(f"reglab.core.tables.{reader}" for reader in READERS.values())):
        import_module(name)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(_apart(json.loads(line)) + b"\n")
        sys.stdout.buffer.flush()
    return 0


def _apart(job: dict[str, Any]) -> bytes:
    """The answer to a job, from a process that ends with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(BaseException):
            _bound(job)
            answer = json.dumps(_answer(job)).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    whole = status == 0 and answer.endswith(b"}")
    return answer if whole else json.dumps({"ended": status}).encode()


def _bound(job: dict[str, Any]) -> None:
    """What this process may take from here on."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE if _has_proc() else 0
    most = used + job["memory"]
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (job["seconds"], job["seconds"]))
    # Where others have the processor, or it waits for something.
    signal.alarm(WAITING * job["seconds"])


def _has_proc() -> bool:
    return Path("/proc/self/statm").exists()


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    options = ReadOptions.model_validate(job["options"])
    try:
        table = read_table(Path(job["path"]).read_bytes(), options)
        facts = describe(table, job["target"], options.task)
        return {
            "facts": facts.model_dump(mode="json"),
            "preview": preview(table, facts).model_dump(mode="json"),
        }
    except TableError as error:
        problem = error.problems[0]
        found = {"detail": problem.detail, "path": problem.path, "remedy": problem.remedy}
        return {"refused": found}
    except MemoryError:
        return {"ended": 0}
    except Exception:
        return {"fault": traceback.format_exc()}


if __name__ == "__main__":
    sys.exit(main())
