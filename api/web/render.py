"""Templates, what they may call, and the headers of every page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from reglab import __version__
from reglab.api.middleware.root_path import root_of
from reglab.api.web.assets import plotly_styles, plotly_url, static_url
from reglab.api.web.present import PALETTES

# The hash is that of an empty <style>: plotly.js makes one and fills it by script, which is
# allowed, so that neither 'unsafe-inline' nor a nonce is needed (decision 031).
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """An HTML page."""
    # An error may be shown before anyone has looked who asks.
    principal = getattr(request.state, "principal", None)
    csrf = getattr(request.state, "csrf", None)
    text = _environment.get_template(template).render(
        path=request.url.path,
        root=root_of(request),
        static=lambda path: root_of(request) + static_url(path),
        plotly=root_of(request) + plotly_url(),
        csrf=csrf,
        who=principal.name if principal and csrf else "",
        can_submit="submit" in principal.scopes if principal else False,
        **values,
    )
    return Response(text, status, HEADERS, media_type="text/html")


def _number(value: float | None, digits: int = 4) -> str:
    if value is None:
        return "\u2013"
    significant = value and not 1e-3 <= abs(value) < 1e6
    return f"{value:.{digits}g}" if significant else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int = 1) -> str:
    return "\u2013" if value is None else f"{100 * value:.{digits}f} %"


def _plain(value: Any) -> str:
    """A value of a spec as a person would write it."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _data(value: Any) -> str:
    """JSON for a data block: nothing in it can end the element or begin another."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


_environment = Environment(
    loader=PackageLoader("reglab.api.web"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(number=_number, percent=_percent, plain=_plain, when=_when, data=_data)
_environment.globals.update(
    plotly_styles=plotly_styles,
    version=__version__,
    palettes=PALETTES,
)
