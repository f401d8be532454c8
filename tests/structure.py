"""How the code is cut, in numbers: ``python -m tests.structure`` prints them.

- Files that an extension takes, as its page in ``docs/extending`` lists them: those that a line
  before a block names with what to do there.
- Files and names through which ``regularization.l2`` passes on its way into a kernel: all in
  ``core.spec``, ``core.regularizers`` and ``core.engine`` where a name of a variable, argument,
  field, attribute, function or class has the word l2, decay, hyper or rule.
- Arguments in ``core.engine`` that are annotated with Any.
- Code that nothing uses.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.lint import dead

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "extending"
EXTENSIONS = ("regularizer", "optimizer", "dataset", "probe", "metric", "figure", "claim")
STEP = re.compile(
    r"^`([\w./-]+)`(?: \(new file\)|, (?:after|before|in place of) .*):$", re.MULTILINE
)
L2_WORDS = {"decay", "hyper", "l2", "rule"}

# On 2026-11-27. Files of extensions were counted by hand, for the regularizer max-norm; so counted,
# l2 was in 12 files under 8 names, and 205 arguments were Any.
BEFORE = {"regularizer": 15, "optimizer": 11, "dataset": 20, "files": 8, "names": 6, "Any": 222}


def main() -> int:
    """Print each number beside the one before."""
    for name in EXTENSIONS:
        files = files_of(name)
        count = str(len(files)) if files else "no page yet"
        tell(f"files of a new {name}", count, BEFORE.get(name), " ".join(files))
    found = passages()
    names = sorted({name for each in found.values() for name in each})
    tell("files that l2 passes", str(len(found)), BEFORE["files"], " ".join(found))
    tell("names that it has there", str(len(names)), BEFORE["names"], " ".join(names))
    tell("arguments that are Any in the engine", str(untyped()), BEFORE["Any"])
    unused = dead.unused()
    tell("definitions that nothing uses", str(len(unused)), None, "; ".join(unused))
    return 0


def tell(what: str, now: str, before: int | None, which: str = "") -> None:
    """One row: now, before, and which they are."""
    print(
        f"{what:38} {now:>11} {'' if before is None else f'(was {before})':>10}  {which}".rstrip()
    )


def files_of(extension: str) -> list[str]:
    """The files that the page of an extension point has one write or change."""
    page = PAGES / f"{extension}.md"
    if not page.exists():
        return []
    return sorted(set(STEP.findall(page.read_text())))


def passages() -> dict[str, set[str]]:
    """Names of l2 and of what carries it, by file."""
    found = {}
    for package in ("spec", "regularizers", "engine"):
        for file in sorted((ROOT / "core" / package).rglob("*.py")):
            names = {name for name in identifiers(file) if L2_WORDS & set(words(name))}
            if names:
                found[str(file.relative_to(ROOT / "core"))] = names
    return found


def identifiers(file: Path) -> Iterator[str]:
    """Every name that the code of a file gives or uses."""
    for node in ast.walk(ast.parse(file.read_text())):
        for field in ("id", "attr", "arg", "name"):
            if isinstance(name := getattr(node, field, None), str):
                yield name


def words(name: str) -> list[str]:
    """``WeightDecay.l2_rate`` has the words weight, decay, l2 and rate."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace(".", "_").split("_")


def untyped() -> int:
    """Arguments of the engine's functions whose annotation is Any or has it within."""
    functions = (
        node
        for file in (ROOT / "core" / "engine").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    )
    arguments = (
        argument
        for node in functions
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    )
    return sum(_is_any(argument.annotation) for argument in arguments)


def _is_any(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))


if __name__ == "__main__":
    sys.exit(main())
