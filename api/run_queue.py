"""Sends messages to workers by the task's name; a broker that is down never fails a submission."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Sequence

import structlog
from celery import Celery

from reglab.core.process import tracing
from reglab.core.process.broker import QUEUE, RUN_TASK, broker_url, transport_options
from reglab.core.settings import Settings

log = structlog.get_logger("reglab.dispatch")
SEND_SECONDS = 5.0
# After a failure; the reaper sends meanwhile.
AWAY_SECONDS = 10.0
MOST_WAITING = 1000


class RunQueue:
    """One per server process."""

    def __init__(self, settings: Settings) -> None:
        self._app = Celery("reglab")
        options = transport_options(settings)
        if settings.broker_url:
            options["socket_timeout"] = SEND_SECONDS
        self._app.conf.update(
            broker_url=broker_url(settings),
            broker_transport_options=options,
            task_serializer="json",
            accept_content=["json"],
            task_ignore_result=True,
            # The reaper sends again what could not be sent; a request should not wait for it.
            task_publish_retry=False,
        )
        self._waiting: queue.Queue[tuple[contextvars.Context, Sequence[str]]]
        self._waiting = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._sender: threading.Thread | None = None

    def announce(self, run_ids: Sequence[str]) -> None:
        """Have one message per run sent; returns at once, whatever the broker does."""
        if not run_ids:
            return
        with self._lock:
            if self._sender is None:
                self._sender = threading.Thread(target=self._work, name="dispatch", daemon=True)
                self._sender.start()
        try:
            self._waiting.put_nowait((contextvars.copy_context(), run_ids))
        except queue.Full:
            log.warning("the broker is slow; the reaper will send", runs=len(run_ids))

    def wait(self) -> None:
        """Until all that was announced was sent or given up."""
        self._waiting.join()

    def _work(self) -> None:
        """One after the other; after a failure none for a while, as each would wait as long."""
        away_until = 0.0
        while True:
            context, run_ids = self._waiting.get()
            if time.monotonic() >= away_until and not context.run(self.send, run_ids):
                away_until = time.monotonic() + AWAY_SECONDS
            self._waiting.task_done()

    def send(self, run_ids: Sequence[str]) -> bool:
        """Send one message per run; False if the broker could not be reached."""
        try:
            with (
                tracing.span("dispatch", runs=len(run_ids)),
                self._app.connection_for_write() as connection,
            ):
                # Fails at once where nothing listens, instead of trying for minutes.
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=SEND_SECONDS)
                producer = self._app.amqp.Producer(connection)
                for run_id in run_ids:
                    self._app.send_task(RUN_TASK, [run_id], queue=QUEUE, producer=producer)
        except Exception as error:
            log.warning("broker unreachable; the reaper will send", error=str(error))
            return False
        return True

    def reachable(self) -> bool:
        """Whether the broker answers."""
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        except Exception:
            return False
        return True
