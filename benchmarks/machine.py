"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import os
import platform
from typing import Any

from reglab.core.machine import cpu_info, version

PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "torch", "jax", "jaxlib", "sqlalchemy", "celery")
VECTOR_FLAGS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "asimd", "sve")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, versions, and the kernels that BLAS chose."""
    from threadpoolctl import threadpool_info

    cpu = cpu_info()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "cpu": cpu.get("model name", platform.processor() or platform.machine()),
        "cpu_family": f"{cpu.get('cpu family', '?')}/{cpu.get('model', '?')}",
        "llvm_cpu": _llvm_cpu(),
        "load": round(os.getloadavg()[0], 1),
        "cores": len(os.sched_getaffinity(0)),
        "vector_flags": [flag for flag in VECTOR_FLAGS if flag in cpu.get("flags", "").split()],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES if version(name)},
        "blas": sorted(
            f"{pool['internal_api']} {pool.get('version')} ({pool.get('architecture', '?')})"
            for pool in threadpool_info()
            if pool["user_api"] == "blas"
        ),
        "blas_settings": {k: v for k, v in os.environ.items() if k.startswith("OPENBLAS_")},
    }


def sentence(machine: dict[str, Any]) -> str:
    """The description in one line."""
    blas = ", ".join(dict.fromkeys(machine["blas"]))
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    load = machine["load"]
    busy = f" Load average {load:g} when it ended." if load > machine["cores"] + 0.5 else ""
    return (
        f"{machine['cpu']} ({machine['llvm_cpu']}; {', '.join(machine['vector_flags'])}), "
        f"{machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']}; "
        f"Python {machine['python']}; {versions}; BLAS: {blas}.{busy}"
    )


def _llvm_cpu() -> str:
    import llvmlite.binding

    return str(llvmlite.binding.get_host_cpu_name())
