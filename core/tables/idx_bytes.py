"""The IDX format of MNIST's files, unpacked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reglab.core.errors import ReglabError


class IdxFormatError(ReglabError):
    """Bytes are no IDX file of unsigned bytes; the message is the end of a sentence."""


def parse(content: bytes) -> NDArray[np.uint8]:
    """IDX: two zero bytes, type 8 (unsigned byte), rank, then big-endian sizes, then the data.

    Raises:
        IdxFormatError: It is not.
    """
    if content[:3] != b"\x00\x00\x08" or len(content) < 4 + 4 * content[3]:
        raise IdxFormatError("it has no IDX header of unsigned bytes")
    rank = content[3]
    shape = [int(each) for each in np.frombuffer(content, ">u4", rank, offset=4)]
    data = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    # Python's integers: a product of sizes may be beyond those of arrays.
    promised = 1
    for each in shape:
        promised *= each
    if not rank or data.size != promised:
        raise IdxFormatError(f"its header promises {promised} bytes, it holds {data.size}")
    return data.reshape(shape)
