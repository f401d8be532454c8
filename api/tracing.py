"""The server's part of logs and traces that go on in workers."""

from __future__ import annotations

import structlog
from fastapi import FastAPI
from sqlalchemy import Engine

from reglab.core.process import tracing
from reglab.core.storage import Origin

# Looked at every few seconds by machines.
UNTRACED = "/healthz,/readyz,/metrics"


def origin() -> Origin:
    """The request that this code serves; empty outside of one."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return Origin(request_id, tracing.traceparent())


def instrument(app: FastAPI, engine: Engine) -> None:
    """Spans of requests and of their statements, where tracing was started."""
    provider = tracing.provider()
    if provider is None:
        return
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls=UNTRACED,
        # One span a request; parts of an answer are no news.
        exclude_spans=["receive", "send"],
    )
    # The check would refuse SQLAlchemy 2.1, with which it works as the tests show.
    SQLAlchemyInstrumentor().instrument(
        engine=engine, tracer_provider=provider, skip_dep_check=True
    )
