"""Figures as pure functions of stored results: a new one is a class in a module of this package."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from reglab.core.figures.base import Drawable, Figure, FigureTooLargeError, Runs, prepare, render
from reglab.core.figures.style import Style


def _figures() -> Iterator[Figure[Any]]:
    """One of each named subclass of ``Figure`` that a module of this package defines."""
    for module in pkgutil.iter_modules(__path__):
        for kind in vars(import_module(f"{__name__}.{module.name}")).values():
            is_figure = isinstance(kind, type) and issubclass(kind, Figure)
            if is_figure and kind.__module__.endswith(f".{module.name}") and hasattr(kind, "name"):
                yield kind()


def _place(figure: Figure[Any]) -> tuple[float, str]:
    return figure.article_number or math.inf, figure.name


# The article's figures in its order, then the others by name.
REGISTRY = {figure.name: figure for figure in sorted(_figures(), key=_place)}

__all__ = [
    "REGISTRY",
    "Drawable",
    "Figure",
    "FigureTooLargeError",
    "Runs",
    "Style",
    "prepare",
    "render",
]
