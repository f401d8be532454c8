"""The Celery app; every setting that is not Celery's own default says why."""

from __future__ import annotations

import os

# One run per process, one thread per run: the libraries read this when they are first imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from celery import Celery

from reglab.core.process.broker import QUEUE, RUN_TASK, broker_url, transport_options
from reglab.core.settings import Settings
from reglab.worker.settings import settings

__all__ = ["QUEUE", "RUN_TASK", "app", "settings"]

# Redis hides a message that long from others while it is worked on. Longer than any task may take,
# or Redis would hand it out twice (which finds nothing to lease); a message that a dead worker had
# is not waited for: the reaper sends another.
VISIBILITY_MARGIN_SECONDS = 600.0


def make_app(settings: Settings) -> Celery:
    """An app on the settings' broker, or on the embedded one in the home folder."""
    app = Celery("reglab", include=["reglab.worker.tasks"])
    hard_limit = settings.task_seconds + settings.grace_seconds
    app.conf.update(
        broker_url=broker_url(settings),
        broker_transport_options=transport_options(
            settings, hard_limit + VISIBILITY_MARGIN_SECONDS
        ),
        task_default_queue=QUEUE,
        # Results live in the database; a result backend would be a second truth.
        result_backend=None,
        task_ignore_result=True,
        # A message is a run's id; JSON cannot carry code.
        task_serializer="json",
        accept_content=["json"],
        # A message goes only after its run has ended, so a killed worker's message comes back.
        task_acks_late=True,
        # Also when only the process died that worked on it, as after running out of memory.
        task_reject_on_worker_lost=True,
        # How long to wait for word from a process that died; the word is in the database.
        worker_lost_wait=1.0,
        # Trainings are long: a worker must not sit on messages that another could serve.
        worker_prefetch_multiplier=1,
        # A training that takes too long is ended; the soft limit lets it write its error first.
        task_soft_time_limit=settings.task_seconds,
        # One that does not hear the soft limit (in native code) loses its process.
        task_time_limit=hard_limit,
        # Whatever is true of the broker at start, keep trying: the database holds the queue.
        broker_connection_retry_on_startup=True,
        # None is for ever; the default gives up after 100 tries.
        broker_connection_max_retries=None,
        # After a lost connection the message will come again; the lease decides who may write.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Workers find work in the database; commands between them would only be polled for.
        worker_enable_remote_control=False,
        # Runs report through the database; events would be unread traffic.
        worker_send_task_events=False,
        enable_utc=True,
    )
    return app


app = make_app(settings)
