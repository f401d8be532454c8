"""Errors that a user can act on: what was wrong, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One fault of one field.

    Attributes:
        path: Dotted path of the field, e.g. ``regularization.l2`` or ``sweep.training.epochs[1]``.
        detail: What was wrong, in a sentence.
        remedy: What would be right, in a sentence.
        also: Dotted paths of the other fields that the fault is between.
    """

    path: str
    detail: str
    remedy: str
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.detail} {self.remedy}".rstrip()


def suggestion(name: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'? `` with the nearest known name, whatever its case; empty if none is."""
    by_case = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name[:100].lower(), by_case, n=1)
    return f"Did you mean '{by_case[near[0]]}'? " if near else ""


class ReglabError(Exception):
    """Base of every exception that reglab defines."""


class FieldProblemError(ReglabError):
    """Base of the errors of what was given: a spec, a setting, a file; carries field problems."""

    def __init__(self, problems: list[FieldProblem] | FieldProblem) -> None:
        self.problems = [problems] if isinstance(problems, FieldProblem) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SpecError(FieldProblemError):
    """The spec, its sweep or its overrides cannot be accepted."""


class DatasetUnavailableError(FieldProblemError):
    """The dataset is known, but its files are not on this machine and cannot be downloaded."""


class TrainingDivergedError(FieldProblemError):
    """The loss or a parameter became NaN or infinite; the problem's detail names the epoch."""


class NotMeasurableError(FieldProblemError):
    """The runs do not hold what a claim or a figure is about; the message says what is missing."""

    def __init__(self, reason: str) -> None:
        super().__init__(FieldProblem("", reason, ""))


class NotComparableError(FieldProblemError):
    """Experiments or runs cannot be paired; the message says why.

    ``path`` is the field that is at fault, where it is one alone.
    """

    def __init__(self, reason: str, path: str = "", remedy: str = "") -> None:
        super().__init__(FieldProblem(path, reason, remedy))


# What a measurement raises where its code is at fault; storage that is away raises none of these.
CODE_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
