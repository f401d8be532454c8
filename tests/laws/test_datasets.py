"""What holds of any bytes sent as a dataset: a table or a refusal, and nothing is left behind."""

from __future__ import annotations

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core.settings.limits import Limits
from reglab.core.storage.models import DatasetChunk, StoredDataset
from reglab.core.tables import ReadOptions, address
from tests.harness import files
from tests.harness.fuzz import inputs, tell
from tests.harness.inline import Inline

WHOLE = {name: (make(), target) for name, (make, target) in files.ALL.items()}
# A busy machine included; the reader itself is bounded by the time of the processor.
SECONDS = 100


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    made = Inline(tmp_path_factory.mktemp("datasets"), Limits(rate=0, datasets_bytes=64 * 2**20))
    yield made
    made.http.app.state.context.tables.close()
    made.storage.close()


@st.composite
def mutated(draw):
    """A file of one format with bytes changed, taken away, repeated or put in."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    data = bytearray(WHOLE[name][0])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        end = min(len(data), at + draw(st.integers(1, 40)))
        how = draw(st.sampled_from(("flip", "cut", "repeat", "insert", "truncate")))
        if how == "flip" and at < len(data):
            data[at] ^= draw(st.integers(1, 255))
        elif how == "cut":
            del data[at:end]
        elif how == "repeat":
            data[at:at] = data[at:end] * draw(st.integers(1, 30))
        elif how == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=12))
        else:
            del data[at:]
    return name, bytes(data)


def rows(service):
    with service.storage.engine.connect() as connection:
        found = connection.execute(StoredDataset.__table__.select()).mappings().all()
        chunks = connection.execute(DatasetChunk.__table__.select()).mappings().all()
    return {row["id"]: row["size"] for row in found}, chunks


@inputs(60)
@given(mutated())
def test_a_mutated_file_is_stored_whole_or_refused(service, given_file):
    name, data = given_file
    before, _ = rows(service)
    document = {"target": WHOLE[name][1]}
    began = time.monotonic()
    reply = service.http.post(
        "/v1/datasets",
        files={"file": ("f", data)},
        data={"document": json.dumps(document)},
    )
    assert time.monotonic() - began < SECONDS
    tell("mutated datasets", reply.status_code)
    after, chunks = rows(service)
    if reply.status_code in (200, 201):
        made = reply.json()["id"]
        assert made == address(io.BytesIO(data), WHOLE[name][1], ReadOptions())
        assert after == before | {made: len(data)}
        service.http.delete(f"/v1/datasets/{made}")
        return
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"][0]["remedy"]
    assert after == before
    assert chunks == []


@inputs(30)
@given(st.binary(max_size=60), st.text(max_size=5) | st.none(), st.booleans())
def test_an_address_is_of_bytes_target_and_options_alone(data, target, header):
    options = ReadOptions(header=header)
    first = address(io.BytesIO(data), target, options)
    assert address(io.BytesIO(data), target, ReadOptions(header=header)) == first
    others = {
        address(io.BytesIO(data + b"x"), target, options),
        address(io.BytesIO(data), (target or "") + "x", options),
        address(io.BytesIO(data), target, ReadOptions(header=not header)),
    }
    assert first not in others
    assert len(others) == 3
