"""Users' text made safe for where it goes: HTML, a terminal, rich markup, a spreadsheet."""

from __future__ import annotations

import html
import re

from rich.markup import escape

# What moves the cursor, colours or reorders a terminal's text rather than being shown.
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# What spreadsheets take for the start of a formula.
FORMULA = ("=", "+", "-", "@")


def for_html(text: str) -> str:
    """As content or a quoted attribute of HTML."""
    return html.escape(text)


def for_terminal(text: str) -> str:
    """In one line of a terminal: control signs are written out."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def for_markup(text: str) -> str:
    """In rich's console markup, where a backslash would hide the bracket behind it."""
    return escape(re.sub(r"\\(?=\[|$)", "\\\\\u200b", for_terminal(text)))


def for_cell(value: object) -> object:
    """In a cell of CSV: text that a spreadsheet would run gets an apostrophe in front.

    Carriage returns become line feeds: csv does not quote them.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
