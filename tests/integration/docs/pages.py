"""Reads the pages on extending reglab as a script would, and applies them to a copy of the tree."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "extending"
PARTS = ("api", "client", "core", "docs", "migrations", "tests", "worker")
IGNORED = shutil.ignore_patterns("__pycache__", "_build")
# The line before a block, and the block.
BLOCK = re.compile(r"^(?P<head>[^\n]+:)\n\n```(?P<language>\w+)\n(?P<body>.*?)^```$", re.M | re.S)
TARGET = re.compile(
    r"`(?P<path>[\w./-]+)`(?: \((?P<new>new) file\)|, (?P<how>[a-z ]+) `(?P<text>[^`]+)`):"
)


@dataclass(frozen=True)
class Change:
    """One block of a page: what it does to which file.

    Attributes:
        path: The file, from the top of the tree.
        how: 'new', 'after the line', 'before the line' or 'in place of'.
        text: The line or text that is there already.
        body: The block.
    """

    path: str
    how: str
    text: str
    body: str

    def apply(self, tree: Path) -> None:
        file = tree / self.path
        if self.how == "new":
            assert not file.exists(), f"{self.path} exists already"
            file.write_text(self.body)
            return
        before = file.read_text()
        if self.how == "in place of":
            assert before.count(self.text) == 1, f"{self.path} must have {self.text!r} once"
            file.write_text(before.replace(self.text, self.body.rstrip("\n")))
            return
        lines = before.splitlines(keepends=True)
        [at] = [at for at, line in enumerate(lines) if line.strip() == self.text]
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines.insert(at + (self.how == "after the line"), textwrap.indent(self.body, indent))
        file.write_text("".join(lines))


@dataclass(frozen=True)
class Page:
    """What a page says.

    Attributes:
        changes: Its blocks, in order.
        command: The arguments of Python that run its test.
        body: What is submitted.
    """

    changes: list[Change]
    command: list[str]
    body: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> Page:
        changes, command, body = [], None, None
        text = (PAGES / f"{name}.md").read_text()
        blocks = list(BLOCK.finditer(text))
        assert len(blocks) == text.count("\n```") / 2, f"{name} has a block that nothing introduces"
        for block in blocks:
            if block["head"] == "Run its test:":
                command = block["body"].split()[1:]
            elif block["head"] == "Submit:":
                body = json.loads(block["body"])
            else:
                target = TARGET.fullmatch(block["head"])
                assert target, block["head"]
                how = target["new"] or target["how"]
                changes.append(Change(target["path"], how, target["text"] or "", block["body"]))
        assert command
        assert body
        return cls(changes, command, body)

    @property
    def files(self) -> set[str]:
        """The files that the page adds or changes, tests left out."""
        return {each.path for each in self.changes if not each.path.startswith("tests/")}


def copy(tree: Path) -> Path:
    """Copy the source tree into an empty folder; returns the folder to import ``reglab`` from."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tree / part, ignore=IGNORED)
    shutil.copy(ROOT / "pyproject.toml", tree)
    package = tree / "installed" / "reglab"
    package.mkdir(parents=True)
    for part in ("api", "client", "core", "migrations", "worker"):
        (package / part).symlink_to(tree / part)
    (package / "__init__.py").symlink_to(tree / "client" / "_root" / "__init__.py")
    return package.parent
