"""IDX files of images and labels in a zip, as MNIST has them."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from reglab.core.tables import zips
from reglab.core.tables.arrays import from_arrays
from reglab.core.tables.errors import TableError
from reglab.core.tables.idx_bytes import IdxFormatError, parse
from reglab.core.tables.reading import check_bytes
from reglab.core.tables.table import MAX_UNPACKED, ReadOptions, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMAGES = re.compile(r"(.*?)-?images[-.]idx\d-ubyte(\.gz)?")
LABELS = re.compile(r"(.*?)-?labels[-.]idx1-ubyte(\.gz)?")
TEST = ("t10k", "test")


def read(data: bytes, _options: ReadOptions, _format: str) -> Table:
    """The table of a file; see ``read_table``."""
    import numpy as np

    with zips.opened(data) as archive:
        pairs = _pairs(zips.names(archive))
        parts = [_part(archive, *pair) for pair in pairs]
    if len({part[0].shape[1:] for part in parts}) > 1:
        raise TableError("The test images have another shape.", "Give images of one shape.")
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] for part in parts])
    test_rows = len(parts[1][1]) if len(parts) > 1 else 0
    return from_arrays(x, y, test_rows, {"format": "idx"}, "label")


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    """Names of images and labels; those for training first."""
    images = {m[1]: name for name in names if (m := IMAGES.fullmatch(name.rpartition("/")[2]))}
    labels = {m[1]: name for name in names if (m := LABELS.fullmatch(name.rpartition("/")[2]))}
    train = [part for part in images if part not in TEST]
    test = [part for part in images if part in TEST]
    if set(images) != set(labels) or len(train) != 1 or len(test) > 1:
        raise TableError(
            "Its IDX files are no pair of images and labels.",
            "Name them train-images-idx3-ubyte and train-labels-idx1-ubyte, and perhaps t10k-... "
            "for the test set; each may be compressed (.gz).",
        )
    return [(images[part], labels[part]) for part in (*train, *test)]


def _part(
    archive: zipfile.ZipFile, images: str, labels: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    import numpy as np

    x, y = _array(archive, images), _array(archive, labels)
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or 0 in x.shape:
        detail = f"The images have the shape {x.shape}, the labels {y.shape}."
        raise TableError(detail, "Give one label per image.", column=labels)
    return x, y.astype(np.int64)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    content = zips.read(archive, name)
    try:
        if name.endswith(".gz"):
            unpacker = zlib.decompressobj(wbits=31)
            content = unpacker.decompress(content, MAX_UNPACKED + 1)
            check_bytes(len(content))
        return parse(content)
    except (IdxFormatError, zlib.error) as error:
        raise TableError(f"{error}.".capitalize(), "Write the file again.", column=name) from error
