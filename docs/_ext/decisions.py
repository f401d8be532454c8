"""The index of decision records, made from their first lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "decisions"
HEAD = re.compile(
    r"# (?P<number>\d{3}): (?P<title>\S.*)\n\n"
    r"Date: (?P<date>\d{4}-\d\d-\d\d)\. Status: (?P<status>accepted|superseded by \d{3})\."
    r"(?: Amends (?P<amends>\d{3}(?:, \d{3})*)\.)?\n\n"
)
INTRODUCTION = """\
# Decisions

Each record states a choice that another engineer would question, with the reasons and measurements
behind it. A record is not rewritten when the choice changes: a new record amends or supersedes it.
"""


@dataclass(frozen=True)
class Record:
    """The head of one record.

    Attributes:
        path: Its file.
        number: Three digits.
        title: The heading without the number.
        date: When it was decided, as YYYY-MM-DD.
        status: ``accepted`` or ``superseded by NNN``.
        amends: Numbers of the records that it amends.
    """

    path: Path
    number: str
    title: str
    date: str
    status: str
    amends: tuple[str, ...]

    @property
    def others(self) -> tuple[str, ...]:
        """Numbers of the records that the head names."""
        return (*self.amends, *re.findall(r"\d{3}", self.status))


def records() -> list[Record]:
    """All records in the order of their numbers.

    Raises:
        ValueError: The head of a record does not have the one form.
    """
    return [_record(path) for path in sorted(FOLDER.glob("[0-9]*.md"))]


def _record(path: Path) -> Record:
    head = HEAD.match(path.read_text())
    if head is None or not path.name.startswith(f"{head['number']}-"):
        raise ValueError(
            f"{path.name} must begin with '# NNN: Title' and 'Date: YYYY-MM-DD. Status: accepted.'"
        )
    amends = tuple((head["amends"] or "").split(", ")) if head["amends"] else ()
    return Record(path, head["number"], head["title"], head["date"], head["status"], amends)


def index() -> str:
    """The index page, in MyST Markdown."""
    found = records()
    rows = []
    for record in found:
        status = record.status.capitalize()
        status += f", amends {', '.join(record.amends)}" if record.amends else ""
        title = record.title.replace("|", r"\|")
        link = f"[{title}]({record.path.name})"
        rows.append(f"| {record.number} | {link} | {record.date} | {status} |")
    table = "\n".join(["| number | decision | date | status |", "|---|---|---|---|", *rows])
    contents = "\n".join(record.path.stem for record in found)
    toctree = f"```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    return f"{INTRODUCTION}\n{table}\n\n{toctree}"
