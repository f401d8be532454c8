"""Rendered figures by content: what was drawn, from which results, in which style."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from cachetools import LRUCache

from reglab import __version__
from reglab.core.figures import Figure, Style, render
from reglab.core.results import RunResult

MEGABYTES = 128
DPI = 144


class FigureCache:
    """Keeps the most recently used figures; safe for threads, draws each figure once at a time."""

    def __init__(self) -> None:
        self._kept: LRUCache[str, bytes] = LRUCache(MEGABYTES * 2**20, getsizeof=len)
        self._lock = threading.Lock()
        self._drawing: dict[str, threading.Lock] = {}

    def kept(self, key: str) -> bytes | None:
        """The figure of this key if it is kept."""
        with self._lock:
            return self._kept.get(key)

    def get(self, key: str, draw: Callable[[], bytes]) -> bytes:
        """The figure of this key, drawn if it is not kept."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            turn = self._drawing.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            data = draw()
            with self._lock:
                if len(data) <= self._kept.maxsize:
                    self._kept[key] = data
                self._drawing.pop(key, None)
            return data


def figure_key(version: str, name: str, runs: Sequence[RunResult], **style: Any) -> str:
    """A digest of all that the picture depends on; serves as its ETag."""
    parts = [version, name, style]
    parts += [[run.run_id, run.state, run.params, len(run.curves["epoch"])] for run in runs]
    parts += [run.summary.get("seconds") for run in runs]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def picture(cache: FigureCache, figure: Figure, runs: Sequence[RunResult]) -> bytes:
    """The figure as PNG in the default style."""
    style = {"form": "png", "dpi": DPI, "width": None, "theme": "light"}
    key = figure_key(__version__, figure.name, runs, **style)
    return cache.get(key, lambda: render(figure, runs, Style(), "png", DPI))


def stamp_key(version: str, name: str, stamp: Sequence[Sequence[Any]], **style: Any) -> str:
    """As ``figure_key``, from the stamps of the runs: nothing of the results is read."""
    parts = [version, name, style, stamp]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
