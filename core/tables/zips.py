"""Archives whose members are read within a bound, and whose names may be no paths elsewhere."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.table import MAX_UNPACKED

MAX_MEMBERS = 100_000
# What systems add by themselves.
IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """An archive all of whose members together are within the bound.

    Raises:
        TableError: It is no archive, holds too much, or has members of other places.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive)
            yield archive
    except (zipfile.BadZipFile, UnicodeDecodeError, zlib.error, EOFError) as error:
        raise damaged(str(error)) from error
    except (NotImplementedError, RuntimeError) as error:
        # Encrypted members, and methods of compression that are not known.
        raise damaged(str(error), "Make an ordinary zip archive, without a password.") from error


def names(archive: zipfile.ZipFile) -> list[str]:
    """The files of an archive in the order of their names, without what systems add."""
    files = [info.filename for info in archive.infolist() if not info.is_dir()]
    return sorted(name for name in files if not set(PurePosixPath(name).parts) & {*IGNORED})


def read(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a member; no more than its entry tells are unpacked."""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise TableError(
            f"It cannot be unpacked: {shortened(error)}.", "Make the archive again.", column=name
        ) from error


def damaged(reason: str, remedy: str = "Make the archive again.") -> TableError:
    """An archive that cannot be read."""
    return TableError(f"The archive cannot be read: {shortened(reason).rstrip('.')}.", remedy)


def _check(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise TableError(
            f"The archive has {len(members)} members.", f"At most {MAX_MEMBERS} are read."
        )
    unpacked = sum(info.file_size for info in members)
    if unpacked > MAX_UNPACKED:
        detail = f"The archive's members have {unpacked} bytes once unpacked."
        raise TableError(detail, f"At most {MAX_UNPACKED} are read.")
    seen: set[str] = set()
    for info in members:
        _check_name(info)
        if info.filename in seen:
            raise TableError("It is there twice.", "Keep one of them.", column=info.filename)
        seen.add(info.filename)


def _check_name(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    outside = name.startswith(("/", "\\")) or ".." in parts or name[1:2] == ":" or "\0" in name
    if outside or stat.S_ISLNK(info.external_attr >> 16):
        detail = "The member is a link or names a place outside of the archive."
        raise TableError(detail, "Use relative names of plain files.", column=name)
