"""Whether this process should hand its run back: set by signals, read after every epoch."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

_stop = threading.Event()


def stopping() -> bool:
    """True once this pool process was asked to stop, or its parent is gone."""
    return _stop.is_set() or os.getppid() != _parent


def listen() -> None:
    """In a pool process: SIGTERM and SIGUSR2 ask the training to hand its run back.

    SIGUSR1 is taken: the pool raises the soft time limit with it.
    """
    global _parent
    _parent = os.getppid()
    _stop.clear()
    signal.signal(signal.SIGTERM, _on_signal)
    signal.signal(signal.SIGUSR2, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:
    _stop.set()


_parent = os.getppid()
