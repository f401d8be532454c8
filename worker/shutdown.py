"""Whether trainings should hand their runs back: said by the main process, read each epoch."""

from __future__ import annotations

import mmap
import os

# One byte that the pool's processes share with the main process since the fork. Signals would not
# do: the pool takes the useful ones for itself. It needs no lock: it only goes from 0 to 1.
_flag = mmap.mmap(-1, 1)
_main = os.getpid()


def stopping() -> bool:
    """True once this worker was asked to stop, or its main process was killed."""
    return _flag[0] == 1 or (os.getpid() != _main and os.getppid() != _main)


def ask_to_stop() -> None:
    """Called in the worker's main process; its pool's processes see it."""
    _flag[0] = 1
