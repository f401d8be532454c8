"""Tables as LaTeX, with the rules of booktabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reglab.client.show import cell
from reglab.client.text import for_terminal

ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        # What labels of sweep points have.
        "λ": r"\ensuremath{\lambda}",
        "ε": r"\ensuremath{\varepsilon}",
        "₁": r"\ensuremath{_1}",
        "₂": r"\ensuremath{_2}",
    }
)


def latex_table(table: Mapping[str, Sequence[Any]]) -> str:
    """A ``tabular``: numbers to the right, everything else to the left."""
    sides = "".join(
        "r" if all(isinstance(value, int | float | None) for value in values) else "l"
        for values in table.values()
    )
    rows = [[_escaped(cell(value)) for value in row] for row in zip(*table.values(), strict=True)]
    head = [_escaped(name.replace("_", " ")) for name in table]
    lines = [" & ".join(row) + r" \\" for row in [head, *rows]]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{sides}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _escaped(text: str) -> str:
    return for_terminal(text).translate(ESCAPED)
