"""How kernels are compiled: once a machine, cached in the user's cache folder, one thread."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import platformdirs


def _cache_folder() -> str:
    """A folder of the user's, as a package's may be read-only; another one for other sources.

    numba looks at the file of a kernel alone, not at those of the kernels it calls.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return os.path.join(platformdirs.user_cache_dir("reglab"), "numba", digest.hexdigest()[:16])


# Read when numba is first imported.
os.environ.setdefault("NUMBA_CACHE_DIR", _cache_folder())

import numba
from threadpoolctl import threadpool_limits

# No flag that lets LLVM round otherwise: what it makes of a kernel differs between the process that
# compiles it and those that load it from the cache. ``vectors.fused`` says where to round once.
FASTMATH = {"nsz"}

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile at first call, release the GIL, and cache the machine code on disk."""
    compile_it: Any = numba.njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy")
    return cast(F, compile_it(function))


def inlined(function: F) -> F:
    """A kernel that is written out where it is called; saves compiling it by itself."""
    compile_it: Any = numba.njit(
        cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy", inline="always"
    )
    return cast(F, compile_it(function))


def one_blas_thread() -> None:
    """Keep this process's BLAS to one thread: runs are spread over processes instead."""
    threadpool_limits(limits=1, user_api="blas")
