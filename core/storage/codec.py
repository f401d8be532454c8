"""Arrays to bytes and back; never pickle."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Level 1: most arrays are float noise, of which higher levels save a few per cent at ten times the
# cost.
LEVEL = 1


@dataclass(frozen=True)
class Encoded:
    """One array as stored."""

    dtype: str
    shape: list[int]
    codec: str
    sha256: str
    data: bytes


def encode(array: NDArray[Any]) -> Encoded:
    """Little-endian C-order bytes, compressed, with the sha256 of the uncompressed bytes."""
    plain = np.ascontiguousarray(array)
    plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    raw = plain.tobytes()
    digest = hashlib.sha256(raw).hexdigest()
    return Encoded(
        plain.dtype.str, list(np.shape(array)), "zlib", digest, zlib.compress(raw, LEVEL)
    )


def decode(dtype: str, shape: list[int], sha256: str, data: bytes) -> NDArray[Any]:
    """The array; raises ValueError if its bytes are not those that were stored."""
    raw = zlib.decompress(data)
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError("The stored array is damaged: its checksum differs.")
    return np.frombuffer(raw, dtype=np.dtype(dtype)).reshape(shape)


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Several arrays as one npz."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an npz."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
