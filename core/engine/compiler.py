"""How kernels are compiled: once a machine, cached in the user's cache folder, one thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import platformdirs

# Read when numba is first imported; a package folder may be read-only or shared.
os.environ.setdefault(
    "NUMBA_CACHE_DIR", os.path.join(platformdirs.user_cache_dir("reglab"), "numba")
)

import numba
from threadpoolctl import threadpool_limits

# Without 'nnan' and 'ninf', so that a diverging run still shows NaN and infinity.
FASTMATH = {"contract", "reassoc", "arcp", "nsz"}

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile at first call, release the GIL, and cache the machine code on disk."""
    compile_it: Any = numba.njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy")
    return cast(F, compile_it(function))


def one_blas_thread() -> None:
    """Keep this process's BLAS to one thread: runs are spread over processes instead."""
    threadpool_limits(limits=1, user_api="blas")
