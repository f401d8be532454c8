"""One word for one thing: prose uses the words of docs/glossary.md, not those that it rules out.

``python -m tests.lint.words`` prints each place with another word and ends with 1 if there is one.
Prose is Markdown outside of code, docstrings, comments, templates, and every string of more than
one word, which holds messages and the texts of the OpenAPI document, too.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
SECTION = "## Words that are not used"
WHERE = ("*.md", "*.py", "*.html", "*.js")
CODE = re.compile(r"```.*?```|``[^`]*``|`[^`\n]*`|\{[{%#].*?[}%#]\}|<[^>]*>", re.DOTALL)
QUANTITY = "seconds|milliseconds|ms|us|µs|nanoseconds|minutes|bytes|KiB|MiB|GiB|steps|runs|requests"
RATE = re.compile(rf"\b(?:{QUANTITY}) an? (?:second|day|run|step|epoch|image|request|worker)\b")

Line = tuple[int, str]


def main() -> int:
    """Check every tracked file; what the glossary says of other words is its own."""
    words = ruled_out(GLOSSARY.read_text())
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *WHERE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.split()]
    found = [
        f"{file.relative_to(ROOT)}:{line}: {problem}"
        for file in files
        if file != GLOSSARY
        and file.parent != Path(__file__).parent
        and file.exists()
        and "vendor" not in file.parts
        # Most files have none of the words even in their code, and need not be read as prose.
        and any(problems(file.read_text(), words))
        for line, text in prose(file)
        for problem in problems(text, words)
    ]
    print("\n".join(found) or f"{len(words)} words are ruled out, and none is used.")
    return 1 if found else 0


def ruled_out(glossary: str) -> dict[str, str]:
    """Each word that the glossary rules out, and what it says instead."""
    _, _, section = glossary.partition(SECTION)
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    cells = [(cell, instead) for cell, instead in rows if cell not in ("not", "---")]
    return {word.strip().lower(): instead for cell, instead in cells for word in cell.split(",")}


def problems(text: str, words: dict[str, str]) -> Iterator[str]:
    """What is wrong with the words of one line."""
    for word in _pattern(tuple(words)).findall(text):
        yield f"not '{word}', but: {words[word.lower()]}"
    for rate in RATE.findall(text):
        yield f"'{rate}' is a rate: write it with 'per'"


@functools.cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, also in the plural, but not in names such as ``page.color``."""
    each = "|".join(map(re.escape, words))
    return re.compile(rf"(?<![\w.#-])({each})s?(?![\w=-])", re.IGNORECASE)


def prose(file: Path) -> Iterator[Line]:
    """The lines that are read as text, without the code in them."""
    text = file.read_text()
    if file.suffix == ".py":
        parts = _python(text)
    elif file.suffix == ".js":
        parts = ((at, line) for at, line in enumerate(text.splitlines(), 1) if _is_comment(line))
    else:
        # Code is blanked, so that lines keep their numbers.
        blank = CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
        parts = enumerate(blank.splitlines(), 1)
    for line, part in parts:
        yield line, CODE.sub(" ", part)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("//", "/*", "*"))


def _python(text: str) -> Iterator[Line]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            blank = CODE.sub(lambda code: "\n" * code[0].count("\n"), node.value)
            yield from enumerate(blank.splitlines(), node.lineno)


if __name__ == "__main__":
    sys.exit(main())
