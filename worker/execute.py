"""One attempt of one run: train, write chunks and checkpoints, keep the lease, obey cancels."""

from __future__ import annotations

import contextvars
import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core import datasets, machine
from reglab.core.engine import ENGINE_VERSION, Checkpoint, Evaluation, Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.errors import ReglabError
from reglab.core.probes import Arrays, Recorder
from reglab.core.process import tracing
from reglab.core.results import CURVE_COLUMNS, FURTHER_COLUMNS
from reglab.core.settings import DataSettings, Settings
from reglab.core.spec import RunSpec, metrics_of
from reglab.core.storage import (
    LeaseLostError,
    NotFoundError,
    RunLease,
    Storage,
    StorageUnavailableError,
)
from reglab.core.storage.dataset_files import DatasetFiles
from reglab.core.tables import Table
from reglab.worker.persist import persist
from reglab.worker.shutdown import stopping

log = logging.getLogger("reglab.worker")
PROBE_PREFIX = "probe:"
# How long a stop may wait for the end of an epoch before it is forced.
PATIENCE_SECONDS = 0.3


class RunCancelledError(ReglabError):
    """Someone asked for this run to stop."""


class RunInterruptedError(ReglabError):
    """This worker is shutting down; the run should go on elsewhere."""


class RunOverdueError(ReglabError):
    """The attempt has taken longer than ``task_seconds``."""


class Execution:
    """Runs a leased training; all writes are fenced by the lease.

    Args:
        storage: Where the results go.
        lease: The right to write them.
        settings: Times.
        force_end: Ends this process; called when the run was stopped in the middle of a long epoch,
            after that was stored. Without it the epoch is waited for.
    """

    def __init__(
        self,
        storage: Storage,
        lease: RunLease,
        settings: Settings,
        force_end: Callable[[], None] | None = None,
    ) -> None:
        self._runs = storage.runs
        folder = DataSettings.from_env().cache_dir / "uploads"
        self._files = DatasetFiles(storage.datasets, folder)
        self._lease = lease
        self._settings = settings
        self._force_end = force_end
        self._spec = RunSpec.model_validate(lease.run.spec)
        self._trainer: Trainer | None = None
        self._recorder: Recorder | None = None
        self._pending: list[Evaluation] = []
        self._cancel = threading.Event()
        self._lost = threading.Event()
        self._began = self._written = self._saved = time.monotonic()
        self._saved_epoch = lease.run.epoch

    @property
    def epoch(self) -> int:
        """Epochs finished so far; all their evaluations are written or in ``columns``."""
        return self._trainer.epoch if self._trainer else 0

    def run(self) -> None:
        """Train to the end and store the results.

        Raises:
            Cancelled, Interrupted, LeaseLostError, Overdue: It was stopped; nothing is marked as
                finished.
            StorageUnavailableError: The worker was asked to stop while the database was away.
        """
        done = threading.Event()
        # In this context, so that its log lines name the run too.
        context = contextvars.copy_context()
        beat = threading.Thread(target=context.run, args=(self._beat, done), daemon=True)
        beat.start()
        try:
            self._train()
        finally:
            done.set()
            beat.join()

    def columns(self) -> dict[str, NDArray[Any]] | None:
        """Evaluations not yet written, as columns, or None."""
        if not self._pending:
            return None
        rows = [asdict(evaluation) for evaluation in self._pending]
        further = [metric.name for metric in metrics_of(self._spec)]
        names = [*CURVE_COLUMNS, *(name for name in FURTHER_COLUMNS if name in further)]
        return {name: np.array([row[name] for row in rows]) for name in names}

    def checkpoint(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Arrays and JSON state to go on from, or None before the first epoch."""
        if self._trainer is None or self._recorder is None or self._trainer.epoch == 0:
            return None
        taken = self._trainer.checkpoint()
        probes = {PROBE_PREFIX + name: a for name, a in self._recorder.state().items()}
        return {**taken.arrays, **probes}, taken.state

    def _train(self) -> None:
        began = time.perf_counter()
        seed = self._lease.run.seed
        data = datasets.load(self._spec.dataset, stream(seed, "data"), self._table)
        tracing.event("data loaded")
        checkpoint, gathered = self._resumed()
        self._trainer = trainer = Trainer(self._spec, data, seed, checkpoint)
        self._recorder = recorder = Recorder(self._spec, trainer.data, seed)
        recorder.restore(gathered)
        trainer.on_epoch = self._after_epoch
        for evaluation in trainer:
            self._pending.append(evaluation)
            recorder.observe(evaluation.epoch, trainer.network())
            # Epoch 0 and the last are not followed by on_epoch before a long silence.
            self._check()
        tracing.event("trained", {"epoch": trainer.epoch})
        network = trainer.network()
        arrays, found = recorder.finish(network)
        summary = {
            **trainer.summary(),
            "engine_version": ENGINE_VERSION,
            "seconds": time.perf_counter() - began,
            "provenance": trainer.data.provenance,
            "made_by": machine.describe(),
            **found,
        }
        columns = self.columns()
        finish = functools.partial(self._runs.finish, self._lease, columns, arrays, summary)
        persist(lambda _: finish(trainer.epoch), stopping)
        self._pending.clear()

    def _table(self, identifier: str) -> Table:
        try:
            return self._files.table(identifier)
        except NotFoundError:
            return datasets.no_uploads(identifier)

    def _resumed(self) -> tuple[Checkpoint | None, Arrays]:
        """The trainer's checkpoint, and what the probes had gathered by then."""
        if self._lease.checkpoint is None:
            return None, {}
        arrays, state = self._lease.checkpoint
        own = {name: a for name, a in arrays.items() if not name.startswith(PROBE_PREFIX)}
        gathered = {
            name.removeprefix(PROBE_PREFIX): array
            for name, array in arrays.items()
            if name.startswith(PROBE_PREFIX)
        }
        return Checkpoint(own, state), gathered

    def _after_epoch(self, epoch: int) -> None:
        self._check()
        moment = time.monotonic()
        ended = epoch == self._spec.training.epochs or (self._trainer and self._trainer.stopped)
        if ended or moment - self._written < self._settings.heartbeat_seconds:
            return
        self._written = moment
        save = moment - self._saved >= self._settings.checkpoint_seconds
        checkpoint = self.checkpoint() if save else None
        progress = epoch / self._spec.training.epochs
        try:
            columns = self.columns()
            version = int(ENGINE_VERSION)
            seen = self._runs.record(self._lease, epoch, progress, columns, checkpoint, version)
        except StorageUnavailableError as error:
            # Training goes on; what is pending goes with the next record.
            log.warning("run %s: not recorded at epoch %d: %s", self._lease.run_id, epoch, error)
            return
        self._pending.clear()
        if save:
            self._saved, self._saved_epoch = moment, epoch
        if seen.cancel_requested:
            raise RunCancelledError

    def _check(self) -> None:
        if self._lost.is_set():
            raise LeaseLostError("The lease went to another worker.")
        if self._cancel.is_set():
            raise RunCancelledError
        if stopping():
            raise RunInterruptedError
        if self._over(self._settings.task_seconds):
            raise RunOverdueError

    def _over(self, seconds: float) -> bool:
        return time.monotonic() - self._began > seconds

    def _beat(self, done: threading.Event) -> None:
        """Renew the lease while an epoch is long, and see that a stop does not wait for its end."""
        while not done.wait(self._settings.heartbeat_seconds):
            try:
                if not self._lost.is_set() and self._runs.heartbeat(self._lease).cancel_requested:
                    self._cancel.set()
            except LeaseLostError:
                self._lost.set()
            except Exception as error:
                # The database may be restarting; the lease holds for many heartbeats.
                log.debug("run %s: no heartbeat: %s", self._lease.run_id, error)
            if self._over(self._settings.task_seconds + self._settings.grace_seconds):
                # As the pool's own hard limit does, but also where the pool has lost sight of it.
                if self._force_end is not None:
                    self._force_end()
                return
            asked = self._lost.is_set() or self._cancel.is_set() or stopping()
            if asked and not done.wait(PATIENCE_SECONDS) and self._let_go():
                if self._force_end is not None:
                    self._force_end()
                return

    def _let_go(self) -> bool:
        """Store that the run was stopped, in place of a training that does not look up.

        What was checkpointed is kept. Returns False if that could not be stored.
        """
        try:
            if self._lost.is_set():
                return True
            if self._cancel.is_set():
                self._runs.cancel(self._lease)
            else:
                self._runs.release(self._lease, self._saved_epoch)
        except LeaseLostError:
            # The training looked up just now and stored it itself.
            return False
        except StorageUnavailableError as error:
            log.warning("run %s: could not be handed back: %s", self._lease.run_id, error)
            return False
        return True
