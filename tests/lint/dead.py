"""Code that nothing uses: ``python -m tests.lint.dead`` prints it and ends with 1 if there is any.

Fields of classes count as used, as answers and records are read by their names; arguments and
local variables are Ruff's.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from vulture.core import Item, Vulture

ROOT = Path(__file__).parents[2]
# Its registry finds the classes of its modules.
FIGURES = ROOT / "core" / "figures"


def main() -> int:
    """Print what is unused."""
    found = unused()
    print("\n".join(found) or "All code is used.")
    return 1 if found else 0


def unused() -> list[str]:
    """A line of each definition whose name occurs nowhere else."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["vulture"]
    finder = Vulture(
        ignore_names=asked["ignore_names"], ignore_decorators=asked["ignore_decorators"]
    )
    finder.scavenge([ROOT / path for path in asked["paths"]], exclude=asked["exclude"])
    return [
        f"{item.filename.relative_to(ROOT)}:{item.first_lineno}: unused {item.typ} '{item.name}'"
        for item in finder.get_unused_code()
        if (item.typ not in ("attribute", "variable") or _is_global(item))
        and not (item.typ == "class" and item.filename.parent == FIGURES)
    ]


def _is_global(item: Item) -> bool:
    return item.filename.read_text().splitlines()[item.first_lineno - 1].startswith(item.name)


if __name__ == "__main__":
    sys.exit(main())
