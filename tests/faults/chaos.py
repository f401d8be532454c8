"""What goes wrong: a seeded list of faults, done one after another while runs are trained."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

from reglab.core.process.broker import QUEUE
from reglab.core.storage import StorageUnavailableError
from tests.harness.servers import Server
from tests.harness.workers import Delivery, Worker

PAUSE_SECONDS = (0.2, 1.0)
# Longer than the lease, so that silence ends it.
FREEZE_SECONDS = 7.0
LOOK_SECONDS = 3.0
OUTAGE_SECONDS = (0.5, 3.0)
# Also where each takes long.
LEAST_FAULTS = 3


class Chaos:
    """Breaks things until told to stop, then sees that all is mended.

    Args:
        delivery: What to disturb; keeps as many workers alive as it has.
        servers: The broker's and the database's server; empty for the embedded pair.
        run_ids: Whose messages may be doubled.
        seed: Decides which faults come, and when.
    """

    def __init__(
        self, delivery: Delivery, servers: dict[str, Server], run_ids: list[str], seed: int
    ) -> None:
        self.done: Counter[str] = Counter()
        self._delivery, self._servers, self._run_ids = delivery, servers, run_ids
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop)
        self._error: BaseException | None = None
        self._faults: list[tuple[str, Callable[[], None], int]] = [
            ("pool process killed", self._kill_process, 5),
            ("worker killed", self._kill_worker, 3),
            ("worker frozen", self._freeze_worker, 1),
            ("worker asked to stop", self._stop_worker, 1),
            ("broker stopped and started", self._break_broker, 2),
            ("messages doubled", self._double, 3),
            ("messages dropped", self._drop, 2),
        ]
        if servers:
            self._faults.append(("Postgres restarted", self._restart_postgres, 2))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the present fault, and the least number; raises what went wrong in here."""
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _loop(self) -> None:
        names = [name for name, _, _ in self._faults]
        weights = [weight for _, _, weight in self._faults]
        faults = {name: fault for name, fault, _ in self._faults}
        try:
            # Each kind once, then by weight.
            first = self._random.sample(names, len(names))
            while self._goes_on():
                name = first.pop() if first else self._random.choices(names, weights)[0]
                faults[name]()
                self.done[name] += 1
        except BaseException as error:
            self._error = error

    def _goes_on(self) -> bool:
        stopped = self._stop.wait(self._random.uniform(*PAUSE_SECONDS))
        return not stopped or self.done.total() < LEAST_FAULTS

    def _worker(self) -> Worker:
        living = [worker for worker in self._delivery.workers if worker.alive]
        return self._random.choice(living)

    def _holder(self) -> int | None:
        """A process in the middle of a run, looked for a while: the one most worth killing."""
        deadline = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(StorageUnavailableError):
                owners = self._delivery.storage.runs.owners()
                if owners:
                    return int(self._random.choice(owners).split("/")[1].partition("@")[0])
            time.sleep(0.05)
        return None

    def _replace(self, worker: Worker) -> None:
        assert not worker.alive
        self._delivery.worker()

    def _kill_process(self) -> None:
        holder = self._holder()
        with contextlib.suppress(ProcessLookupError):
            if holder is not None:
                os.kill(holder, signal.SIGKILL)

    def _kill_worker(self) -> None:
        holder = self._holder()
        living = [worker for worker in self._delivery.workers if worker.alive]
        busy = [worker for worker in living if holder in worker.pool()]
        worker = self._random.choice(busy or living)
        worker.kill()
        self._replace(worker)

    def _stop_worker(self) -> None:
        worker = self._worker()
        was_ready = worker.ready
        code = worker.terminate()
        # 1 where a process that was killed had the pool's lock: then its end is not waited for.
        assert code in {0, 1} or not was_ready, worker.text()
        self._replace(worker)

    def _freeze_worker(self) -> None:
        worker = self._worker()
        os.killpg(worker.pid, signal.SIGSTOP)
        time.sleep(FREEZE_SECONDS)
        os.killpg(worker.pid, signal.SIGCONT)

    def _break_broker(self) -> None:
        seconds = self._random.uniform(*OUTAGE_SECONDS)
        if self._servers:
            self._servers["redis"].stop()
            time.sleep(seconds)
            self._servers["redis"].start()
            return
        folder = self._delivery.settings.home / "broker"
        aside = folder.with_name("broker-aside")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(aside)
        folder.write_text("not a folder")
        time.sleep(seconds)
        folder.unlink()
        with contextlib.suppress(FileNotFoundError):
            aside.rename(folder)

    def _restart_postgres(self) -> None:
        # Half of the times without a word, as when it crashes.
        how = self._random.choice([signal.SIGINT, signal.SIGQUIT])
        self._servers["postgres"].stop(how)
        time.sleep(self._random.uniform(*OUTAGE_SECONDS))
        self._servers["postgres"].start()

    def _double(self) -> None:
        self._delivery.run_queue.send(self._random.sample(self._run_ids, 5))

    def _drop(self) -> None:
        if self._servers:
            with self._delivery.broker.clone() as connection:
                connection.default_channel.queue_purge(QUEUE)
            return
        folder = self._delivery.settings.home / "broker"
        shutil.rmtree(folder, ignore_errors=True)
