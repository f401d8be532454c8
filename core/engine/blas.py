"""Threads of the linear algebra library."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def one_blas_thread() -> None:
    """Keep this process's BLAS to one thread: runs are spread over processes instead."""
    threadpool_limits(limits=1, user_api="blas")
