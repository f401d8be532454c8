"""What a result was made on: processor, versions and commit."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "numba", "llvmlite")


def describe() -> dict[str, Any]:
    """JSON for the summary of a run, by which it can be told where results differ."""
    return {
        "processor": cpu_info().get("model name", platform.processor() or platform.machine()),
        "system": f"{platform.system()} {platform.machine()}",
        "c_library": " ".join(platform.libc_ver()).strip(),
        "reglab": version("reglab"),
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def sentence(summaries: Iterable[Mapping[str, Any]]) -> str:
    """What the runs of these summaries were made by, each kind once, with its number of runs."""
    counts: dict[str, int] = {}
    for summary in summaries:
        text = _one(summary)
        counts[text] = counts.get(text, 0) + 1
    parts = [f"{count} run{'s' * (count > 1)} by {text}" for text, count in sorted(counts.items())]
    return f"{'; '.join(parts)}." if parts else ""


def _one(summary: Mapping[str, Any]) -> str:
    engine = f"engine version {summary.get('engine_version', 'unknown')}"
    made = summary.get("made_by")
    if not isinstance(made, Mapping):
        return f"{engine} on a machine that was not noted"
    packages = made.get("packages") or {}
    versions = [f"{name} {packages[name]}" for name in PACKAGES if packages.get(name)]
    return (
        f"{engine} (reglab {made.get('reglab')}, commit {made.get('commit') or 'unknown'}) on "
        f"{made.get('processor')}, {made.get('system')}, {made.get('c_library')}, "
        f"Python {made.get('python')}, {', '.join(versions)}"
    )


@functools.cache
def cpu_info() -> dict[str, str]:
    """The first processor of /proc/cpuinfo; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


@functools.cache
def version(package: str) -> str | None:
    """Of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def commit() -> str | None:
    """The commit of the sources: of their Git repository, or that pip installed them from."""
    root = Path(__file__).parents[1]
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
        command += ["--exclude=*"]
        try:
            return subprocess.run(  # noqa: S603 # no part of it comes from outside
                command, capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return None
    try:
        told = importlib.metadata.distribution("reglab").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    found: str | None = json.loads(told or "{}").get("vcs_info", {}).get("commit_id")
    return found
