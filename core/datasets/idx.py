"""IDX files of MNIST-like sets: found in REGLAB_DATA_DIR or the cache, else downloaded once."""

from __future__ import annotations

import functools
import gzip
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pooch
from numpy.typing import NDArray

from reglab.core.errors import DatasetUnavailableError, FieldProblem
from reglab.core.settings import DataSettings
from reglab.core.tables.idx_bytes import IdxFormatError, parse

PARTS = ("train", "t10k")
RETRY_SECONDS = 60.0
last_failure: dict[str, tuple[float, str]] = {}


@dataclass(frozen=True)
class IdxSet:
    """An MNIST-like set: where its official files are, and their md5 sums by file name."""

    name: str
    url: str
    md5: dict[str, str]


@dataclass(frozen=True)
class Pair:
    """The image and label file of one part."""

    images: Path
    labels: Path

    def count(self) -> int:
        """Number of images, from the file's header."""
        with gzip.open(self.images) as stream:
            header = stream.read(8)
        return int.from_bytes(header[4:8], "big")


def find(idx: IdxSet, part: str, *, download: bool = True) -> Pair:
    """The files of one part ("train" or "t10k").

    Looks in ``$REGLAB_DATA_DIR/<name>`` for the official pair, then for a ``train-subset`` pair,
    then in the user's cache, then downloads.

    Raises:
        DatasetUnavailableError: Nothing found and no download possible; names the remedy.
    """
    folder = DataSettings.from_env().data_dir
    if folder is not None:
        for prefix in (part, f"{part}-subset"):
            pair = _pair(folder / idx.name, prefix)
            if pair is not None:
                return pair
    cache = _cache_folder(idx)
    pair = _pair(cache, part)
    if pair is None and download:
        pair = _download(idx, part, cache)
    if pair is None:
        raise _unavailable(idx, "its files are not on this machine.")
    return pair


def read(idx: IdxSet, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64], dict[str, str]]:
    """Images (n, 784) uint8, labels (n,) int64, and each file's sha256 by name."""
    pair = find(idx, part)
    stamp = (pair.images.stat().st_mtime_ns, pair.labels.stat().st_mtime_ns)
    return _read(idx.name, pair, stamp, tuple(idx.md5.items()))


def digests(idx: IdxSet) -> dict[str, str]:
    """The sha256 of each file that ``read`` would take, by name."""
    pairs = [find(idx, part) for part in PARTS]
    paths = [path for pair in pairs for path in (pair.images, pair.labels)]
    return {path.name: _sha256(path, path.stat().st_mtime_ns) for path in paths}


def provenance(idx: IdxSet, licence: str, digests: dict[str, str]) -> dict[str, Any]:
    """What is stored on the run about the files it was trained on."""
    official = all(not name.startswith("train-subset") for name in digests)
    return {
        "source": f"{idx.name}, IDX files" + ("" if official else " (training subset)"),
        "licence": licence,
        "official": official,
        "files": digests,
    }


def check_sizes(idx: IdxSet, train_size: int, test_size: int) -> None:
    """Raise DatasetUnavailableError if the files at hand hold fewer images than asked for."""
    for field, part, wanted in (
        ("train_size", "train", train_size),
        ("test_size", "t10k", test_size),
    ):
        count = find(idx, part).count()
        if wanted > count:
            raise DatasetUnavailableError(
                FieldProblem(
                    f"dataset.{field}",
                    f"{wanted} images are requested, but the files of '{idx.name}' hold {count}.",
                    f"Use at most {count}, or put the official files into "
                    f"$REGLAB_DATA_DIR/{idx.name}.",
                )
            )


def _pair(folder: Path, prefix: str) -> Pair | None:
    pair = Pair(
        folder / f"{prefix}-images-idx3-ubyte.gz", folder / f"{prefix}-labels-idx1-ubyte.gz"
    )
    return pair if pair.images.is_file() and pair.labels.is_file() else None


def _cache_folder(idx: IdxSet) -> Path:
    return DataSettings.from_env().cache_dir / "datasets" / idx.name


def _download(idx: IdxSet, part: str, folder: Path) -> Pair:
    failed_at, reason = last_failure.get(idx.name, (-RETRY_SECONDS, ""))
    # A machine without the internet must refuse a submission at once, not after a time-out each.
    if time.monotonic() - failed_at < RETRY_SECONDS:
        raise _unavailable(idx, reason)
    if not DataSettings.from_env().download:
        raise _unavailable(idx, "downloads are turned off by REGLAB_DOWNLOAD=0.")
    downloader = pooch.HTTPDownloader(progressbar=False, timeout=10)
    names = [f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"]
    try:
        paths = [
            pooch.retrieve(
                url=idx.url + name,
                known_hash=f"md5:{idx.md5[name]}",
                fname=name,
                path=folder,
                downloader=downloader,
            )
            for name in names
        ]
    except Exception as error:
        reason = f"the download failed ({type(error).__name__})."
        last_failure[idx.name] = (time.monotonic(), reason)
        raise _unavailable(idx, reason) from error
    return Pair(Path(paths[0]), Path(paths[1]))


def _unavailable(idx: IdxSet, why: str) -> DatasetUnavailableError:
    remedy = (
        f"Set REGLAB_DATA_DIR to a folder with {idx.name}/*-ubyte.gz, allow the server to reach "
        "the internet, or use 'mnist5k' or 'digits', which are always available."
    )
    return DatasetUnavailableError(
        FieldProblem("dataset.name", f"'{idx.name}' is not available: {why}", remedy)
    )


@functools.lru_cache(maxsize=32)
def _sha256(path: Path, _stamp: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@functools.lru_cache(maxsize=8)
def _read(
    name: str, pair: Pair, _stamp: tuple[int, int], md5: tuple[tuple[str, str], ...]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], dict[str, str]]:
    digests: dict[str, str] = {}
    unpacked = []
    for path in (pair.images, pair.labels):
        packed = path.read_bytes()
        digests[path.name] = hashlib.sha256(packed).hexdigest()
        verify(name, path.name, packed, dict(md5))
        unpacked.append(_parse(name, path.name, packed))
    images, labels = unpacked
    if len(images) != len(labels):
        raise _damaged(name, pair.labels.name, f"{len(images)} images but {len(labels)} labels")
    return images.reshape(len(images), -1), labels.astype(np.int64), digests


def verify(name: str, file: str, packed: bytes, md5: dict[str, str]) -> None:
    """Refuse a file that is not the official one, where its sum is known."""
    expected = md5.get(file)
    if expected and hashlib.md5(packed, usedforsecurity=False).hexdigest() != expected:
        raise _damaged(name, file, "its md5 sum is not that of the official file")


def _parse(name: str, file: str, packed: bytes) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(packed)
    except (OSError, EOFError) as error:
        raise _damaged(name, file, "it is not a whole gzip file") from error
    try:
        return parse(content)
    except IdxFormatError as error:
        raise _damaged(name, file, str(error)) from error


def _damaged(name: str, file: str, why: str) -> DatasetUnavailableError:
    return DatasetUnavailableError(
        FieldProblem("dataset.name", f"'{name}': file {file} is damaged: {why}.", "Replace it.")
    )
