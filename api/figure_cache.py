"""Rendered figures by content: what was drawn, from which results, in which style."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from cachetools import LRUCache

from reglab import __version__
from reglab.core.figures import Figure, FigureTooLarge, Style, render
from reglab.core.results import RunResult
from reglab.core.spec import point_key

DPI = 144
COARSE_DPI = 50


class FigureCache:
    """Keeps the most recently used figures; safe for threads, draws each figure once at a time."""

    def __init__(self, mebibytes: int = 64) -> None:
        self._kept: LRUCache[str, bytes] = LRUCache(mebibytes * 2**20, getsizeof=len)
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
            try:
                data = draw()
                with self._lock:
                    if len(data) <= self._kept.maxsize:
                        self._kept[key] = data
            finally:
                with self._lock:
                    self._drawing.pop(key, None)
            return data


def figure_key(version: str, name: str, runs: Sequence[RunResult], **style: Any) -> str:
    """A digest of all that the picture depends on; serves as its ETag."""
    parts = [version, name, style]
    parts += [
        [run.run_id, run.state, point_key(run.params), len(run.curves["epoch"])] for run in runs
    ]
    parts += [run.summary.get("seconds") for run in runs]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def picture(
    cache: FigureCache, figure: Figure, runs: Sequence[RunResult], max_pixels: int
) -> bytes:
    """The figure as PNG in the default style; coarser where it would be too large."""
    style = {"form": "png", "dpi": DPI, "width": None, "theme": "light"}
    key = figure_key(__version__, figure.name, runs, **style)

    def draw() -> bytes:
        try:
            return render(figure, runs, Style(), "png", DPI, max_pixels)
        except FigureTooLarge:
            return render(figure, runs, Style(), "png", COARSE_DPI)

    return cache.get(key, draw)


def stamp_key(version: str, name: str, stamp: Sequence[Sequence[Any]], **style: Any) -> str:
    """As ``figure_key``, from the stamps of the runs: nothing of the results is read."""
    parts = [version, name, style, stamp]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
