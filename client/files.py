"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reglab.client.errors import InvalidFileError


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write beside the target, then put in its place; makes missing folders.

    A link is followed; a device or a pipe is written to, not replaced.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        draft = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp's files are for their owner alone; a result is a file like any other.
            draft.chmod(0o666 & ~_umask())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidFileError(
            f"Cannot write {target}: {error.strerror}.", "Choose another path."
        ) from error
    return Path(path)


def make_folder(path: Path) -> None:
    """Make a folder and those above it; InvalidFileError if it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        detail = f"Cannot make the folder {path}: {error.strerror}."
        raise InvalidFileError(detail, "Choose another path.") from error


def read_whole(path: str | os.PathLike[str], most: int = 2**31) -> bytes:
    """The file's bytes; InvalidFileError if it cannot be read or has more than ``most``."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise InvalidFileError(f"{path} has more than {most} bytes.", "Check the path.")
        return data
    except OSError as error:
        raise InvalidFileError(
            f"Cannot read {path}: {error.strerror}.", "Check the path."
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
