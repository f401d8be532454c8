"""When tokens are asked for, and from where requests may come."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from reglab.core.settings.access import AccessSettings

if TYPE_CHECKING:
    from starlette.requests import Request


class Policy(AccessSettings):
    """How a server is protected."""

    @property
    def session_seconds(self) -> float:
        """How long a browser stays signed in."""
        return 3600 * self.session_hours

    @property
    def local(self) -> bool:
        """Whether the server can be reached from this machine alone."""
        return is_loopback(self.host)

    @property
    def needs_tokens(self) -> bool:
        """Whether the server would be of no use while there is no token."""
        return self.mode == "tokens" or (self.mode == "auto" and not self.local)

    def asks(self, request: Request) -> bool:
        """Whether this request must bring a token."""
        return self.needs_tokens or (self.mode == "auto" and _from_elsewhere(request))

    def trusts(self, address: str) -> bool:
        """Whether a connection from this address is that of a trusted proxy."""
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            # A socket of this machine has no address; only a proxy beside us could use it.
            return not address or "*" in self.proxies
        return any(
            each == "*" or peer in ipaddress.ip_network(each, strict=False) for each in self.proxies
        )

    def answers_to(self, name: str) -> bool:
        """Whether requests to this host name are answered.

        Where tokens are asked for, another name gives no one a right that he has not. Without
        them, a page of any site could reach the server by a name that it makes point here.
        """
        some_only = self.hosts or (self.local and self.mode != "tokens")
        return not some_only or name in self.hosts or is_loopback(name)


def is_loopback(host: str) -> bool:
    """Whether an address to bind means this machine alone; a name that is not known does not."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _from_elsewhere(request: Request) -> bool:
    """Forwarded by a proxy, or received on an address that others can reach.

    The second happens when the app is served by a command that does not tell us where it listens.
    """
    if any(name == "forwarded" or name.startswith("x-forwarded-") for name in request.headers):
        return True
    address = (request.scope.get("server") or ("",))[0]
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
