"""reglab: an experiment service for the regularization of neural networks."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("reglab")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0.0.0"
