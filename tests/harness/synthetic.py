"""Runs made by hand, whose statistics are known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS, RunResult
from reglab.core.spec import ResolvedRun, expand

POINTS = 101
Parts = tuple[dict[str, Any], dict[str, Any]]


def curves(**columns: Any) -> dict[str, np.ndarray]:
    """Columns of 101 evaluations, every second epoch; a number stands for a constant."""
    found = {name: np.full(POINTS, 0.5) for name in CURVE_COLUMNS}
    found["epoch"] = np.arange(0, 2 * POINTS, 2)
    for name, value in columns.items():
        found[name] = np.broadcast_to(np.asarray(value, float), POINTS).copy()
    return found


def experiment(
    preset: str, seed: int, parts: Callable[[int, ResolvedRun], Parts], **overrides: Any
) -> list[RunResult]:
    """A preset's runs of one seed; ``parts`` gives curves and arrays by position in the sweep."""
    made = []
    for at, run in enumerate(expand(build(preset, {"seeds": [seed], **overrides}))):
        columns, arrays = parts(at, run)
        spec = run.spec
        made.append(RunResult(f"{preset}-{seed}-{at}", at, run.params, seed, spec, columns, arrays))
    return made


def predictions(confidence: Iterable[float], right: Iterable[bool]) -> dict[str, np.ndarray]:
    """Logits (N, 10) with these top probabilities, and labels that make the answers right."""
    top = np.asarray(list(confidence))[:, None]
    logits = np.log(np.repeat((1 - top) / 9, 10, axis=1))
    logits[:, :1] = np.log(top)
    labels = np.where(list(right), 0, 1).astype(np.uint8)
    return {"test.logits": logits.astype(np.float32), "test.labels": labels}


def stripes(count: int, size: int = 41, low: float = 0.1) -> dict[str, np.ndarray]:
    """A boundary of ``count`` straight lines across a square of side 1: its length is ``count``."""
    axis = np.linspace(0, 1, size)
    wave = 0.5 + (0.5 - low) * np.cos(np.pi * count * axis) if count else np.full(size, 0.9)
    return {"boundary.x": axis, "boundary.y": axis, "boundary.p": np.repeat(wave[:, None], size, 1)}


def shares(part: float, inside: float, outside: float, size: int = 40) -> dict[str, np.ndarray]:
    """A grid with the value ``inside`` on a share ``part`` of it."""
    axis = np.linspace(0, 1, size)
    rows = np.where(np.arange(size) < round(part * size), inside, outside)
    return {"boundary.x": axis, "boundary.y": axis, "boundary.p": np.repeat(rows[:, None], size, 1)}
