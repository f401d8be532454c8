"""One experiment as a portable zip: JSON, npz arrays and pictures, each with its sha256.

Layout: ``manifest.json`` (format, version, and the sum and size of every other file),
``experiment.json``, and for each run ``runs/0000.json``, ``runs/0000.curves.npz`` and
``runs/0000.arrays.npz``. Beside runs on uploaded data stand ``dataset.json`` (name, description,
tags) and ``dataset.bin``, the bytes whose sha256 is the dataset's id. ``figures/*.png`` are for
people and are not read back.

What is read was sent by strangers: nothing is unpacked to disk, names are matched, the directory
and sizes are bounded while reading, pickles are refused, and all is checked before it is used.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.errors import FieldProblem, FieldProblemError
from reglab.core.exchange.json_text import depth_of, parse, unusable_text
from reglab.core.settings.limits import Limits

FORMAT = "reglab-experiment"
VERSION = 1
MANIFEST = "manifest.json"
DATASET, DATASET_BYTES = "dataset.json", "dataset.bin"
NAMES = re.compile(
    r"manifest\.json|experiment\.json|dataset\.json|dataset\.bin|runs/\d{4}\.(json|curves\.npz|arrays\.npz)"
    r"|figures/[a-z0-9][a-z0-9-]{0,63}\.png"
)
# All that reading a damaged zip is known to raise; what is left over would be a fault of ours.
UNSOUND = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
    zlib.error,
)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# The end record, section 4.3.16 of PKWARE's APPNOTE: signature, two disks, two counts, size and
# place of the directory, length of the comment.
END = struct.Struct("<4s4H2LH")
# The locator of a 64-bit end record stands right before it.
LOCATOR, LOCATOR_BYTES = b"PK\6\7", 20
# Manifest, experiment and figures; bytes of one entry of the directory.
OTHER_FILES = 128
DIRECTORY_BYTES = 256
MAX_DOCUMENT = 2**24
MAX_ARRAYS = 256
HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype>[<>|][iuf][1248])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>(?:\d{1,12}, ?){0,7}(?:\d{1,12})?)\), \} *\n",
    re.DOTALL,
)
ARRAY_NAMES = re.compile(r"[A-Za-z0-9_.]{1,64}")
# Fixed, so that equal content gives equal bytes.
DATE = (1980, 1, 1, 0, 0, 0)
REMEDY = "Send a file as GET /v1/experiments/{id}/export gives it."

Arrays = Mapping[str, NDArray[Any]]


class ArchiveError(FieldProblemError):
    """The file is no export, or it is damaged."""


@dataclass(frozen=True)
class ArchivedRun:
    """One run: its JSON document, its curves (columns) and its result arrays."""

    document: dict[str, Any]
    curves: Arrays
    arrays: Arrays


@dataclass(frozen=True)
class ArchivedDataset:
    """An uploaded dataset: what its owner calls it, and the bytes whose sha256 is its id."""

    document: dict[str, Any]
    packed: bytes


@dataclass(frozen=True)
class Archive:
    """One experiment; ``figures`` maps names to PNG bytes."""

    experiment: dict[str, Any]
    runs: list[ArchivedRun]
    figures: Mapping[str, bytes] = field(default_factory=dict)
    dataset: ArchivedDataset | None = None


def write(archive: Archive, file: IO[bytes], version: str) -> None:
    """Write the zip; ``version`` is that of the writing reglab."""
    members = {"experiment.json": _json(archive.experiment)}
    if archive.dataset is not None:
        members[DATASET] = _json(archive.dataset.document)
        members[DATASET_BYTES] = archive.dataset.packed
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


def read(file: IO[bytes], limits: Limits) -> Archive:
    """Read a zip and check every byte of it; ArchiveError names the file within that is wrong."""
    members = _members(file, limits)
    _check_sums(members, limits)
    experiment = _document(members, "experiment.json", limits)
    count = sum(name.startswith("runs/") and name.endswith(".json") for name in members)
    runs = []
    for at in range(count):
        stem = f"runs/{at:04}"
        document = _document(members, f"{stem}.json", limits)
        # What has been read is let go, so that an import is held once, not twice.
        curves = _unpack(f"{stem}.curves.npz", _taken(members, f"{stem}.curves.npz"))
        arrays = _unpack(f"{stem}.arrays.npz", _taken(members, f"{stem}.arrays.npz"))
        runs.append(ArchivedRun(document, curves, arrays))
    return Archive(experiment, runs, dataset=_dataset(members, limits))


def wrong(where: str, detail: str, remedy: str = REMEDY) -> ArchiveError:
    """The error for a file of the archive."""
    return ArchiveError(FieldProblem(where, detail, remedy))


def _members(file: IO[bytes], limits: Limits) -> dict[str, bytes]:
    _check_directory("body", file, 3 * limits.runs + OTHER_FILES)
    try:
        with zipfile.ZipFile(file) as packed:
            return _read_all(packed, _most(file, limits), limits)
    except UNSOUND as error:
        raise wrong("body", f"It is not a sound zip file: {error}.") from error


def _check_directory(where: str, file: IO[bytes], most: int) -> None:
    """Look at the end record, before the whole directory is made into objects.

    It must be the last thing in the file, without a comment or a 64-bit extension: as an export is,
    and so that there is one way to read it.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - END.size - LOCATOR_BYTES))
    tail = file.read()
    if len(tail) < END.size:
        raise wrong(where, "It is not a zip file.")
    signature, *_, count, directory, offset, comment = END.unpack(tail[-END.size :])
    is_long = tail.startswith(LOCATOR)
    if signature != b"PK\5\6" or comment or is_long or offset + directory > size:
        raise wrong(where, "It is not a sound zip file: its end is not that of an export.")
    if count > most or directory > most * DIRECTORY_BYTES:
        raise wrong(where, f"It holds {count} files; at most {most} are read.")


def _most(file: IO[bytes], limits: Limits) -> int:
    """Bytes that may come out of it."""
    size = file.seek(0, io.SEEK_END)
    return min(limits.unpacked_bytes, limits.unpacked_ratio * size)


def _read_all(packed: zipfile.ZipFile, most: int, limits: Limits) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    left = most
    for entry in packed.infolist():
        if not NAMES.fullmatch(entry.filename) or entry.filename in members:
            raise wrong(entry.filename[:80], "No such file belongs into an export.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if entry.compress_type not in METHODS or kind not in (0, stat.S_IFREG):
            raise wrong(entry.filename, "It is no plain file, stored or deflated.")
        # The size that the entry claims is a stranger's word: what comes out is counted.
        with packed.open(entry) as stream:
            data = stream.read(left + 1)
        left -= len(data)
        if left < 0:
            told = " ".join(limits.told(name) for name in ("unpacked_bytes", "unpacked_ratio"))
            raise wrong("body", f"It unpacks to more than {most} bytes.", f"{REMEDY} {told}")
        members[entry.filename] = data
    return members


def _check_sums(members: Mapping[str, bytes], limits: Limits) -> None:
    manifest = _document(members, MANIFEST, limits)
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


def _dataset(members: dict[str, bytes], limits: Limits) -> ArchivedDataset | None:
    if DATASET not in members and DATASET_BYTES not in members:
        return None
    document = _document(members, DATASET, limits)
    return ArchivedDataset(document, _taken(members, DATASET_BYTES))


def _taken(members: dict[str, bytes], name: str) -> bytes:
    data = _member(members, name)
    del members[name]
    return data


def _document(members: Mapping[str, bytes], name: str, limits: Limits) -> dict[str, Any]:
    data = _member(members, name)
    if len(data) > MAX_DOCUMENT or depth_of(data) > limits.json_depth:
        raise wrong(name, f"It is larger than {MAX_DOCUMENT} bytes, or too deep.")
    try:
        document = parse(data)
    except (ValueError, RecursionError) as error:
        raise wrong(name, "It is not JSON.") from error
    if not isinstance(document, dict):
        raise wrong(name, "It is not a JSON object.")
    if unusable_text(document) is not None:
        raise wrong(name, "A text holds U+0000 or half of a surrogate pair.")
    return document


def _json(document: Mapping[str, Any]) -> bytes:
    # Keys stay in order: that of a dataset's classes numbers them.
    return json.dumps(document, indent=1, allow_nan=False).encode()


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
    _check_directory(where, io.BytesIO(data), MAX_ARRAYS)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
            # Entries that share bytes would come out many times larger than they went in.
            if sum(max(entry.file_size, entry.compress_size) for entry in entries) > len(data):
                raise wrong(where, "Its arrays overlap.")
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                stored = entry.compress_type == zipfile.ZIP_STORED
                if not ARRAY_NAMES.fullmatch(name) or name in arrays or not stored:
                    raise wrong(where, f"It holds '{entry.filename[:80]}', which is no array.")
                arrays[name] = _array(packed.read(entry))
    except UNSOUND as error:
        raise wrong(where, f"It is not a sound npz file: {error}.") from error
    return arrays


def _array(data: bytes) -> NDArray[Any]:
    """One npy file of version 1.0, read strictly as NumPy writes it; its own reader evaluates."""
    found = HEADER.match(data)
    if found is None or found.end() != 10 + int.from_bytes(data[8:10], "little"):
        raise ValueError("an array that is not of plain numbers in C order")
    dtype = np.dtype(found["dtype"].decode())
    shape = tuple(int(extent) for extent in found["shape"].split(b",") if extent.strip())
    # Python's integers, as a header may claim sizes that overflow NumPy's.
    if dtype.itemsize * math.prod(shape) != len(data) - found.end():
        raise ValueError("the header of an array claims another size")
    return np.frombuffer(data, dtype, offset=found.end()).reshape(shape)
