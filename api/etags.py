"""Answers that a client may have already (RFC 9110, section 13)."""

from __future__ import annotations

from fastapi import Request, Response


def headers(tag: str) -> dict[str, str]:
    """Of an answer that may be kept and must be asked for again."""
    return {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}


def not_modified(request: Request, tag: str) -> Response | None:
    """The 304 for a client that has it: it names this tag, or any (*)."""
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if any(each in ("*", f'"{tag}"', f'W/"{tag}"') for each in known):
        return Response(status_code=304, headers=headers(tag))
    return None
