"""``python -m benchmarks.brokers``: brokers that need no server, beside Redis, as Celery uses them.

For each: time from sending to the start of the task in an idle worker, messages a second, how many
of the messages two workers took twice, and what a worker killed in the middle of a task loses.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery
from rich.console import Console
from rich.table import Table

from reglab.core.process import broker
from tests.harness.servers import Redis, free_port

FOLDER, URL = "BENCH_FOLDER", "BENCH_BROKER"
IDLE_MESSAGES, MANY_MESSAGES, KILL_MESSAGES = 40, 400, 6
TASK = "bench.note"
# Redis hides what the killed worker had for so long; the product's setting is hours.
VISIBILITY_SECONDS = 3


def make_app() -> Celery:
    """An app on the broker that the environment names, with the product's settings."""
    folder = Path(os.environ.get(FOLDER, "/nonexistent"))
    app = Celery("bench", broker=os.environ.get(URL, "memory://"))
    options: dict[str, object] = {}
    if app.conf.broker_url.startswith(("filesystem", "folder")):
        options["polling_interval"] = broker.POLL_SECONDS
        options |= {
            "data_folder_in": str(folder / "queue"),
            "data_folder_out": str(folder / "queue"),
        }
        options["control_folder"] = str(folder / "control")
    if app.conf.broker_url.startswith("redis"):
        options["visibility_timeout"] = VISIBILITY_SECONDS
    app.conf.update(
        broker_transport_options=options,
        task_default_queue="bench",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
    )
    return app


app = make_app()


@app.task(name=TASK)
def note(number: int, seconds: float = 0.0) -> None:
    """Note when it began, in seconds of the machine's steady clock."""
    began = time.monotonic()
    with (Path(os.environ[FOLDER]) / "began").open("a") as file:
        file.write(f"{number} {began!r}\n")
    time.sleep(seconds)


class Bench:
    """One broker in a folder of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        for name in ("queue", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.env = {**os.environ, URL: url, FOLDER: str(folder)}
        os.environ |= {URL: url, FOLDER: str(folder)}
        self.app = make_app()
        self.app.connection_for_write().ensure_connection(max_retries=3)

    def send(self, number: int, seconds: float = 0.0) -> float:
        """When it was sent."""
        moment = time.monotonic()
        self.app.send_task(TASK, [number, seconds])
        return moment

    def began(self) -> list[tuple[int, float]]:
        """Starts so far: number and time."""
        path = self.folder / "began"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(line.split()[0]), float(line.split()[1])) for line in lines]

    def forget(self) -> None:
        (self.folder / "began").unlink(missing_ok=True)

    def wait(self, numbers: int, seconds: float) -> bool:
        """Until so many different tasks began."""
        deadline = time.monotonic() + seconds
        while len({number for number, _ in self.began()}) < numbers:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    @contextmanager
    def workers(self, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.brokers", "worker"]
        command += ["-c", "1", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        started = [
            subprocess.Popen(
                [*command, "-n", f"bench-{free_port()}@%h"],
                env=self.env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            for _ in range(count)
        ]
        try:
            yield started
        finally:
            for child in started:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def measure(url: str, folder: Path) -> list[str]:
    """One row of the table."""
    bench = Bench(url, folder)
    with bench.workers(1):
        bench.send(-1)
        if not bench.wait(1, 60):
            return ["no worker came up"] * 5
        idle = sorted(_idle(bench))
        began = time.monotonic()
        for number in range(MANY_MESSAGES):
            bench.send(number)
        bench.wait(MANY_MESSAGES, 60)
        rate = len({number for number, _ in bench.began()}) / (time.monotonic() - began)
    bench.forget()
    twice = _twice(bench)
    bench.forget()
    kept, back = _killed(bench)
    lost = IDLE_MESSAGES - len(idle)
    return [
        f"{1000 * statistics.median(idle):.0f} / {1000 * idle[-2]:.0f}"
        + (f", {lost} never" if lost else ""),
        f"{rate:.0f}" if rate > 5 else f"{rate:.1f}",
        twice,
        f"{kept} of {KILL_MESSAGES - 1}",
        back,
    ]


def _idle(bench: Bench) -> list[float]:
    """Seconds from sending to start; those that did not start in time are left out."""
    waits = []
    for number in range(IDLE_MESSAGES):
        bench.forget()
        sent = bench.send(number)
        if not bench.wait(1, 15):
            return waits
        waits.append(bench.began()[0][1] - sent)
        # Not in step with the polling.
        time.sleep(0.05 + 0.017 * (number % 5))
    bench.forget()
    return waits


def _twice(bench: Bench) -> str:
    # Numbers of its own: a slow broker may still hold earlier messages.
    numbers = range(1000, 1000 + MANY_MESSAGES)
    for number in numbers:
        bench.send(number)
    with bench.workers(2) as workers:
        bench.wait(MANY_MESSAGES, 90)
        dead = sum(worker.poll() is not None for worker in workers)
    counts = Counter(number for number, _ in bench.began() if number in numbers)
    late = MANY_MESSAGES - len(counts)
    text = str(sum(count > 1 for count in counts.values()))
    text += f", {late} not within 90 s" if late else ""
    return text + (f", {dead} worker died" if dead else "")


def _killed(bench: Bench) -> tuple[int, str]:
    """Of the waiting messages so many were served by the next worker; and the one in work?"""
    _empty(bench)
    numbers = range(2000, 2000 + KILL_MESSAGES)
    for number in numbers:
        bench.send(number, 2.0 if number == numbers[0] else 0.0)
    with bench.workers(1):
        bench.wait(1, 60)
    first = bench.began()[0][0]
    bench.forget()
    with bench.workers(1):
        bench.wait(KILL_MESSAGES, 8 + 4 * VISIBILITY_SECONDS)
    served = {number for number, _ in bench.began()} & set(numbers)
    return len(served - {first}), "comes back" if first in served else "is gone"


def _empty(bench: Bench) -> None:
    with bench.app.connection_for_write() as connection:
        connection.default_channel.queue_purge("bench")
    bench.forget()


def main() -> None:
    """Measure all and print the table."""
    brokers: dict[str, Callable[[Path, str], str]] = {
        "folder (ours, over kombu's filesystem)": lambda folder, _: broker.EMBEDDED_URL,
        "kombu filesystem": lambda folder, _: "filesystem://",
        "kombu SQLAlchemy, SQLite": lambda folder, _: f"sqla+sqlite:///{folder / 'broker.db'}",
        "Redis": lambda folder, redis: redis,
    }
    table = Table(title="Brokers under Celery")
    columns = ("broker", "to start, median / p95 ms", "messages/s", "taken twice of 400")
    for name in (*columns, "waiting, kept at SIGKILL", "message in work"):
        table.add_column(name)
    with Redis() as redis:
        for name, url in brokers.items():
            with tempfile.TemporaryDirectory(prefix="reglab-bench-") as folder:
                row = measure(url(Path(folder), redis.url), Path(folder))
                print(name, row, flush=True)
                table.add_row(name, *row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
