"""The pages: rendered on the server, brought to life by small modules in the browser."""

from __future__ import annotations

from fastapi import FastAPI

from reglab.api.web import assets, pages, sign_in


def install(app: FastAPI) -> None:
    """Add the pages and their assets to the app."""
    assets.install(app)
    app.include_router(pages.router, include_in_schema=False)
    app.include_router(sign_in.router, include_in_schema=False)
