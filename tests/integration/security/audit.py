"""Dependencies without a network: all are pinned, installed as pinned, and of no known weakness.

``python -m tests.integration.security.audit`` prints what is wrong and ends with 1 if anything is.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[3]
ADVISORIES = Path(__file__).parent / "advisories.toml"
# What every environment brings along.
TOOLS = {"pip", "setuptools", "wheel"}


def main() -> int:
    """Check this environment and the files of the checkout."""
    advisories = tomllib.loads(ADVISORIES.read_text())
    pins = pinned((ROOT / "constraints.txt").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    problems = [
        *unpinned(pins, installed("reglab", {"dev"})),
        *weak(pins, advisories),
        *weakly_bounded(project, advisories),
    ]
    for problem in problems:
        print(problem)
    counts = f"{len(pins)} pinned dependencies, {len(advisories)} known advisories"
    print(f"{len(problems)} problems in {counts}.")
    return 1 if problems else 0


def pinned(constraints: str) -> dict[str, set[Version]]:
    """Versions by name; several where they differ by interpreter."""
    pins: dict[str, set[Version]] = {}
    for line in constraints.splitlines():
        if line.strip():
            requirement = Requirement(line)
            (clause,) = requirement.specifier
            name = canonicalize_name(requirement.name)
            pins.setdefault(name, set()).add(Version(clause.version))
    return pins


def installed(name: str, extras: set[str]) -> dict[str, Version]:
    """All that a distribution with these extras brings along, as this environment has it."""
    found: dict[str, Version] = {}
    waiting = [(name, extras)]
    seen = set()
    while waiting:
        one, wanted = waiting.pop()
        if (one, frozenset(wanted)) in seen:
            continue
        seen.add((one, frozenset(wanted)))
        distribution = importlib.metadata.distribution(one)
        if one != name:
            found[one] = Version(distribution.version)
        for text in distribution.requires or []:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *wanted)):
                waiting.append((canonicalize_name(requirement.name), requirement.extras))
    return {name: version for name, version in found.items() if name not in TOOLS}


def unpinned(pins: dict[str, set[Version]], found: dict[str, Version]) -> Iterator[str]:
    """What is installed otherwise than pinned."""
    for name, version in sorted(found.items()):
        if name not in pins:
            yield f"{name} {version} is installed, and constraints.txt does not pin it."
        elif version.public not in {pin.public for pin in pins[name]}:
            told = ", ".join(map(str, pins[name]))
            yield f"{name} {version} is installed, and constraints.txt pins {told}."


def weak(pins: dict[str, set[Version]], advisories: dict[str, dict[str, str]]) -> Iterator[str]:
    """Pins below the first version without a known weakness."""
    for name, known in advisories.items():
        for pin in pins.get(name, ()):
            if pin < Version(known["version"]):
                yield f"{name} is pinned to {pin}: {known['advisory']}, use {known['version']}."


def weakly_bounded(project: dict, advisories: dict[str, dict[str, str]]) -> Iterator[str]:
    """Lower bounds that let people without the constraints install a weak version."""
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    for text in (text for one in lists for text in one):
        requirement = Requirement(text)
        known = advisories.get(canonicalize_name(requirement.name))
        bounds = [Version(c.version) for c in requirement.specifier if c.operator in (">=", "==")]
        if known and max(bounds, default=Version("0")) < Version(known["version"]):
            yield f"'{text}' allows {known['advisory']}: use >={known['version']}."


if __name__ == "__main__":
    sys.exit(main())
