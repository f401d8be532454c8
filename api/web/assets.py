"""Styles, modules and plotly.js, under addresses that change with their content."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from importlib import resources
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from reglab.api.access.scopes import needs

FOLDER = Path(__file__).parent / "static"
# The bundle with scatter and bar charts alone, as published.
PLOTLY = "plotly-basic-4.1.1.min.js"
STYLE_GUARD = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@cache
def digest() -> str:
    """Names the present content of all static files."""
    total = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            total.update(path.relative_to(FOLDER).as_posix().encode())
            total.update(path.read_bytes())
    return total.hexdigest()[:12]


def static_url(path: str) -> str:
    """The address of a static file; modules import each other relative to it."""
    return f"/static/{digest()}/{path}"


def plotly_url() -> str:
    """The address of plotly.js."""
    return f"/static/{PLOTLY}"


@cache
def _plotly(compressed: bool) -> bytes:
    source = resources.files("reglab.api.web").joinpath("vendor", PLOTLY).read_bytes()
    return gzip.compress(source, 6) if compressed else source


@cache
def plotly_styles() -> list[str]:
    """Ids of style elements that plotly.js adds where no element has them.

    They style maps, which these pages have none of, and the content policy forbids them; an element
    of the same id keeps plotly.js from trying.
    """
    return sorted({found.decode() for found in STYLE_GUARD.findall(_plotly(compressed=False))})


class _Forever(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(FOREVER)
        return response


@needs(None)
def _serve_plotly(request: Request) -> Response:
    compressed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {**FOREVER, "Vary": "Accept-Encoding"}
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return Response(_plotly(compressed), media_type="text/javascript", headers=headers)


def install(app: FastAPI) -> None:
    """Serve the assets."""
    app.add_api_route(plotly_url(), _serve_plotly, include_in_schema=False)
    files = needs(None)(_Forever(directory=FOLDER))
    app.mount(f"/static/{digest()}", files, name="static")
