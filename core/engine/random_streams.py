"""Named random streams: one seed, and for each purpose a generator independent of the others."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of one purpose, e.g. ``stream(0, "dropout")``.

    A SeedSequence child whose spawn key is the CRC-32 of the name: using one stream, or adding a
    new one, leaves the others as they were.
    """
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(zlib.crc32(name.encode()),))
    return np.random.Generator(np.random.PCG64(sequence))


def get_state(generator: np.random.Generator) -> dict[str, Any]:
    """The generator's state as JSON (128-bit integers as strings, which JSON readers keep)."""
    state = dict(generator.bit_generator.state)
    state["state"] = {key: str(value) for key, value in state["state"].items()}
    return state


def set_state(generator: np.random.Generator, state: dict[str, Any]) -> None:
    """Put a generator back to a state from ``get_state``."""
    inner = {key: int(value) for key, value in state["state"].items()}
    generator.bit_generator.state = {**state, "state": inner}
