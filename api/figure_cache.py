"""What was drawn and measured, by content: of what, from which results, in which style."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from cachetools import LRUCache

from reglab import __version__
from reglab.api.schemas.curves import EceTable
from reglab.core.claims import REGISTRY as CLAIMS
from reglab.core.claims import Outcome
from reglab.core.figures import Drawable, FigureTooLargeError, Style, render

DPI = 144
COARSE_DPI = 50
T = TypeVar("T")
# (id, attempt, end) of each run: equal stamps, equal results.
Stamp = Sequence[Sequence[Any]]


class Cache(Generic[T]):
    """Keeps what was used last; safe for threads, makes each value once at a time."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self._kept: LRUCache[str, T] = LRUCache(most, getsizeof=size)
        self._size = size
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def kept(self, key: str) -> T | None:
        """The value of this key if it is kept."""
        with self._lock:
            return self._kept.get(key)

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The value of this key, made if it is not kept."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                value = make()
                with self._lock:
                    if self._size(value) <= self._kept.maxsize:
                        self._kept[key] = value
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return value


class FigureCache(Cache[bytes]):
    """Pictures and documents."""

    def __init__(self, most_bytes: int = 64 * 2**20) -> None:
        super().__init__(most_bytes, len)


class Evaluated(NamedTuple):
    """What runs say about all claims, what their seeds varied, and what made them."""

    outcomes: list[Outcome]
    varied: str
    made_by: str


class OutcomeCache(Cache[Evaluated]):
    """Outcomes of all claims, which endpoint, figure, captions and report share."""

    def __init__(self, entries: int = 64) -> None:
        super().__init__(entries, lambda _: 1)


class EceTableCache(Cache[EceTable]):
    """Tables of calibration errors, up to so many rows in all."""

    def __init__(self, rows: int = 20_000) -> None:
        super().__init__(rows, lambda table: len(table.items) + 1)


def stamp_key(name: str, stamp: Stamp, **style: Any) -> str:
    """A digest of all that the content depends on; serves as its ETag."""
    parts = [__version__, name, style, list(CLAIMS), stamp]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def picture(cache: FigureCache, drawable: Drawable[Any], stamp: Stamp, max_pixels: int) -> bytes:
    """The figure as PNG in the default style; coarser where it would be too large."""
    style = {"form": "png", "dpi": DPI, "width": None, "theme": "light"}
    key = stamp_key(drawable.figure.name, stamp, **style)

    def draw() -> bytes:
        figure, found = drawable.figure, drawable.found
        try:
            return render(figure, found, Style(), "png", DPI, max_pixels)
        except FigureTooLargeError:
            return render(figure, found, Style(), "png", COARSE_DPI)

    return cache.get(key, draw)
