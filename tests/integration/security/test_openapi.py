"""Requests made from the API reference itself, alone and in chains: no fault, no hang, no surprise.

Every operation of the document is tried, on experiments whose runs have really been trained.
"""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from reglab.api import playground
from tests.harness.fuzz import SCALE, TALLY, inputs, tell
from tests.harness.inline import UNHURRIED, Inline
from tests.integration.security.archives import MOONS, SQUARED, VARIED

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# A busy machine included.
HANG_SECONDS = 120
# What costs more is refused, so that all that is accepted can be trained at once.
LIMITS = UNHURRIED.model_copy(update={"runs": 4, "experiment_seconds": 3, "figure_dpi": 80})


@schemathesis.serializer("application/zip")
def bytes_as_they_are(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Inline(tmp_path_factory.mktemp("openapi"), LIMITS)
    yield made
    made.storage.close()


@pytest.fixture(scope="module")
def schema(served):
    # A stream of the whole length would only say the same for longer.
    patch = pytest.MonkeyPatch()
    patch.setattr(playground, "EPOCHS", 3)
    yield schemathesis.openapi.from_asgi("/openapi.json", served.http.app)
    patch.undo()


def validated(case, what, checks=CHECKS):
    """Call it; returns the answer, which came in time."""
    began = time.monotonic()
    reply = case.call(headers={"Host": "testserver"}, timeout=HANG_SECONDS)
    assert time.monotonic() - began < HANG_SECONDS, case.as_curl_command()
    case.validate_response(reply, checks=checks)
    tell(what, f"{reply.status_code // 100}xx")
    return reply


def test_every_operation_alone(schema, served):
    made = served.finished(MOONS)
    known = {"experiment_id": made["id"], "run_id": made["runs"][0]["id"]}
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        # What deletes, cancels or changes the known one is for the chains.
        spared = operation.method.upper() == "DELETE"
        _try(operation, {} if spared else known, 6)
        tried += 1
    assert tried == sum(map(len, served.http.get("/openapi.json").json()["paths"].values())) > 30


def _try(operation, known, count):
    @given(case=operation.as_strategy(), whole=st.integers(0, 3))
    @inputs(count)
    def run(case, whole):
        for name in known.keys() & (case.path_parameters or {}).keys():
            if whole:
                case.path_parameters[name] = known[name]
        if "name" in (case.path_parameters or {}) and whole > 1:
            case.path_parameters |= {"name": "curves", "form": "png"}
        validated(case, "requests by the reference")

    run()


def test_every_operation_with_wrong_input(schema):
    """What the document forbids is never a fault either."""
    for result in schema.get_all_operations():
        operation = result.ok()
        # Where any text is allowed, nothing can be wrong.
        with suppress(Unsatisfiable):
            _wrong(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    assert sum(TALLY["requests against the reference"].values()) > 30 * SCALE


def _wrong(strategy):
    @given(case=strategy)
    @inputs(3)
    def run(case):
        validated(case, "requests against the reference", [not_a_server_error])

    run()


def test_chains_of_calls(schema, served):
    """By the document's links: submit or import, train, read, change, cancel, retry, delete."""
    assert schema.statistic.transitions.total > 50
    machine = schema.as_state_machine()

    class Chains(machine):
        def before_call(self, case):
            # A random document is hardly ever an experiment; every other one shall be.
            if case.operation.definition.raw["operationId"] == "submit_experiment":
                choice = len(str(case.body)) % 4
                if choice < 3:
                    case.body = {**(MOONS, SQUARED, VARIED)[choice], "seeds": [choice]}
                    case.headers = {}
                    case.query = {}

        def call(self, case, **kwargs):
            reply = validated(case, "requests in chains")
            tell("calls in chains", case.operation.definition.raw["operationId"])
            served.train_as_told()
            return reply

        def validate_response(self, response, case, **kwargs):
            case.validate_response(response, checks=[*CHECKS, use_after_free])

    Chains.run(settings=inputs(6))
