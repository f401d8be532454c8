"""Files of others are read in a process of their own: a server neither waits nor falls with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from reglab.core.errors import FieldProblem
from reglab.core.tables.errors import TableError
from reglab.core.tables.facts import TableFacts
from reglab.core.tables.preview import Preview
from reglab.core.tables.table import ReadOptions

# Of address space, beside what the libraries take.
MEMORY = 3 * 2**30
SECONDS = 60
COMMAND = [sys.executable, "-m", "reglab.core.tables"]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
log = structlog.get_logger("reglab.tables")


@dataclass(frozen=True)
class Read:
    """What is kept of a file that was read."""

    facts: TableFacts
    preview: Preview


class IsolatedReader:
    """Reads one file after the other; the process is started by the first.

    Args:
        memory: Bytes that reading one file may take.
        seconds: Seconds that it may take the processor.
    """

    def __init__(self, memory: int = MEMORY, seconds: int = SECONDS) -> None:
        self._memory, self._seconds = memory, seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path, target: str | None, options: ReadOptions) -> Read:
        """Read and describe a file; arguments as of ``read_table`` and ``describe``.

        Raises:
            TableError: As those do, or it takes more memory or time than may be.
        """
        job = {
            "path": str(path),
            "target": target,
            "options": options.model_dump(mode="json"),
            "memory": self._memory,
            "seconds": self._seconds,
        }
        with self._lock:
            answer = self._ask(job)
        if "facts" in answer:
            facts = TableFacts.model_validate(answer["facts"])
            return Read(facts, Preview.model_validate(answer["preview"]))
        if "refused" in answer:
            raise TableError.of(FieldProblem(**answer["refused"]))
        log.error("table not read", **answer)
        detail = "The file cannot be read: it is damaged, or takes more than "
        detail += (
            f"{self._memory // 2**20} MiB of memory or {self._seconds} seconds of the processor."
        )
        raise TableError(detail, "Write the file again, or give fewer rows or columns.")

    def close(self) -> None:
        """End the process; the next file starts another."""
        with self._lock:
            if self._process is not None:
                _end(self._process)
                self._process = None

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        line = json.dumps(job).encode() + b"\n"
        # A process that somebody ended is started again, once.
        for _ in range(2):
            process = self._process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(line)
                process.stdin.flush()
                answer = process.stdout.readline()
            except BrokenPipeError:
                answer = b""
            if answer:
                found: dict[str, Any] = json.loads(answer)
                return found
            _end(process)
            self._process = None
        return {"ended": process.returncode}

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 # this interpreter, no word of others
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
        )
        weakref.finalize(self, _end, process)
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
