"""Structured logs of every process: one JSON object per line, records of libraries included.

What is bound with ``structlog.contextvars`` (request_id, run_id, ...) is in each line that is
written meanwhile, by whatever logger.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from reglab.core.process import parent, tracing
from reglab.core.settings import LogSettings, unknown_variables

# Libraries speak at this level and above; reglab and Celery from REGLAB_LOG_LEVEL on.
LIBRARIES = logging.WARNING
OURS = ("reglab", "celery")


def configure(service: str, env: Mapping[str, str] | None = None) -> None:
    """Set logging up for this process, on standard output; safe to call again.

    Args:
        service: Name of the kind of process, in every line.
        env: Where ``REGLAB_LOG_LEVEL`` and ``REGLAB_LOG_FORMAT`` are; default: the environment.

    Raises:
        SettingsError: One of them has a value that is not known.
    """
    chosen = LogSettings.from_env(env)
    noting: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _of(service),
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=noting,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(chosen.log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LIBRARIES)
    for name in OURS:
        logging.getLogger(name).setLevel(chosen.log_level)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*noting, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(chosen.log_level)),
        cache_logger_on_first_use=False,
    )
    # Whoever started this process has told.
    if parent.VARIABLE not in os.environ:
        for detail in unknown_variables(env):
            structlog.get_logger("reglab").warning("unknown variable", detail=detail)


def _rendering(shape: str) -> list[Processor]:
    if shape == "text":
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
    # Without locals: they would hold bodies of requests, tokens and weights.
    traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(traces),
        structlog.processors.JSONRenderer(),
    ]


def _of(service: str) -> Processor:
    def note(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"], event["pid"] = service, os.getpid()
        span = tracing.traceparent()
        if span is not None:
            event["trace_id"], event["span_id"] = span.split("-")[1:3]
        return event

    return note
