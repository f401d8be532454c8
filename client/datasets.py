"""Own data on its way to the server: equal tables and arrays become equal bytes."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reglab.client.dataset_models import DatasetInfo, DatasetPage, UploadedDataset
from reglab.client.errors import InvalidValueError
from reglab.client.files import read_whole
from reglab.client.flow import Call, Flow
from reglab.client.packages import need

ID = re.compile(r"sha256:[0-9a-f]{64}")
PARTS = ("X", "y", "X_test", "y_test")
# The earliest time that an archive can tell, so that equal arrays give equal bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)
PAGE = 100


def upload(
    data: Any,
    target: str | None,
    name: str | None,
    description: str,
    tags: Sequence[str],
    options: Mapping[str, Any] | None,
) -> Flow[UploadedDataset]:
    """See ``Client.upload``."""
    file, content = packed(data)
    document = {
        "target": target,
        "name": name,
        "description": description,
        "tags": list(tags),
        "options": dict(options or {}),
    }
    given = {key: value for key, value in document.items() if value is not None}
    call = Call(
        "POST",
        "/v1/datasets",
        files={"file": (file, content)},
        form={"document": json.dumps(given)},
    )
    return UploadedDataset.read((yield call))


def listed(filters: Mapping[str, Any]) -> Flow[list[DatasetInfo]]:
    """All pages of the list."""
    found: list[DatasetInfo] = []
    query = {**filters, "limit": PAGE, "cursor": None}
    while True:
        page = DatasetPage.read((yield Call("GET", "/v1/datasets", params=query)))
        found += page.items
        if page.next_cursor is None:
            return found
        query["cursor"] = page.next_cursor


def address(dataset: Any) -> str:
    """The path of a dataset: of its id, or of what has one."""
    found = dataset if isinstance(dataset, str) else getattr(dataset, "id", None)
    if not (isinstance(found, str) and ID.fullmatch(found)):
        remedy = "Give an id 'sha256:...' as `reglab datasets list` shows it."
        raise InvalidValueError("dataset", f"{dataset!r} is no id of an uploaded dataset.", remedy)
    return f"/v1/datasets/{found}"


def packed(data: Any) -> tuple[str, bytes]:
    """A file name and bytes for a path, a frame of pandas or polars, or arrays (X, y)."""
    if isinstance(data, str | os.PathLike):
        return Path(data).name, read_whole(data)
    if isinstance(data, tuple) and len(data) in (2, 4):
        return "arrays.npz", _arrays(data)
    file = io.BytesIO()
    if hasattr(data, "write_parquet"):
        data.write_parquet(file)
    elif hasattr(data, "to_parquet"):
        need("pyarrow", "upload() of a pandas.DataFrame")
        # The index numbers rows; it is no feature.
        data.to_parquet(file, index=False)
    else:
        raise InvalidValueError(
            "data",
            f"Got {type(data).__name__}.",
            "Give a path, a DataFrame of pandas or polars, or (X, y) or (X, y, X_test, y_test).",
        )
    return "table.parquet", file.getvalue()


def new_inputs(inputs: Any) -> dict[str, Any]:
    """Inputs of ``Run.predict`` as fields of a request: rows by name, or lists of numbers."""
    if hasattr(inputs, "to_dicts"):
        return {"rows": inputs.to_dicts()}
    if hasattr(inputs, "to_dict"):
        present = inputs.astype(object).where(inputs.notna(), None)
        return {"rows": present.to_dict("records")}
    try:
        rows = inputs.tolist() if hasattr(inputs, "tolist") else list(inputs)
        if rows and all(isinstance(row, Mapping) for row in rows):
            return {"rows": [dict(row) for row in rows]}
        return {"inputs": [list(row) for row in rows]}
    except TypeError:
        remedy = "Give one list of numbers per input, [[...], [...]], or a DataFrame or dicts."
        raise InvalidValueError("inputs", "It is no list of rows.", remedy) from None


def _arrays(parts: Sequence[Any]) -> bytes:
    numpy = need("numpy", "upload() of arrays")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in zip(PARTS, parts, strict=False):
            array = numpy.asarray(part)
            if array.dtype == object:
                array = array.astype(str)
            content = io.BytesIO()
            numpy.lib.format.write_array(content, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", NO_TIME)
            archive.writestr(info, content.getvalue(), zipfile.ZIP_DEFLATED)
    return file.getvalue()
