"""Exports of real runs, and ways to damage or forge them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
from hypothesis import strategies as st

SHORT = {
    "optimizer": {"schedule": {"lr": 0.05}},
    "training": {"epochs": 6, "batch_size": 8, "eval_every": 2},
}
# Together they have every array that a run may store.
MOONS = {
    **SHORT,
    "dataset": {"name": "two_moons", "train_size": 40, "test_size": 30},
    "model": {"hidden": [6, 5], "activation": "relu"},
    "regularization": {"dropout": 0.2, "early_stopping": {"patience": 2}},
    "probes": {
        "boundary": {"resolution": 9, "dropout_instances": 2, "snapshots": 3},
        "spectrum": {"snapshots": 3},
        "temperature": {},
        "mc_dropout": {"samples": 4},
        "norms": {},
    },
    "seeds": [0, 1],
    "tags": ["a"],
}
SQUARED = {
    **SHORT,
    "dataset": {"name": "digits", "train_size": 30, "test_size": 20},
    "model": {"hidden": [], "loss": "squared", "activation": "identity"},
    "probes": {"calibration": None, "components": {"snapshots": 3}},
}
VARIED = {
    **SHORT,
    "dataset": {"name": "digits", "train_size": 30, "test_size": 20},
    "model": {"hidden": [4]},
    "regularization": {"augmentation": {"name": "cutout", "size": 2}},
}
DIVERGED = {
    **SHORT,
    "dataset": {"name": "two_moons", "train_size": 20, "test_size": 20},
    "model": {"hidden": [3]},
    "optimizer": {"schedule": {"lr": 100}},
    "regularization": {"l2": 1000},
}
SPECS = [MOONS, SQUARED, VARIED, DIVERGED]

Members = dict[str, bytes]


class Corpus(list):
    """Said in a word where a test tells what it drew from."""

    def __repr__(self) -> str:
        return "exports"


ODD = [
    None,
    True,
    0,
    -1,
    1e308,
    -1e-308,
    2**31,
    2**63,
    10**400,
    "",
    "a",
    "x" * 300,
    "../../x",
    "\u202e\u0000",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00Z",
    "2026-01-01T00:00:00",
    [],
    {},
    [[]],
    {"final": {}},
]
DTYPES = ["<f4", "<f8", ">f8", "<f2", "<i8", "<u1", "<u8", "<i2", "?", "<c8", "<M8[s]", "<U3", "O"]


def unzip(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def rezip(members: Members, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these files with sums that fit, as a forger would make it."""
    members = dict(members)
    try:
        manifest = json.loads(members["manifest.json"])
        manifest["files"] = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in members.items()
            if name != "manifest.json"
        }
        members["manifest.json"] = json.dumps(manifest).encode()
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, data in members.items():
            packed.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


@st.composite
def damaged(draw, contents: list[bytes]) -> bytes:
    """Some bytes of an export are changed, lost, doubled or put elsewhere."""
    data = bytearray(contents[draw(st.integers(0, len(contents) - 1))])
    for _ in range(draw(st.integers(1, 4))):
        # Both ends hold most of what a reader believes.
        at = draw(st.integers(0, len(data)) | st.integers(max(0, len(data) - 400), len(data)))
        size = draw(st.integers(0, 40) | st.integers(0, len(data)))
        piece = draw(st.binary(max_size=40) | st.just(bytes(data[at : at + size])))
        how = draw(st.sampled_from(["replace", "insert", "cut", "truncate"]))
        if how == "replace":
            data[at : at + len(piece)] = piece
        elif how == "insert":
            data[at:at] = piece
        elif how == "cut":
            del data[at : at + size]
        else:
            del data[at:]
    return bytes(data)


@st.composite
def forged(draw, exports: list[Members]) -> bytes:
    """The contents of an export are changed, and its sums fit."""
    members = dict(exports[draw(st.integers(0, len(exports) - 1))])
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(members)))
        if name.endswith(".json"):
            members[name] = _json(draw, members[name])
        elif name.endswith(".npz"):
            members[name] = _npz(draw, members[name])
        elif draw(st.booleans()):
            del members[name]
    return rezip(members)


def _json(draw, data: bytes) -> bytes:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        # Broken by an earlier change.
        return data
    node, key = draw(st.sampled_from(list(places(document))))
    how = draw(st.sampled_from(["replace", "replace", "delete", "deepen", "double"]))
    if how == "delete":
        del node[key]
    elif how == "deepen":
        value = node[key]
        for _ in range(draw(st.sampled_from([1, 5, 2000]))):
            value = [value]
        node[key] = "DEEP"
        depth = draw(st.sampled_from([1, 5, 2000]))
        text = json.dumps(document).replace('"DEEP"', "[" * depth + "]" * depth, 1)
        return text.encode()
    elif how == "double" and isinstance(node, list):
        node.append(node[key])
    else:
        node[key] = draw(st.sampled_from(ODD) | st.floats() | st.text(max_size=5))
    text = json.dumps(document)
    return draw(st.sampled_from([text, text, text.replace("1", "NaN", 1), text[:-1]])).encode(
        "utf-8", "surrogatepass"
    )


def places(node):
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, inner in list(items):
        yield node, key
        yield from places(inner)


def _npz(draw, data: bytes) -> bytes:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            plain = {name: np.asarray(stored[name]) for name in stored.files}
    except Exception:
        # Broken by an earlier change.
        return data
    arrays = {name: npy(array) for name, array in plain.items()}
    numbers = sorted(name for name, array in plain.items() if array.dtype.kind in "iuf")
    if not numbers:
        return data
    name = draw(st.sampled_from(numbers))
    array = plain[name]
    how = draw(st.sampled_from(["values", "values", "dtype", "shape", "drop", "rename", "bytes"]))
    if how == "values":
        array = array.copy()
        odd = draw(st.sampled_from([np.nan, np.inf, -1, 0, 2**40, 1e300]))
        with np.errstate(all="ignore"):
            where = draw(st.integers(0, max(0, array.size - 1)))
            array.flat[where:] = np.asarray(odd).astype(array.dtype)
        arrays[name] = npy(array)
    elif how == "dtype":
        with np.errstate(all="ignore"):
            dtype = draw(st.sampled_from(DTYPES))
            arrays[name] = npy(array.astype("f8").astype("i8").astype(dtype))
    elif how == "shape":
        shapes = [array[:0], array[:1], array[None], array.ravel(), array.T, np.float32(1)]
        arrays[name] = npy(np.asarray(draw(st.sampled_from(shapes))))
    elif how == "drop":
        del arrays[name]
    elif how == "rename":
        arrays[draw(st.sampled_from(["x", "../x", "param.W9", "boundary.p", ""]))] = arrays[name]
    else:
        raw = bytearray(arrays[name])
        at = draw(st.integers(0, min(len(raw), 140) - 1))
        raw[at : at + 1] = draw(st.binary(max_size=3))
        arrays[name] = bytes(raw)
    return npz(arrays)


def npz(arrays: Members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in arrays.items():
            packed.writestr(zipfile.ZipInfo(f"{name}.npy"), content)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()
