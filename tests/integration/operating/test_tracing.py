"""One trace shows a request, its dispatch and its runs; without the extra nothing breaks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import structlog
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reglab.api.app import create_app
from reglab.api.stack import Stack
from reglab.core.process import tracing
from reglab.core.storage.migrate import upgrade
from tests.harness.inline import SMALL
from tests.harness.workers import until


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    assert tracing.start("test", [exporter])

    def finished():
        tracing.provider().force_flush()
        return exporter.get_finished_spans()

    yield finished
    SQLAlchemyInstrumentor().uninstrument()
    tracing.stop()


def test_a_request_its_statements_and_its_dispatch(inline, spans):
    app = create_app(inline.settings)
    http = TestClient(app)
    http.get("/healthz")
    reply = http.post("/v1/experiments", json=SMALL | {"seeds": [0, 1]})
    assert reply.status_code == 202
    app.state.context.run_queue.wait()
    found = {span.name: span for span in spans()}
    request = found["POST /v1/experiments"]
    dispatch = found["dispatch"]
    assert dispatch.parent.span_id == request.context.span_id
    assert dispatch.attributes["reglab.runs"] == 2
    statements = [span for span in spans() if "db.statement" in span.attributes]
    assert {span.context.trace_id for span in statements} == {request.context.trace_id}
    assert any("INSERT INTO runs" in span.attributes["db.statement"] for span in statements)
    # Values are not part of it.
    assert not any("two_moons" in span.attributes["db.statement"] for span in statements)
    stored = inline.storage.experiments.runs(reply.json()["id"])
    ids = (request.context.trace_id, request.context.span_id)
    # What follows are flags: sampled, and of random id.
    assert {run.traceparent[:-2] for run in stored} == {f"00-{ids[0]:032x}-{ids[1]:016x}-"}
    assert not [span for span in spans() if "healthz" in span.name]


def test_spans_have_parents_attributes_and_errors(spans):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def fail() -> None:
        with tracing.span("run", parent, attempt=2, nil=None):
            tracing.event("trained", {"epoch": 3})
            assert tracing.traceparent().startswith("00-0af7651916cd43dd8448eb211c80319c-")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    [span] = spans()
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert dict(span.attributes) == {"reglab.attempt": 2}
    assert [event.name for event in span.events] == ["trained", "exception"]
    assert not span.status.is_ok


def test_log_lines_name_their_span(spans, log_lines):
    with tracing.span("run"):
        structlog.get_logger("reglab.api").info("inside")
    structlog.get_logger("reglab.api").info("outside")
    [span] = spans()
    inside, outside = log_lines()
    ids = (span.context.trace_id, span.context.span_id)
    assert (inside["trace_id"], inside["span_id"]) == (f"{ids[0]:032x}", f"{ids[1]:016x}")
    assert "trace_id" not in outside


def test_nothing_is_traced_unless_asked_for(monkeypatch):
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    assert not tracing.start("test")
    with tracing.span("run") as span:
        tracing.event("trained")
        assert span is None
        assert tracing.traceparent() is None
    address = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert tracing.asked_for(address)
    assert tracing.asked_for({"OTEL_TRACES_EXPORTER": "console"})
    assert not tracing.asked_for(address | {"OTEL_TRACES_EXPORTER": "none"})
    assert not tracing.asked_for(address | {"OTEL_SDK_DISABLED": "true"})


def test_without_the_extra_a_warning_is_all():
    code = """
import sys
sys.modules["opentelemetry.sdk"] = None
from reglab.core.process import logs, tracing
logs.configure("test")
assert not tracing.start("test")
with tracing.span("run") as span:
    assert span is None
"""
    env = {**os.environ, "OTEL_TRACES_EXPORTER": "console"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ".[otel]" in done.stdout


class Collector(ThreadingHTTPServer):
    """Takes traces as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, object]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        for resource in request.resource_spans:
            [service] = [a for a in resource.resource.attributes if a.key == "service.name"]
            for scope in resource.scope_spans:
                self.server.spans += [(service.value.string_value, span) for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.slow
def test_one_trace_from_the_request_to_the_worker(tmp_path):
    upgrade(f"sqlite:///{tmp_path / 'reglab.db'}")
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        env = {
            "REGLAB_HOME": str(tmp_path),
            "REGLAB_WORKER_PROCESSES": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        with Stack(env=env, logs=tmp_path / "logs") as stack:
            address = f"{stack.url}/v1/experiments"
            reply = httpx.post(address, json=SMALL | {"seeds": [0, 1]}, timeout=240).json()
            until(lambda: named(collector, "run")[1:], what="two runs are traced")
            until(lambda: named(collector, "POST /v1/experiments"), what="the request is traced")
        [(server, request)] = named(collector, "POST /v1/experiments")
        runs = named(collector, "run")
        assert server == "reglab-api"
        assert {service for service, _ in runs} == {"reglab-worker"}
        for _, run in runs:
            assert run.trace_id == request.trace_id
            assert run.parent_span_id == request.span_id
            assert [event.name for event in run.events] == ["data loaded", "trained"]
        ids = {value(run, "reglab.run_id") for _, run in runs}
        assert ids == {run["id"] for run in reply["runs"]}
        assert {value(run, "reglab.outcome") for _, run in runs} == {"succeeded"}
        [(_, dispatch)] = named(collector, "dispatch")
        assert dispatch.parent_span_id == request.span_id
        collector.shutdown()


def named(collector: Collector, name: str) -> list[tuple[str, object]]:
    return [(service, span) for service, span in collector.spans if span.name == name]


def value(span, key: str) -> str:
    return next(each.value.string_value for each in span.attributes if each.key == key)
