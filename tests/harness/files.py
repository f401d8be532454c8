"""Small files of every format that a dataset may come in."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
from PIL import Image

ROWS = 40


def frame() -> pd.DataFrame:
    """Numbers, text, booleans and missing values, and a target of two classes."""
    rng = np.random.default_rng(7)
    age = rng.integers(18, 80, ROWS).astype(float)
    age[3] = np.nan
    return pd.DataFrame(
        {
            "height": rng.normal(170.25, 9.5, ROWS).round(2),
            "age": age,
            "city": rng.choice(["Köln", "Bern", "Genève"], ROWS),
            "member": rng.random(ROWS) < 0.5,
            "y": np.where(np.arange(ROWS) % 3, "yes, often", "no"),
        }
    )


def archive(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in members.items():
            # Of one time, so that the same content is the same bytes.
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            zipped.writestr(info, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def picture(array: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind)
    return file.getvalue()


def idx(array: np.ndarray) -> bytes:
    """The format of MNIST's files: type, rank, big-endian sizes, bytes."""
    head = bytes([0, 0, 8, array.ndim])
    return head + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def saved(**arrays: np.ndarray) -> bytes:
    """As numpy.savez_compressed writes them."""
    members = {}
    for name, array in arrays.items():
        content = io.BytesIO()
        np.lib.format.write_array(content, array)
        members[f"{name}.npy"] = content.getvalue()
    return archive(members)


def csv(**options) -> bytes:
    return frame().to_csv(index=False, **options).encode()


def spreadsheet() -> bytes:
    """As a German spreadsheet exports it: semicolons, decimal commas, Latin-1, CRLF."""
    text = frame().to_csv(index=False, sep=";", decimal=",", lineterminator="\r\n")
    return text.encode("latin-1")


def parquet() -> bytes:
    file = io.BytesIO()
    frame().to_parquet(file)
    return file.getvalue()


def feather() -> bytes:
    file = io.BytesIO()
    frame().to_feather(file)
    return file.getvalue()


def json_lines() -> bytes:
    return frame().to_json(orient="records", lines=True, force_ascii=False).encode()


def npz() -> bytes:
    rng = np.random.default_rng(8)
    return saved(
        X=rng.normal(size=(30, 4)).astype(np.float32),
        y=np.arange(30) % 3,
        X_test=rng.normal(size=(9, 4)).astype(np.float32),
        y_test=np.arange(9) % 3,
    )


def idx_pairs() -> bytes:
    rng = np.random.default_rng(9)
    members = {}
    for part, count in (("train", 20), ("t10k", 6)):
        images = rng.integers(0, 256, (count, 6, 5))
        members[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images), mtime=0)
        members[f"{part}-labels-idx1-ubyte"] = idx(np.arange(count) % 2)
    return archive(members)


def class_folders() -> bytes:
    rng = np.random.default_rng(10)
    members = {"__MACOSX/._x": b"-"}
    for part, count in (("train", 4), ("test", 2)):
        for label in ("cat", "dog"):
            for at in range(count):
                pixels = rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)
                kind = "PNG" if at % 2 else "JPEG"
                members[f"set/{part}/{label}/{at}.{kind.lower()}"] = picture(pixels, kind)
    return archive(members)


ALL = {
    "csv": (csv, "y"),
    "spreadsheet": (spreadsheet, "y"),
    "parquet": (parquet, "y"),
    "feather": (feather, "y"),
    "jsonl": (json_lines, "y"),
    "npz": (npz, None),
    "idx": (idx_pairs, None),
    "images": (class_folders, None),
}
