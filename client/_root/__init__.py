"""reglab: an experiment service for the regularization of neural networks."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reglab.client import AsyncClient, Client, ClientError, ExperimentSpec

__all__ = ["AsyncClient", "Client", "ClientError", "ExperimentSpec", "__version__"]

try:
    __version__ = version("reglab")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0.0.0"


def __getattr__(name: str) -> Any:
    """The client's names, imported when they are first asked for: servers never need them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module("reglab.client"), name)
    globals()[name] = found
    return found
