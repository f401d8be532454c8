"""The results file: one JSON document, a part a benchmark, each with the machine it ran on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
FILE = FOLDER / "results.json"


def load(path: Path = FILE) -> dict[str, Any]:
    """The results so far, or an empty document."""
    return json.loads(path.read_text()) if path.exists() else {}


def save(parts: dict[str, Any], path: Path = FILE) -> None:
    """Write the document whole: readers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(json.dumps(rounded(parts), indent=1) + "\n")
    half.replace(path)


def rounded(value: Any) -> Any:
    """Floats to four significant digits, which is more than the noise leaves."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value
