"""The optimizers: the one named ``adam`` in a spec is the class ``Adam`` of the module ``adam``.

A new one is a module here and a model in ``core.spec.optimizer``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from reglab.core.spec import OptimizerSpec


def of(spec: OptimizerSpec) -> Any:
    """The optimizer of a spec, a ``NamedTuple`` of its settings."""
    module = import_module(f"{__name__}.{spec.name}")
    return getattr(module, type(spec).__name__).of(spec)
