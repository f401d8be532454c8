"""Headers of every answer, errors included, that tell browsers what must not be done with it."""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not same-origin: a notebook on another port of this machine may show a figure.
    "Cross-Origin-Resource-Policy": "same-site",
}
# A year, for this host alone: of its neighbours we know nothing.
STRICT_TRANSPORT = "max-age=31536000"
NO_FRAMES = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# For what is no page of ours: figures as SVG and reports have styles of their own, no scripts.
DATA_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; {NO_FRAMES}"
REFERENCE = frozenset({"/docs", "/redoc"})
REFERENCE_POLICY = (
    "default-src 'none'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    f"worker-src blob:; {NO_FRAMES}"
)
INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
CACHED = ("/static/", "/static-offline-docs/")


class SecurityHeadersMiddleware:
    """Adds what an answer does not have by itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                _complete(scope, MutableHeaders(scope=message))
                if scope["path"] in REFERENCE:
                    # Its policy names the scripts of the body, which comes next.
                    start = message
                    return
            elif start is not None:
                MutableHeaders(scope=start)["Content-Security-Policy"] = _reference_policy(
                    message.get("body", b"")
                )
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, sending)


def _complete(scope: Scope, headers: MutableHeaders) -> None:
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", DATA_POLICY)
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if not scope["path"].startswith(CACHED):
        headers.setdefault("Cache-Control", "no-store")


def _reference_policy(body: bytes) -> str:
    """The policy of a page of the API reference, which has one inline script."""
    digests = [hashlib.sha256(script).digest() for script in INLINE_SCRIPT.findall(body)]
    hashes = "".join(f" 'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return REFERENCE_POLICY.format(hashes=hashes)
