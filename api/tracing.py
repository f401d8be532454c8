"""Which request is being served, for the logs and traces of what it sets off."""

from __future__ import annotations

import structlog

from reglab.core.storage.records import Origin


def origin() -> Origin:
    """The request that this code serves; empty outside of one."""
    return Origin(structlog.contextvars.get_contextvars().get("request_id"))
