"""Every exception that the product defines has one root, and a name that says what it is."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

from reglab.core.errors import ReglabError

PACKAGES = ("core", "api", "worker", "client")
# Run something when they are imported.
SCRIPTS = "__main__"


def exceptions(package: str) -> set[type[BaseException]]:
    root = importlib.import_module(f"reglab.{package}")
    names = [
        found.name
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")
        if not found.name.endswith(SCRIPTS)
    ]
    return {
        kind
        for name in names
        for kind in vars(importlib.import_module(name)).values()
        if inspect.isclass(kind)
        and issubclass(kind, BaseException)
        and kind.__module__.startswith("reglab.")
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_all_have_one_root_and_end_in_error(package):
    found = exceptions(package)
    assert found
    assert [kind for kind in found if not issubclass(kind, ReglabError)] == []
    assert [kind for kind in found if not kind.__name__.endswith("Error")] == []
