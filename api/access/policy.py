"""When tokens are asked for, and from where requests may come: settings REGLAB_*."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from starlette.requests import Request

from reglab.core.errors import FieldProblem
from reglab.core.settings import SettingsError, flag

# A part of a host's name; one of digits alone is part of an address (RFC 1123, section 2.1).
LABEL = re.compile(r"(?=.*[A-Za-z_-])[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# Segments of the characters that need no quoting in a path, an attribute or a header.
ROOT_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~@:+-]{1,200}){1,20}")
Mode = Literal["auto", "tokens", "open"]


@dataclass(frozen=True)
class Policy:
    """How a server is protected.

    Attributes:
        mode: 'tokens' always asks for a token, 'open' never does, 'auto' asks unless the server
            listens on loopback and the request comes from this machine.
        host: Address that the server is bound to.
        port: Port that it is bound to.
        hosts: Names by which the server may be called, beside those of loopback.
        origins: Origins of other sites whose scripts may call the API.
        session_seconds: How long a browser stays signed in.
        open_metrics: Whether ``/metrics`` is open to all.
        proxies: Addresses or networks of proxies whose X-Forwarded-Proto and -For are believed;
            ``*`` is all.
        root_path: Where the server stands below a proxy, e.g. ``/reglab``; empty at the top.
    """

    mode: Mode = "auto"
    host: str = "127.0.0.1"
    port: int = 8000
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    session_seconds: float = 43_200.0
    open_metrics: bool = False
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    root_path: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Policy:
        """Read the environment; SettingsError names the variable and what would be right."""
        env = os.environ if env is None else env
        mode = env.get("REGLAB_ACCESS") or "auto"
        if mode not in get_args(Mode):
            raise _wrong("REGLAB_ACCESS", mode, "Use auto, tokens or open.")
        return cls(
            mode=cast(Mode, mode),
            host=_host(env),
            port=_port(env),
            hosts=frozenset(map(_name, _words(env, "ALLOWED_HOSTS"))),
            origins=frozenset(_origin(each) for each in _words(env, "CORS_ORIGINS")),
            session_seconds=3600 * _hours(env),
            open_metrics=flag(env, "REGLAB_OPEN_METRICS", cls.open_metrics),
            proxies=tuple(map(_proxy, _words(env, "TRUSTED_PROXIES"))) or cls.proxies,
            root_path=_root_path(env),
        )

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


def _words(env: Mapping[str, str], name: str) -> list[str]:
    return env.get(f"REGLAB_{name}", "").replace(",", " ").split()


def _root_path(env: Mapping[str, str]) -> str:
    text = env.get("REGLAB_ROOT_PATH", "").rstrip("/")
    if text and not ROOT_PATH.fullmatch(text):
        raise _wrong("REGLAB_ROOT_PATH", text, "Name a path like /reglab or /user/me/reglab.")
    return text


def _host(env: Mapping[str, str]) -> str:
    text = env.get("REGLAB_HOST") or Policy.host
    if not _is_host(text):
        raise _wrong("REGLAB_HOST", text, "Name an address of this machine, e.g. 127.0.0.1.")
    return text.strip("[]")


def _name(text: str) -> str:
    if not _is_host(text):
        raise _wrong("REGLAB_ALLOWED_HOSTS", text, "Name hosts like reglab.example.org.")
    return text.lower().strip("[]")


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return text.isascii() and all(LABEL.fullmatch(label) for label in text.split("."))
    return True


def _proxy(text: str) -> str:
    if text == "*":
        return text
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        remedy = "Name addresses or networks like 10.0.0.7 or 10.0.0.0/8, or * for all."
        raise _wrong("REGLAB_TRUSTED_PROXIES", text, remedy) from None
    return text


def _origin(text: str) -> str:
    parsed = urlsplit(text)
    if parsed.scheme not in ("http", "https") or text != f"{parsed.scheme}://{parsed.netloc}":
        raise _wrong("REGLAB_CORS_ORIGINS", text, "Name origins like https://notes.example.org.")
    return text.lower()


def _port(env: Mapping[str, str]) -> int:
    text = env.get("REGLAB_PORT") or str(Policy.port)
    # No digit but ASCII's, no sign, and few enough to be read.
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 0 < port < 65_536:
        raise _wrong("REGLAB_PORT", text, "Set it to a port from 1 to 65535, e.g. 8000.")
    return port


def _hours(env: Mapping[str, str]) -> float:
    text = env.get("REGLAB_SESSION_HOURS") or "12"
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 < hours <= 24 * 365:
        raise _wrong("REGLAB_SESSION_HOURS", text, "Set it to a number of hours, e.g. 12.")
    return hours


def _wrong(name: str, value: str, remedy: str) -> SettingsError:
    return SettingsError(FieldProblem(name, f"Got {value!r}.", remedy))
