"""Which scope a route needs: declared beside its handler, closed without a declaration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from reglab.api.access.policy import Policy
from reglab.core.storage import AccessScope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ATTRIBUTE = "access_needs"
H = TypeVar("H")


@dataclass(frozen=True)
class Needs:
    """What a request must bring to reach a handler.

    Attributes:
        scope: Scope of the token; None is open to all.
        unless: Field of the policy that opens the route when it is true.
        probe: Asked by those who operate the server: exempt from the rate.
    """

    scope: AccessScope | None
    unless: str | None = None
    probe: bool = False

    def under(self, policy: Policy) -> AccessScope | None:
        """The scope that this policy asks for."""
        opened = self.unless is not None and getattr(policy, self.unless)
        return None if opened else self.scope


# An address that no route has: whoever may read learns that there is nothing.
UNMATCHED = Needs("read")


def needs(
    scope: AccessScope | None, *, unless: str | None = None, probe: bool = False
) -> Callable[[H], H]:
    """Declare what a handler, or the app of a mount, needs; see ``Needs``."""

    def declare(handler: H) -> H:
        setattr(handler, ATTRIBUTE, Needs(scope, unless, probe))
        return handler

    return declare


def declared(handler: Any) -> Needs | None:
    """What was declared; None if nothing was."""
    found: Needs | None = getattr(handler, ATTRIBUTE, None)
    return found
