"""What is stored when an experiment is submitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from reglab.core.spec import ExperimentSpec, ResolvedRun, expand
from reglab.core.storage.quota import Quota
from reglab.core.storage.records import NOWHERE, Origin
from reglab.core.storage.result_cache import Content


@dataclass(frozen=True)
class Submission:
    """An experiment with its runs, and how it came.

    Attributes:
        spec: As submitted.
        runs: What it expands to.
        preset: The preset it was made from.
        key: Idempotency key.
        request_hash: Digest of the request that the key belongs to.
        contents: What decides each run's result beside spec and seed; empty never reuses.
        force: Train even what could be reused.
        token_id: The token that it was submitted with.
        estimated_seconds: What its runs should cost together.
        quota: How much may wait.
        origin: The request that submits it.
    """

    spec: ExperimentSpec
    runs: Sequence[ResolvedRun]
    preset: str | None = None
    key: str | None = None
    request_hash: str = ""
    contents: Sequence[Content] = ()
    force: bool = False
    token_id: str | None = None
    estimated_seconds: float | None = None
    quota: Quota | None = None
    origin: Origin = NOWHERE

    @classmethod
    def of(cls, spec: ExperimentSpec, **more: Any) -> Self:
        """All runs of a spec, with the fields that are given."""
        return cls(spec, expand(spec), **more)

    @cached_property
    def content_keys(self) -> list[str]:
        """What decides the result of each run; empty where nothing is known of it."""
        if not self.contents:
            return []
        return [content.key(run) for run, content in zip(self.runs, self.contents, strict=True)]

    @property
    def engine_version(self) -> int | None:
        """The engine that its runs are meant for, where that is known."""
        return self.contents[0].engine_version if self.contents else None
