"""One experiment as a portable zip: JSON, npz arrays and pictures, each with its sha256.

Layout: ``manifest.json`` (format, version, and the sum and size of every other file),
``experiment.json``, and for each run ``runs/0000.json``, ``runs/0000.curves.npz`` and
``runs/0000.arrays.npz``; ``figures/*.png`` are for people and are not read back.

What is read was sent by strangers: nothing is unpacked to disk, names are matched, sizes are
counted while reading, pickles are refused, and all content is checked before any of it is used.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.errors import FieldProblem, ReglabError

FORMAT = "reglab-experiment"
VERSION = 1
MAX_BYTES = 2**30
MAX_FILES = 4096
MANIFEST = "manifest.json"
NAMES = re.compile(
    r"manifest\.json|experiment\.json|runs/\d{4}\.(json|curves\.npz|arrays\.npz)"
    r"|figures/[a-z0-9][a-z0-9-]{0,63}\.png"
)
ARRAY_NAMES = re.compile(r"[A-Za-z0-9_.]{1,64}")
# Fixed, so that equal content gives equal bytes.
DATE = (1980, 1, 1, 0, 0, 0)
REMEDY = "Send a file as GET /v1/experiments/{id}/export gives it."

Arrays = Mapping[str, NDArray[Any]]


class ArchiveError(ReglabError):
    """The file is no export, or it is damaged."""


@dataclass(frozen=True)
class ArchivedRun:
    """One run: its JSON document, its curves (columns) and its result arrays."""

    document: dict[str, Any]
    curves: Arrays
    arrays: Arrays


@dataclass(frozen=True)
class Archive:
    """One experiment; ``figures`` maps names to PNG bytes."""

    experiment: dict[str, Any]
    runs: list[ArchivedRun]
    figures: Mapping[str, bytes] = field(default_factory=dict)


def write(archive: Archive, file: IO[bytes], version: str) -> None:
    """Write the zip; ``version`` is that of the writing reglab."""
    members = {"experiment.json": _json(archive.experiment)}
    for at, run in enumerate(archive.runs):
        members[f"runs/{at:04}.json"] = _json(run.document)
        members[f"runs/{at:04}.curves.npz"] = _pack(run.curves)
        members[f"runs/{at:04}.arrays.npz"] = _pack(run.arrays)
    for name, picture in archive.figures.items():
        members[f"figures/{name}.png"] = picture
    sums = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in members.items()
    }
    manifest = {"format": FORMAT, "version": VERSION, "reglab": version, "files": sums}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as packed:
        for name, data in {MANIFEST: _json(manifest), **members}.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, data)


def read(file: IO[bytes]) -> Archive:
    """Read a zip and check every byte of it; ArchiveError names the file within that is wrong."""
    members = _members(file)
    _check_sums(members)
    experiment = _document(members, "experiment.json")
    count = sum(name.startswith("runs/") and name.endswith(".json") for name in members)
    runs = []
    for at in range(count):
        stem = f"runs/{at:04}"
        document = _document(members, f"{stem}.json")
        curves = _unpack(f"{stem}.curves.npz", _member(members, f"{stem}.curves.npz"))
        arrays = _unpack(f"{stem}.arrays.npz", _member(members, f"{stem}.arrays.npz"))
        runs.append(ArchivedRun(document, curves, arrays))
    return Archive(experiment, runs)


def wrong(where: str, detail: str, remedy: str = REMEDY) -> ArchiveError:
    """The error for a file of the archive."""
    return ArchiveError(FieldProblem(where, detail, remedy))


def _members(file: IO[bytes]) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(file) as packed:
            return _read_all(packed)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise wrong("body", f"It is not a sound zip file: {error}.") from error


def _read_all(packed: zipfile.ZipFile) -> dict[str, bytes]:
    entries = packed.infolist()
    if len(entries) > MAX_FILES:
        raise wrong("body", f"It holds {len(entries)} files; at most {MAX_FILES} are read.")
    members: dict[str, bytes] = {}
    left = MAX_BYTES
    for entry in entries:
        if not NAMES.fullmatch(entry.filename) or entry.filename in members:
            raise wrong(entry.filename[:80], "No such file belongs into an export.")
        # The size that the entry claims is a stranger's word: what comes out is counted.
        with packed.open(entry) as stream:
            data = stream.read(left + 1)
        left -= len(data)
        if left < 0:
            raise wrong("body", f"It unpacks to more than {MAX_BYTES >> 20} MiB.")
        members[entry.filename] = data
    return members


def _check_sums(members: Mapping[str, bytes]) -> None:
    manifest = _document(members, MANIFEST)
    if manifest.get("format") != FORMAT:
        raise wrong(MANIFEST, f"Its format is not '{FORMAT}'.")
    if manifest.get("version") != VERSION:
        found = f"It is of version {str(manifest.get('version'))[:20]}."
        raise wrong(MANIFEST, found, f"This server reads version {VERSION}.")
    sums = manifest.get("files")
    if not isinstance(sums, dict):
        raise wrong(MANIFEST, "It lists no files.")
    for name in sorted(set(sums) ^ (set(members) - {MANIFEST})):
        raise wrong(name[:80], "The manifest and the zip do not hold the same files.")
    for name, told in sums.items():
        known = told.get("sha256") if isinstance(told, dict) else None
        if hashlib.sha256(members[name]).hexdigest() != known:
            raise wrong(name, "Its checksum differs: the file is damaged.", "Export it again.")


def _member(members: Mapping[str, bytes], name: str) -> bytes:
    if name not in members:
        raise wrong(name, "It is missing.")
    return members[name]


def _document(members: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        document = json.loads(_member(members, name), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise wrong(name, "It is not JSON.") from error
    if not isinstance(document, dict):
        raise wrong(name, "It is not a JSON object.")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()


def _pack(arrays: Arrays) -> bytes:
    """An npz without times, uncompressed: the zip around it compresses."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in sorted(arrays):
            one = io.BytesIO()
            np.lib.format.write_array(one, np.asarray(arrays[name]), allow_pickle=False)
            packed.writestr(zipfile.ZipInfo(f"{name}.npy", DATE), one.getvalue())
    return buffer.getvalue()


def _unpack(where: str, data: bytes) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for entry in packed.infolist():
                name = entry.filename.removesuffix(".npy")
                stored = entry.compress_type == zipfile.ZIP_STORED
                if not ARRAY_NAMES.fullmatch(name) or name in arrays or not stored:
                    raise wrong(where, f"It holds '{entry.filename[:80]}', which is no array.")
                arrays[name] = _array(packed.read(entry))
    except (zipfile.BadZipFile, EOFError, RuntimeError, ValueError) as error:
        raise wrong(where, f"It is not a sound npz file: {error}.") from error
    return arrays


def _array(data: bytes) -> NDArray[Any]:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"npy version {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if fortran or dtype.kind not in "iuf" or dtype.hasobject or dtype.itemsize > 8:
        raise ValueError(f"an array of {dtype}")
    body = data[stream.tell() :]
    # Python's integers, as a header may claim sizes that overflow NumPy's.
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if size != len(body):
        raise ValueError("the header of an array claims another size")
    return np.frombuffer(body, dtype).reshape(shape)
