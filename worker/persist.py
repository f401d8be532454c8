"""Writes that outlive an outage of the database: a finished training must not be lost to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from reglab.core.storage import StorageUnavailableError

T = TypeVar("T")
log = logging.getLogger("reglab.worker")
FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.0


def persist(action: Callable[[bool], T], give_up: Callable[[], bool]) -> T:
    """Do it until the database takes it; errors that are no outage are raised at once.

    No time bounds it but the task's own limit: whether the lease still holds is for the database to
    say when it is back, and its fence does.

    Args:
        action: Does the write; is told whether it was tried before, as an answer that was lost
            with the connection may hide that it succeeded.
        give_up: Whether to stop trying.

    Raises:
        StorageUnavailableError: It gave up.
    """
    wait, tried = FIRST_SECONDS, False
    while True:
        try:
            result = action(tried)
        except StorageUnavailableError as error:
            if not tried:
                log.warning("database unavailable, will try until it is back: %s", error)
            if give_up():
                raise
            time.sleep(wait)
            wait, tried = min(2 * wait, LONGEST_SECONDS), True
        else:
            if tried:
                log.info("database is back")
            return result
