"""A figure as the server drew it: shown inline in a notebook, saved to a file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from reglab.client.files import write_whole

FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: As in ``figure(name)``.
        format: 'png', 'svg' or 'pdf'.
        content: The file's bytes.
    """

    name: str
    format: str
    content: bytes = field(repr=False)

    def save(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the file and return its path.

        Args:
            path: A file, or a folder, in which it is called ``<name>.<format>``; the current
                folder if left out.
        """
        target = Path(path or ".")
        if target.is_dir():
            target /= f"{self.name}.{self.format}"
        return write_whole(target, self.content)

    def _repr_png_(self) -> bytes | None:
        return self.content if self.format == "png" else None

    def _repr_svg_(self) -> str | None:
        return self.content.decode() if self.format == "svg" else None
