"""Ends this process when the one that started it is gone, however that ended."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time

# File descriptor of a pipe that the parent holds open and never writes to. The client, which may
# not import this file, sets it by name.
VARIABLE = "REGLAB_PARENT_PIPE"
# For a clean end, as the parent itself would give.
STOP_SECONDS = 20.0


def end_with_parent() -> None:
    """Watch the parent from a thread, if it left a pipe to watch; returns at once."""
    try:
        pipe = int(os.environ[VARIABLE])
        if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
            return
    except (KeyError, ValueError, OSError):
        return
    threading.Thread(target=_wait, args=(pipe,), name="parent", daemon=True).start()


def _wait(pipe: int) -> None:
    # Returns when the last holder of the other end is gone: the kernel closes it after SIGKILL too.
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    # Its own group, where the parent gave it one, so that its pool ends with it.
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
