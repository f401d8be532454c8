"""Client and AsyncClient are one surface."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from reglab.client import AsyncClient, AsyncExperiment, AsyncRun, Client, Experiment, Run

PAIRS = [(Client, AsyncClient), (Experiment, AsyncExperiment), (Run, AsyncRun)]


def public(kind: type) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(("blocking", "awaiting"), PAIRS)
def test_same_names_arguments_and_docstrings(blocking, awaiting):
    ours, theirs = public(blocking), public(awaiting)
    assert ours.keys() == theirs.keys()
    for name, member in ours.items():
        assert inspect.getdoc(member), name
        assert inspect.getdoc(member) == inspect.getdoc(theirs[name]), name
        if callable(member):
            arguments = inspect.signature(member).parameters
            assert arguments == inspect.signature(theirs[name]).parameters, name


def test_signatures_hide_how_operations_are_driven():
    with Client("http://reglab.test") as client:
        assert inspect.signature(client.presets).return_annotation == "list[PresetInfo]"
        assert list(inspect.signature(client.compare).parameters) == ["experiments"]
        assert client.presets.__doc__ == "The article's experiments."
