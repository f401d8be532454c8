"""What ``pip install`` lines of the docs are checked by: the named extras exist."""

from __future__ import annotations

import sys
from importlib.metadata import metadata

from packaging.requirements import Requirement

if __name__ == "__main__":
    verb, *requirements = sys.argv[1:]
    assert verb == "install", verb
    for text in requirements:
        found = Requirement(text.replace(".", "reglab", 1) if text.startswith(".") else text)
        known = set(metadata(found.name).get_all("Provides-Extra") or [])
        assert found.extras <= known, text
