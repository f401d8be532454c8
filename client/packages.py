"""Optional packages, imported when they are first needed."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from reglab.client.errors import MissingPackageError


def need(name: str, purpose: str) -> Any:
    """The module; MissingPackageError says what it is needed for and how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        root = name.partition(".")[0]
        raise MissingPackageError(
            f"{purpose} needs {root}, which is not installed.", f"Run `pip install {root}`."
        ) from error


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel."""
    # A kernel has imported it; importing it here would cost everyone else a second.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in shell.config
