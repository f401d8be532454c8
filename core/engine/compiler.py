"""How kernels are compiled: once per machine, cached in the user's cache folder, one thread."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import platformdirs

CORE = Path(__file__).parents[1]
# What is compiled, and the classes of what it is called with.
SOURCES = (
    CORE / "elementary.py",
    CORE / "metrics" / "losses.py",
    CORE / "regularizers" / "base.py",
    *sorted((CORE / "engine").rglob("*.py")),
)


def _digest() -> str:
    """Of all sources of kernels: numba looks at the file of a kernel alone, not at its callees'."""
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder(chosen: str) -> str:
    """A folder for these sources: in the one that was chosen, or else in the user's cache folder.

    A package's own folder may be read-only.
    """
    name = _digest()
    if chosen:
        # A process that another one of reglab's has started finds the whole path.
        return chosen if Path(chosen).name == name else str(Path(chosen, name))
    folder = Path(platformdirs.user_cache_dir("reglab"), "numba", name)
    if not _is_writable(folder):
        folder = Path(tempfile.gettempdir(), f"reglab-{os.getuid()}", "numba", name)
        warnings.warn(
            f"Compiled kernels are kept in {folder}, as the user's cache folder cannot be written. "
            "Set NUMBA_CACHE_DIR to a folder that outlives a restart.",
            RuntimeWarning,
            stacklevel=2,
        )
        if not _is_writable(folder):
            return tempfile.mkdtemp(prefix="reglab-numba-")
    return str(folder)


def _is_writable(folder: Path) -> bool:
    """Whether files can be made there by this user, and by no one else who prepared the folder."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder.stat().st_uid == os.getuid()
    except OSError:
        return False


FOLDER = _cache_folder(os.environ.get("NUMBA_CACHE_DIR", ""))
os.environ["NUMBA_CACHE_DIR"] = FOLDER

import numba
from numba.core.caching import UserProvidedCacheLocator

# Whoever imported numba earlier had it read the variable before it was set.
setattr(numba.config, "CACHE_DIR", FOLDER)  # noqa: B010 # set at run time


class KernelLocator(UserProvidedCacheLocator):
    """Where numba keeps a kernel: the same place for equal sources, wherever these are installed.

    The folder's name has the digest of all sources, so there is no other stamp.
    """

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)  # type: ignore[no-untyped-call]
        parts = Path(file).relative_to(CORE).with_suffix("").parts
        self._cache_path = str(Path(FOLDER, "-".join(parts)))

    def get_source_stamp(self) -> str:
        """Equal for all."""
        return Path(FOLDER).name

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        """None for a kernel that is not in ``SOURCES``, such as a user's own."""
        if Path(file) not in SOURCES:
            return None
        return super().from_function(function, file)  # type: ignore[no-untyped-call]


# Other kernels of this process are kept where numba keeps them.
LOCATORS = (f"{__name__}.{KernelLocator.__name__}", "UserProvidedCacheLocator")
setattr(numba.config, "CACHE_LOCATOR_CLASSES", ",".join(LOCATORS))  # noqa: B010 # set at run time

# No flag that lets LLVM round otherwise: what it makes of a kernel differs between the process that
# compiles it and those that load it from the cache. ``llvm_ir.fused`` says where to round once.
#
# Kernels count no references to arrays (``_nrt``), which took a tenth of the time of small
# networks: they only write to memory that their callers hold. So they can neither make arrays nor,
# unless they are inlined, return one.
OPTIONS: Any = {
    "nogil": True,
    "fastmath": {"nsz"},
    "error_model": "numpy",
    "_nrt": False,
}

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile at the first call, release the GIL, and cache the machine code on disk."""
    compile_it: Any = numba.njit(cache=True, **OPTIONS)
    return cast(F, compile_it(function))


def allocating(function: F) -> F:
    """A kernel that makes arrays; only Python may call it."""
    compile_it: Any = numba.njit(cache=True, **{**OPTIONS, "_nrt": True})
    return cast(F, compile_it(function))


def inlined(function: F) -> F:
    """A kernel that is inlined where it is called; saves compiling it by itself."""
    compile_it: Any = numba.njit(cache=True, inline="always", **OPTIONS)
    return cast(F, compile_it(function))
