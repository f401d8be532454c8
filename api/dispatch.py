"""Sends messages to workers by the task's name; a broker that is down never fails a submission."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog
from celery import Celery

from reglab.core import tracing
from reglab.core.broker import QUEUE, RUN_TASK, broker_url, transport_options
from reglab.core.settings import Settings

log = structlog.get_logger("reglab.dispatch")
SEND_SECONDS = 5.0


class Dispatcher:
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
            # The sweeper sends again what could not be sent; a request should not wait for it.
            task_publish_retry=False,
        )
        self._lock = threading.Lock()

    def enqueue(self, run_ids: Sequence[str]) -> bool:
        """Send one message a run; False if the broker could not be reached."""
        try:
            with (
                tracing.span("dispatch", runs=len(run_ids)),
                self._lock,
                self._app.connection_for_write() as connection,
            ):
                # Fails at once where nothing listens, instead of trying for minutes.
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=SEND_SECONDS)
                producer = self._app.amqp.Producer(connection)
                for run_id in run_ids:
                    self._app.send_task(RUN_TASK, [run_id], queue=QUEUE, producer=producer)
        except Exception as error:
            log.warning("broker unreachable; the sweeper will send", error=str(error))
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
