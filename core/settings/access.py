"""Where a server listens, who may use it, and under which names."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, field_validator

from reglab.core.settings.base import EnvironmentSettings, setting

# A part of a host's name; one of digits alone is part of an address (RFC 1123, section 2.1).
LABEL = re.compile(r"(?=.*[A-Za-z_-])[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# Segments of the characters that need no quoting in a path, an attribute or a header.
ROOT_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~@:+-]{1,200}){1,20}")
# No digit but ASCII's and no sign.
PORT = re.compile(r"[0-9]{1,5}")


def _words(value: Any) -> Any:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _name(text: str) -> str:
    _check(is_host(text))
    return text.lower().strip("[]")


def _origin(text: str) -> str:
    parsed = urlsplit(text)
    _check(parsed.scheme in ("http", "https") and text == f"{parsed.scheme}://{parsed.netloc}")
    return text.lower()


def _proxy(text: str) -> str:
    if text != "*":
        ipaddress.ip_network(text, strict=False)
    return text


def _check(is_right: bool) -> None:
    if not is_right:
        raise ValueError


def is_host(text: str) -> bool:
    """Whether a text is an address or a name of a host."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return text.isascii() and all(LABEL.fullmatch(label) for label in text.split("."))
    return True


Mode = Literal["auto", "tokens", "open"]
Names = Annotated[frozenset[Annotated[str, AfterValidator(_name)]], BeforeValidator(_words)]
Origins = Annotated[frozenset[Annotated[str, AfterValidator(_origin)]], BeforeValidator(_words)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_proxy)], ...], BeforeValidator(_words)]


class AccessSettings(EnvironmentSettings):
    """Where a server listens, who may use it, and under which names."""

    mode: Mode = setting(
        "auto",
        variable="REGLAB_ACCESS",
        what="When a token is required: tokens means always, open means never, and auto means "
        "unless the server listens on loopback and the request comes from this machine.",
        remedy="Use auto, tokens or open.",
    )
    host: str = setting(
        "127.0.0.1",
        what="Address on which the server listens.",
        remedy="Name an address of this machine, e.g. 127.0.0.1.",
    )
    port: int = setting(
        8000,
        what="Port on which the server listens.",
        remedy="Set it to a port from 1 to 65535, e.g. 8000.",
        gt=0,
        lt=65_536,
    )
    hosts: Names = setting(
        frozenset(),
        variable="REGLAB_ALLOWED_HOSTS",
        what="Host names, other than those of loopback, under which the server may be requested.",
        remedy="Name hosts like reglab.example.org, separated by commas or spaces.",
    )
    origins: Origins = setting(
        frozenset(),
        variable="REGLAB_CORS_ORIGINS",
        what="Origins of other web sites whose scripts may call the API.",
        remedy="Name origins like https://notes.example.org, separated by commas or spaces.",
    )
    session_hours: float = setting(
        12.0,
        what="Hours for which a browser stays signed in.",
        remedy="Set it to a number of hours, e.g. 12.",
        gt=0,
        le=24 * 365,
    )
    open_metrics: bool = setting(
        False,
        what="Whether /metrics can be read without a token.",
        remedy="Set it to 1 (yes) or 0 (no).",
    )
    proxies: Proxies = setting(
        ("127.0.0.1", "::1"),
        variable="REGLAB_TRUSTED_PROXIES",
        what="Addresses or networks of proxies whose X-Forwarded headers are trusted; * means all.",
        remedy="Name addresses or networks like 10.0.0.7 or 10.0.0.0/8, or * for all.",
    )
    root_path: str = setting(
        "",
        what="Path below which a proxy serves reglab; the root of the host if not set.",
        remedy="Name a path like /reglab or /user/me/reglab.",
    )

    @field_validator("host")
    @classmethod
    def _host(cls, text: str) -> str:
        _check(is_host(text))
        return text.strip("[]")

    @field_validator("port", mode="before")
    @classmethod
    def _port(cls, value: Any) -> Any:
        _check(not isinstance(value, str) or bool(PORT.fullmatch(value)))
        return value

    @field_validator("root_path")
    @classmethod
    def _root_path(cls, text: str) -> str:
        text = text.rstrip("/")
        _check(not text or bool(ROOT_PATH.fullmatch(text)))
        return text
