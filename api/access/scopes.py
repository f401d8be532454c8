"""Which scope each address needs: by method, with few exceptions; what is not listed is closed."""

from __future__ import annotations

import re

from reglab.core.storage import AccessScope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Probes of a supervisor, and what a browser needs before anyone has signed in.
OPEN = frozenset({"/healthz", "/readyz", "/sign-in", "/sign-out"})
OPEN_BELOW = ("/static/", "/static-offline-docs/")
ADMIN = re.compile(r"/v1/tokens(/.*)?")
EXCEPTIONS: tuple[tuple[str, re.Pattern[str], AccessScope], ...] = (
    # They store nothing.
    ("POST", re.compile(r"/v1/experiments/estimate"), "read"),
    ("POST", re.compile(r"/v1/runs/[^/]+/predict"), "read"),
    # It trains on the server.
    ("GET", re.compile(r"/v1/playground"), "submit"),
)


def needed(method: str, path: str) -> AccessScope | None:
    """The scope that a request needs; None is open to all."""
    if path in OPEN or path.startswith(OPEN_BELOW):
        return None
    if ADMIN.fullmatch(path):
        return "admin"
    for verb, pattern, scope in EXCEPTIONS:
        if method == verb and pattern.fullmatch(path):
            return scope
    return "read" if method in SAFE else "submit"
