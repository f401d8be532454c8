"""States of a run, and of an experiment."""

from __future__ import annotations

from typing import Literal

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "succeeded", "failed", "cancelled")
TERMINAL: tuple[State, ...] = ("succeeded", "failed", "cancelled")
