"""Files of ``numpy.savez``: X, y and perhaps X_test, y_test; nothing that needs pickle."""

from __future__ import annotations

import io
import math
import zipfile
from typing import TYPE_CHECKING, Any

from reglab.core.tables import zips
from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.reading import check_size
from reglab.core.tables.table import LARGEST_IMAGE, ReadOptions, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEEDED, OPTIONAL = ("X", "y"), ("X_test", "y_test")
KINDS = "biuf"


def read(data: bytes, _options: ReadOptions, _format: str) -> Table:
    """The table of a file; see ``read_table``."""
    import numpy as np

    with zips.opened(data) as archive:
        members = {name.removesuffix(".npy"): name for name in zips.names(archive)}
        wanted = [name for name in (*NEEDED, *OPTIONAL) if name in members]
        missing = [name for name in NEEDED if name not in members]
        if missing or len(wanted) == 3:
            absent = missing or [name for name in OPTIONAL if name not in members]
            raise TableError(
                "The file has no such array.",
                "Save it with numpy.savez(file, X=..., y=...), and X_test and y_test or neither.",
                column=absent[0],
            )
        found = {name: _array(archive, members[name], name) for name in wanted}
    parts = [_part(found, "X", "y")]
    if "X_test" in found:
        parts.append(_part(found, "X_test", "y_test"))
        if parts[0][0].shape[1:] != parts[1][0].shape[1:]:
            detail = f"Its rows have the shape {parts[1][0].shape[1:]}, "
            detail += f"those of X {parts[0][0].shape[1:]}."
            raise TableError(detail, "Give rows of one shape.", column="X_test")
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] for part in parts])
    test_rows = len(parts[1][1]) if len(parts) > 1 else 0
    return from_arrays(x, y, test_rows, {"format": "npz"}, "y")


def from_arrays(
    x: NDArray[Any], y: NDArray[Any], test_rows: int, reading: dict[str, Any], target: str
) -> Table:
    """The table of inputs (n, d), or of images (n, rows, columns) or (n, rows, columns, 3)."""
    import pandas as pd

    shape = tuple(int(each) for each in x.shape[1:])
    is_image = len(shape) > 1
    if is_image and (max(shape[:2]) > LARGEST_IMAGE or (len(shape) == 3 and shape[2] != 3)):
        remedy = f"Give grey or RGB images of at most {LARGEST_IMAGE} rows and columns."
        raise TableError(f"Its images have the shape {shape}.", remedy, column="X")
    flat = x.reshape(len(x), -1)
    check_size(len(flat), flat.shape[1] + 1)
    letter = "p" if is_image else "x"
    frame = pd.DataFrame(flat, columns=[f"{letter}{at}" for at in range(flat.shape[1])], copy=False)
    labels = pd.DataFrame({target: _labels(y)})
    return Table(
        pd.concat([frame, labels], axis=1),
        image_shape=shape if is_image else None,
        test_rows=test_rows,
        reading=reading,
        target=target,
    )


def _labels(y: NDArray[Any]) -> Any:
    import pandas as pd

    if y.dtype.kind == "U":
        return pd.Series(y.astype(object), dtype=object)
    return pd.Series(y, dtype="boolean" if y.dtype.kind == "b" else None)


def _array(archive: zipfile.ZipFile, member: str, name: str) -> NDArray[Any]:
    import numpy as np

    content = zips.read(archive, member)
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        header = (
            np.lib.format.read_array_header_1_0(stream)
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0(stream)
        )
        shape, _, dtype = header
        if dtype.hasobject:
            raise TableError(
                "It holds Python objects.",
                "Convert it with .astype(float) or .astype(str).",
                column=name,
            )
        # What the header promises is made room for before it is read.
        if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
            raise TableError("Its header promises another size.", "Save it again.", column=name)
        stream.seek(0)
        found: NDArray[Any] = np.load(stream, allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError, KeyError) as error:
        detail = f"It cannot be read: {shortened(error, 120).rstrip('.')}."
        raise TableError(detail, "Save it with numpy.savez.", column=name) from error
    return found


def _part(found: dict[str, NDArray[Any]], inputs: str, labels: str) -> tuple[Any, Any]:
    import numpy as np

    x, y = found[inputs], found[labels]
    if x.ndim not in (2, 3, 4) or x.dtype.kind not in KINDS or 0 in x.shape:
        detail = f"It has the shape {x.shape} and the type {shortened(x.dtype)}."
        remedy = "Give numbers of shape (n, d), (n, rows, columns) or (n, rows, columns, 3)."
        raise TableError(detail, remedy, column=inputs)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.dtype.kind not in KINDS + "U":
        detail = f"It has the shape {y.shape} and the type {shortened(y.dtype)}."
        raise TableError(detail, "Give numbers or text of shape (n,).", column=labels)
    if len(x) != len(y):
        detail = f"It has {len(y)} values, {inputs} {len(x)} rows."
        raise TableError(detail, "Give one value per row.", column=labels)
    for name, array in ((inputs, x), (labels, y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            at = np.argwhere(~np.isfinite(array))[0]
            detail = f"The number at {tuple(map(int, at))} is {array[tuple(at)]}."
            remedy = "Arrays have no missing values: fill them in, or send a table."
            raise TableError(detail, remedy, row=int(at[0]) + 1, column=name)
    if x.dtype.kind == "b":
        x = x.astype(np.uint8)
    if x.dtype.itemsize > 8 or x.dtype.byteorder == ">":
        x = x.astype(np.float64)
    if y.dtype.kind in "iuf" and (y.dtype.itemsize > 8 or y.dtype.byteorder == ">"):
        y = y.astype(np.int64 if y.dtype.kind in "iu" else np.float64)
    return x, y
