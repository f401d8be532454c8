"""Processors that a training can be compiled for on this machine, and libraries made to differ.

numba compiles for the processor that ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` name; NumPy,
OpenBLAS and glibc choose their code by what the processor can do, unless they are told that it can
do less. A target sets all four. Instructions that this machine lacks cannot be run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

# Features that x86-64-v4 has beyond v3, and beginnings of all that v3 lacks, as LLVM names them.
V4 = ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
V3 = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
BEYOND_V3 = ("avx512", "avxvnni", "avxifma", "avxneconvert", "amx", "avx10", "gfni", "vaes")


@dataclass(frozen=True)
class Target:
    """One processor to be imitated.

    Attributes:
        name: As LLVM names it.
        needs: Features that this machine must have.
        numpy: How many of the levels that NumPy has code for it may use; all if None.
        blas: The kernels of OpenBLAS.
        has_fma: Whether the C library may use fused multiply-adds and AVX2.
    """

    name: str
    needs: tuple[str, ...]
    numpy: int | None
    blas: str
    has_fma: bool = True

    @property
    def is_wide(self) -> bool:
        """Whether it has AVX-512."""
        return self.needs is V4

    def missing(self) -> list[str]:
        """Features that this machine lacks to run it."""
        mine = _features()
        return [name for name in (*V3, *self.needs) if not mine.get(name)]

    def environment(self) -> dict[str, str]:
        """The variables of a process that imitates it."""
        features = {
            name: has and (self.is_wide or not name.startswith(BEYOND_V3))
            for name, has in _features().items()
        }
        found = {
            "NUMBA_CPU_NAME": self.name,
            "NUMBA_CPU_FEATURES": ",".join(f"{'-+'[has]}{name}" for name, has in features.items()),
            "OPENBLAS_CORETYPE": self.blas,
        }
        if self.numpy is not None:
            found["NPY_DISABLE_CPU_FEATURES"] = " ".join(_numpy_levels()[self.numpy :])
        if not self.has_fma:
            found["GLIBC_TUNABLES"] = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2"
        return found


TARGETS = (
    Target("x86-64-v3", V3, numpy=0, blas="Nehalem", has_fma=False),
    Target("haswell", V3, numpy=1, blas="Haswell"),
    Target("znver2", V3, numpy=1, blas="Zen"),
    Target("skylake-avx512", V4, numpy=2, blas="SkylakeX"),
    Target("znver4", V4, numpy=None, blas="Cooperlake"),
    Target("znver5", V4, numpy=None, blas="Zen"),
)


def of_process(target: Target | None, cache: str) -> dict[str, str]:
    """The environment of a process for a target, or for this machine as it is."""
    ours = {"NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "OPENBLAS_CORETYPE", "GLIBC_TUNABLES"}
    ours.add("NPY_DISABLE_CPU_FEATURES")
    plain = {name: value for name, value in os.environ.items() if name not in ours}
    return {**plain, **(target.environment() if target else {}), "NUMBA_CACHE_DIR": cache}


def _features() -> dict[str, bool]:
    import llvmlite.binding as llvm

    return dict(llvm.get_host_cpu_features())


def _numpy_levels() -> list[str]:
    """What NumPy was built to use beyond its baseline and this processor has, in rising order."""
    from numpy._core import _multiarray_umath as umath

    return [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
