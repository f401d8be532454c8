"""Client and AsyncClient are one surface."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import pytest

from reglab.client import AsyncClient, AsyncExperiment, AsyncRun, Client, Experiment, Run
from reglab.client.arms import Adjust
from reglab.core.statistics import ArmAdjustment

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
        asked = ["experiments", "baseline", "metric", "adjust", "margin"]
        assert list(inspect.signature(client.compare).parameters) == asked
        assert client.presets.__doc__ == "The article's experiments."


def test_corrections_have_the_names_of_the_server():
    assert get_args(Adjust) == get_args(ArmAdjustment)
