"""Whether trainings should hand their runs back: said by the main process, read each epoch."""

from __future__ import annotations

import mmap

# One byte that the pool's processes share with the main process since the fork. Signals would not
# do: the pool takes the useful ones for itself. It needs no lock: it only goes from 0 to 1.
_flag = mmap.mmap(-1, 1)


def stopping() -> bool:
    """True once this worker was asked to stop."""
    return _flag[0] == 1


def ask_to_stop() -> None:
    """Called in the worker's main process; its pool's processes see it."""
    _flag[0] = 1
