"""Sends messages to workers by the task's name; a broker that is down never fails a submission."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import structlog
from celery import Celery

from reglab.core.settings import Settings

log = structlog.get_logger("reglab.dispatch")
RUN_TASK = "reglab.run"
QUEUE = "reglab"


class Dispatcher:
    """One per server process."""

    def __init__(self, settings: Settings) -> None:
        self._app = Celery("reglab")
        options: dict[str, object] = {"socket_connect_timeout": 2, "socket_timeout": 5}
        if not settings.broker_url:
            folder = Path(settings.home) / "broker" / "queue"
            folder.mkdir(parents=True, exist_ok=True)
            options = {"data_folder_in": str(folder), "data_folder_out": str(folder)}
            options["control_folder"] = str(folder.parent / "control")
        self._app.conf.update(
            broker_url=settings.broker_url or "filesystem://",
            broker_transport_options=options,
            task_serializer="json",
            task_ignore_result=True,
            # The sweeper sends again what could not be sent; a request should not wait for it.
            task_publish_retry=False,
        )
        self._lock = threading.Lock()

    def enqueue(self, run_ids: Sequence[str]) -> bool:
        """Send one message a run; False if the broker could not be reached."""
        try:
            with self._lock, self._app.connection_for_write() as connection:
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
                connection.ensure_connection(max_retries=1, timeout=2)
        except Exception:
            return False
        return True
