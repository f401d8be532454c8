"""Where the server is, and how to behave towards it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from reglab.client.errors import ClientError

DEFAULT_URL = "http://127.0.0.1:8000"
# What a bearer token may consist of (RFC 6750, section 2.1).
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True)
class Settings:
    """Address, credentials and patience of a client.

    Attributes:
        url: Root of the server, without ``/v1``.
        token: Sent as ``Authorization: Bearer``; None sends nothing. Never shown in a repr.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        retries: How often a request is sent again after a lost connection, 429 or 503.
        backoff: Seconds before the first retry, at most; doubles each time, with full jitter.
    """

    url: str = DEFAULT_URL
    token: str | None = field(default=None, repr=False)
    timeout: float = 60.0
    retries: int = 4
    backoff: float = 0.25

    @classmethod
    def choose(
        cls,
        url: str | None = None,
        token: str | None = None,
        env: Mapping[str, str] | None = None,
        **others: float,
    ) -> Settings:
        """Arguments first, then REGLAB_URL and REGLAB_TOKEN, then the defaults.

        An empty token sends none, whatever REGLAB_TOKEN says.
        """
        env = os.environ if env is None else env
        where = "" if url else "REGLAB_URL: "
        url = url or env.get("REGLAB_URL") or DEFAULT_URL
        _check(url, where)
        token = (env.get("REGLAB_TOKEN", "") if token is None else token).strip()
        _check_token(token)
        return cls(url.rstrip("/"), token or None, **others)  # type: ignore[arg-type]


def _check(url: str, where: str) -> None:
    try:
        parsed = httpx.URL(url)
        sound = parsed.scheme in ("http", "https") and bool(parsed.host) and " " not in url
    except (httpx.InvalidURL, TypeError):
        sound = False
    if not sound:
        detail = f"{where}'{url}' is not a server's address."
        raise ClientError(detail, f"Use one like {DEFAULT_URL}.")


def _check_token(token: str) -> None:
    # The token itself is not part of the message: errors end in logs.
    if token and not TOKEN.fullmatch(token):
        raise ClientError(
            "The token has characters that no token has.",
            "Give it as it was printed, e.g. REGLAB_TOKEN=reglab_...",
        )
