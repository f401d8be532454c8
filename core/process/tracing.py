"""Traces by OpenTelemetry: off, and free, unless the extra ``otel`` is installed and asked for.

The standard variables ask for it: ``OTEL_TRACES_EXPORTER``, ``OTEL_EXPORTER_OTLP_ENDPOINT`` and the
rest. A request's span is stored with the runs that it queues, so that the span of a run, in
whichever worker trains it, is of the same trace.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points, version
from typing import Any

log = logging.getLogger("reglab.tracing")
EXTRA = "pip install '.[otel]'"
PREFIX = "reglab"
_provider: Any = None


def asked_for(env: Mapping[str, str] | None = None) -> bool:
    """Whether the standard variables want traces."""
    env = os.environ if env is None else env
    if env.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = env.get("OTEL_TRACES_EXPORTER")
    if exporter:
        return exporter != "none"
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(env.get(name) for name in names)


def start(service: str, exporters: Sequence[Any] | None = None) -> bool:
    """Begin tracing in this process; after a fork, as its thread would not survive one.

    Args:
        service: Kind of process: the service's name is ``reglab-<service>``, unless
            ``OTEL_SERVICE_NAME`` or ``OTEL_RESOURCE_ATTRIBUTES`` name another.
        exporters: Span exporters; left out: those of the environment, if it asks for any.

    Returns:
        Whether spans are made.
    """
    global _provider
    if exporters is None and not asked_for():
        return False
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("tracing is configured, but OpenTelemetry is not installed: %s", EXTRA)
        return False
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    attributes = {"service.version": version("reglab")}
    if not named:
        attributes["service.name"] = f"{PREFIX}-{service}"
    # Not the global one: libraries would begin spans of their own beside ours.
    _provider = TracerProvider(resource=Resource.create(attributes))
    for exporter in _exporters() if exporters is None else exporters:
        _provider.add_span_processor(BatchSpanProcessor(exporter))
    return True


def stop() -> None:
    """Send what is pending and end; spans are free again."""
    global _provider
    if _provider is not None:
        _provider.shutdown()
    _provider = None


def provider() -> Any:
    """The tracer provider, for instrumentation of libraries; None while nothing is traced."""
    return _provider


@contextmanager
def span(name: str, parent: str | None = None, **attributes: Any) -> Iterator[Any]:
    """A span around a block; errors that leave it are recorded.

    Args:
        name: What is done.
        parent: ``traceparent`` of the span that set this off; else the current one.
        attributes: Get the prefix ``reglab.``.

    Yields:
        The span, or None while nothing is traced.
    """
    if _provider is None:
        yield None
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {"traceparent": parent} if parent else None
    context = TraceContextTextMapPropagator().extract(carrier) if carrier else None
    named = {f"{PREFIX}.{key}": value for key, value in attributes.items() if value is not None}
    tracer = _provider.get_tracer(PREFIX)
    with tracer.start_as_current_span(name, context=context, attributes=named) as made:
        yield made


def event(name: str, attributes: Mapping[str, Any] | None = None) -> None:
    """A moment within the current span."""
    if _provider is not None:
        from opentelemetry import trace

        trace.get_current_span().add_event(name, attributes)


def traceparent() -> str | None:
    """The current span as W3C Trace Context writes it; None while nothing is traced."""
    if _provider is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def _exporters() -> list[Any]:
    """Those that OTEL_TRACES_EXPORTER names, by the packages that are installed."""
    wanted = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    found = []
    for name in filter(None, (part.strip() for part in wanted.split(","))):
        known = list(entry_points(group="opentelemetry_traces_exporter", name=_entry(name)))
        if known:
            found.append(known[0].load()())
        else:
            log.warning("no exporter of traces named %s is installed", name)
    return found


def _entry(name: str) -> str:
    if name != "otlp":
        return name
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    return "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
