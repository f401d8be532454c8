"""Errors as pages for people: whoever asks for HTML outside the API gets no JSON."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reglab.api.problems import wants_page
from reglab.api.web.render import page


class HtmlErrorMiddleware:
    """Turns problem documents into pages where a browser looks for a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not wants_page(Request(scope)):
            await self._app(scope, receive, send)
            return
        replaced = False

        async def sending(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] >= 400:
                headers = dict(message["headers"])
                replaced = headers.get(b"content-type", b"").startswith(b"application/problem")
                if replaced:
                    status = HTTPStatus(message["status"])
                    await page(
                        Request(scope),
                        "error.html",
                        status.value,
                        title=status.phrase,
                        code=status.value,
                        request_id=headers.get(b"x-request-id", b"").decode(),
                    )(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, sending)
