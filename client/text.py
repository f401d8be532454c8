"""Users' text made safe for where it goes: HTML, a terminal, rich markup, a spreadsheet."""

from __future__ import annotations

import codecs
import html
import io
import re
import sys
import unicodedata

from rich.markup import escape

# What moves the cursor, colours or reorders a terminal's text rather than being shown.
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# What spreadsheets take for the start of a formula.
FORMULA = ("=", "+", "-", "@")


# What stands for a character where it cannot be written; the rest is decomposed, or '?'.
ASCII = str.maketrans(
    {
        **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)),
        **dict.fromkeys("─━╌┄╴╶╸╺\u2013\u2014\u2212", "-"),
        **dict.fromkeys("│┃╎┆", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┣┫┳┻╋┡┩╇", "+"),
        **dict.fromkeys("•●·∙⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "*"),
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        **{"…": "...", "→": "->", "\u00d7": "x", "≤": "<=", "≥": ">=", "±": "+-"},
        **{"λ": "lambda", "\u03b1": "alpha", "β": "beta", "ε": "eps", "τ": "tau"},
    }
)


def counted(count: int, what: str) -> str:
    """``1 run``, ``2,000 runs``."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def in_ascii(text: str) -> str:
    """The text in ASCII, for terminals that know no more."""
    plain = unicodedata.normalize("NFKD", text.translate(ASCII))
    kept = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return kept.encode("ascii", "replace").decode()


def write_anywhere() -> None:
    """Let what a terminal's encoding does not have be written in ASCII, not end the program."""
    codecs.register_error("reglab", _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="reglab")


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


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
