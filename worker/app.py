"""The Celery app; every setting that is not Celery's own default says why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# One run a process, one thread a run: the libraries read this when they are first imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from celery import Celery

from reglab.core.settings import Settings

RUN_TASK = "reglab.run"
QUEUE = "reglab"
# A message is re-sent by the sweeper long before this; it bounds how long Redis hides a message
# whose worker vanished, and must exceed the longest training or Redis delivers it twice.
VISIBILITY_SECONDS = 6 * 3600


def make_app(settings: Settings) -> Celery:
    """An app on the settings' broker, or on the embedded one in the home folder."""
    app = Celery("reglab", include=["reglab.worker.tasks"])
    app.conf.update(
        broker_url=settings.broker_url or "filesystem://",
        broker_transport_options=_transport_options(settings),
        task_default_queue=QUEUE,
        # Results live in the database; a result backend would be a second truth.
        result_backend=None,
        task_ignore_result=True,
        # A message is a run's id; JSON cannot carry code.
        task_serializer="json",
        accept_content=["json"],
        # A message goes only after its run has ended, so a killed worker's message comes back.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # Trainings are long: a worker must not sit on messages that another could serve.
        worker_prefetch_multiplier=1,
        # A training that hangs is ended; the soft limit lets it write its error first.
        task_soft_time_limit=int(os.environ.get("REGLAB_TASK_SECONDS", "21000")),
        task_time_limit=int(os.environ.get("REGLAB_TASK_SECONDS", "21000")) + 60,
        # Whatever was true of the broker at start, keep trying: the database holds the queue.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # After a lost connection the message will come again; the lease decides who may write.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Runs report through the database; events would be unread traffic.
        worker_send_task_events=False,
        # Our own structured logging is set up once, by the entry point.
        worker_hijack_root_logger=False,
        enable_utc=True,
    )
    return app


def _transport_options(settings: Settings) -> dict[str, Any]:
    if settings.broker_url:
        return {"visibility_timeout": VISIBILITY_SECONDS}
    folders = {name: settings.home / "broker" / name for name in ("queue", "processed", "control")}
    for folder in folders.values():
        Path(folder).mkdir(parents=True, exist_ok=True)
    return {
        # One folder serves both ways: what is put in is what is taken out.
        "data_folder_in": str(folders["queue"]),
        "data_folder_out": str(folders["queue"]),
        "processed_folder": str(folders["processed"]),
        "control_folder": str(folders["control"]),
        "store_processed": False,
        # Seconds between looks into the folder: this is the latency of an idle worker.
        "polling_interval": 0.05,
    }


settings = Settings.from_env()
app = make_app(settings)
