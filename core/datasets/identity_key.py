"""What is made from an array, kept as long as the array is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

# A worker goes from one dataset's runs to another's and back: so many are kept.
KEPT = 2


@dataclass(frozen=True, eq=False)
class IdentityKey:
    """An array as the key of a cache: equal to itself alone, as comparing contents would cost.

    The array must not be changed afterwards.
    """

    array: NDArray[Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdentityKey) and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)
