"""A zip of PNG and JPEG files, one folder per class, at one size."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from reglab.core.tables import zips
from reglab.core.tables.arrays import from_arrays
from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.reading import check_size
from reglab.core.tables.table import LARGEST_IMAGE, ReadOptions, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG")
ENDINGS = (".png", ".jpg", ".jpeg")
# Images of several sizes, or larger ones, become squares of this size.
USUAL_SIZE = 32
# What Pillow raises for damaged images.
FAULTS = (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError)
MAX_PIXELS = 4096 * 4096


@dataclass(frozen=True)
class Member:
    """One image of the archive: its name, class, and whether it is set apart as test set."""

    name: str
    label: str
    is_test: bool


def read(data: bytes, options: ReadOptions, _format: str) -> Table:
    """The table of a file; see ``read_table``."""
    import numpy as np

    with zips.opened(data) as archive:
        members = _members(zips.names(archive))
        size, colour = _form(archive, members, options)
        channels = 3 if colour == "RGB" else 1
        check_size(len(members), size[0] * size[1] * channels + 1)
        x = np.stack([_pixels(archive, each.name, size, colour) for each in members])
    y = np.array([each.label for each in members])
    test_rows = sum(each.is_test for each in members)
    reading = {
        "format": "images",
        "image_size": list(size),
        "colour": "rgb" if channels == 3 else "grey",
    }
    return from_arrays(x, y, test_rows, reading, "label")


def _members(names: Sequence[str]) -> list[Member]:
    found = []
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() not in ENDINGS:
            remedy = "Give PNG and JPEG files, in one folder per class."
            raise TableError("It is no PNG or JPEG file.", remedy, column=name)
        if len(path.parts) < 2:
            remedy = "Put every image into a folder that has the name of its class."
            raise TableError("It is in no folder.", remedy, column=name)
        part = path.parts[-3].lower() if len(path.parts) > 2 else ""
        found.append(Member(name, path.parts[-2], part == "test"))
    if not found:
        raise TableError("The archive holds no images.", "Put one folder per class into it.")
    # Those of the test set stand at the end.
    return sorted(found, key=lambda each: (each.is_test, each.name))


def _form(
    archive: zipfile.ZipFile, members: Sequence[Member], options: ReadOptions
) -> tuple[tuple[int, int], str]:
    """Rows and columns that all images get, and their mode."""
    sizes, is_grey = set(), True
    for each in members:
        image = _opened(archive, each.name)
        sizes.add((image.height, image.width))
        is_grey = is_grey and image.mode in ("1", "L", "LA", "I;16", "I")
    if options.image_size is not None:
        size = (options.image_size, options.image_size)
    else:
        only = next(iter(sizes))
        fits = len(sizes) == 1 and max(only) <= LARGEST_IMAGE
        size = only if fits else (USUAL_SIZE, USUAL_SIZE)
    grey = options.colour == "grey" if options.colour else is_grey
    return size, "L" if grey else "RGB"


def _opened(archive: zipfile.ZipFile, name: str) -> Image:
    """An image whose header alone is read."""
    from PIL import Image, UnidentifiedImageError

    content = zips.read(archive, name)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (*FAULTS, UnidentifiedImageError, Image.DecompressionBombError) as error:
        detail = f"The image cannot be read: {shortened(type(error).__name__)}."
        raise TableError(detail, "Save it as PNG or JPEG.", column=name) from error
    if image.width * image.height > MAX_PIXELS:
        detail = f"The image has {image.width} x {image.height} pixels."
        raise TableError(detail, f"At most {MAX_PIXELS} are read.", column=name)
    return image


def _pixels(
    archive: zipfile.ZipFile, name: str, size: tuple[int, int], mode: str
) -> NDArray[np.uint8]:
    """Pixels (rows, columns) or (rows, columns, 3)."""
    import numpy as np
    from PIL import Image

    image: Any = _opened(archive, name)
    try:
        if image.format == "JPEG":
            # Decoded at a part of its size where that is enough.
            image.draft(None, (2 * size[1], 2 * size[0]))
        if image.mode in ("I;16", "I"):
            image = Image.fromarray((np.asarray(image, np.uint32) >> 8).astype(np.uint8))
        shown = image.convert("RGBA") if "transparency" in image.info else image
        if shown.mode in ("RGBA", "LA"):
            ground = Image.new("RGBA", shown.size, "white")
            shown = Image.alpha_composite(ground, shown.convert("RGBA"))
        shown = shown.convert(mode)
        if shown.size != (size[1], size[0]):
            shown = shown.resize((size[1], size[0]), Image.Resampling.LANCZOS)
        return np.asarray(shown, dtype=np.uint8)
    except FAULTS as error:
        detail = f"The image does not decode: {shortened(error)}."
        raise TableError(detail, "Save it again as PNG or JPEG.", column=name) from error
