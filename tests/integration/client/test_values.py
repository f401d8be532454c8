"""What may be given as a value: taken where it has one meaning as JSON, else refused by field."""

from __future__ import annotations

import asyncio
import csv
import itertools
import os
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.client import AsyncClient, Client, ClientError, InvalidFileError, InvalidValueError
from reglab.client.files import write_whole
from reglab.client.submission import body
from reglab.client.tables import Table
from reglab.client.values import json_value, seconds
from reglab.core.spec import Digits, ExperimentSpec, PowerSchedule, TwoMoons
from tests.harness.fuzz import inputs, tell

CYCLE: list = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("given_value", "sent"),
    [
        (np.linspace(0, 1, 3), [0.0, 0.5, 1.0]),
        (np.arange(3), [0, 1, 2]),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(3), 3),
        (range(2, 5), [2, 3, 4]),
        ((1, 2), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        (Fraction(1, 4), 0.25),
        (Decimal("0.1"), 0.1),
        (pd.Series([1, 2]), [1, 2]),
        (TwoMoons(name="two_moons", train_size=9), {"name": "two_moons", "train_size": 9}),
        ({"a": [np.int64(1), (range(2),)]}, {"a": [1, [[0, 1]]]}),
    ],
)
def test_taken(given_value, sent):
    found = body("l2", {"x": given_value})["overrides"]["x"]
    assert found == sent
    assert type(found) is type(sent)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (float("nan"), "x.y"),
        (float("inf"), "x.y"),
        (np.array([0.0, np.nan]), "x.y[1]"),
        ({1, 2}, "x.y"),
        (frozenset(), "x.y"),
        (Path("a"), "x.y"),
        (b"a", "x.y"),
        (1j, "x.y"),
        ((i for i in range(3)), "x.y"),
        (itertools.count(), "x.y"),
        (object(), "x.y"),
        (int, "x.y"),
        (np.datetime64("2026-01-01"), "x.y"),
        ("\ud800", "x.y"),
        pytest.param(10**5000, "x.y", id="5000 digits"),
        (Decimal("NaN"), "x.y"),
        ({"a": {2: 3}}, "x.y.a"),
        ({"\ud800": 1}, "x.y"),
        ([[Path("a")]], "x.y[0][0]"),
    ],
)
def test_refused_by_field(value, field):
    for spec, overrides in (("l2", {"x.y": value}), ({"x": {"y": value}}, None)):
        with pytest.raises(InvalidValueError) as caught:
            body(spec, overrides)
        assert caught.value.field == field
        assert caught.value.detail
        assert field in str(caught.value)


def test_what_holds_itself_is_refused():
    with pytest.raises(InvalidValueError, match="deeply"):
        body("l2", {"x": CYCLE})


@pytest.mark.parametrize("spec", [None, 3, ["l2"], {"l2"}, object()])
def test_what_is_no_spec_is_refused(spec):
    with pytest.raises(InvalidValueError, match="spec"):
        body(spec)


@pytest.mark.parametrize("overrides", [[("a", 1)], "a=1", 3, {"a"}])
def test_what_are_no_overrides_is_refused(overrides):
    with pytest.raises(InvalidValueError, match="overrides"):
        body("l2", overrides)


def test_typed_specs_may_hold_arrays_in_their_sweep():
    spec = ExperimentSpec.model_validate(
        {
            "dataset": Digits(name="digits"),
            "optimizer": {"schedule": PowerSchedule(lr=0.1)},
            "training": {"epochs": 1, "batch_size": 2},
            "sweep": {"regularization.l2": list(np.linspace(0, 1, 2))},
        }
    )
    assert body(spec)["sweep"] == {"regularization.l2": [0.0, 1.0]}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3)
    | st.just({1}) | st.just(Path("a")) | st.floats(width=32).map(np.float32) | st.characters(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    | st.tuples(inner),
    max_leaves=6,
)  # fmt: skip


@inputs(200)
@given(ANYTHING)
def test_law_a_value_is_sent_or_refused_by_field(value):
    refused = None
    try:
        found = json_value(value, "field")
    except InvalidValueError as error:
        refused = error
    if refused is not None:
        tell("values given to submit", "refused")
        assert refused.field.startswith("field")
        return
    tell("values given to submit", "taken")
    httpx.Request("POST", "http://reglab.test", json=found)
    assert json_value(found, "field") == found


@pytest.mark.parametrize("key", ["a\nb", "ä", " a", "x" * 201, 5])
def test_keys_that_no_header_holds(key):
    with Client("http://reglab.test") as client, pytest.raises(InvalidValueError, match="key"):
        client.submit("l2", key=key)


def test_other_bodies_are_held_to_it(face):
    client = face.client("http://reglab.test")
    with pytest.raises(InvalidValueError) as caught:
        face(client.create_token("x", days=float("nan")))
    assert caught.value.field == "days"


@pytest.mark.parametrize("name", ["a?b=c", "a#b", "a/b", "../presets", "a b", "%2e", "ä"])
def test_names_are_one_part_of_a_path(face, name):
    paths = []

    def answer(request):
        paths.append(request.url.raw_path.decode())
        return httpx.Response(404, json={})

    client = face.client("http://reglab.test", transport=httpx.MockTransport(answer))
    with pytest.raises(ClientError):
        face(client.get(name))
    assert paths[0].startswith("/v1/experiments/")
    assert not {"?", "#"} & set(paths[0])
    assert paths[0].count("/") == 3
    for nothing in (".", "..", "", "a\0b"):
        with pytest.raises(ClientError):
            face(client.get(nothing))
    assert len(paths) == 1


@pytest.mark.parametrize("ending", ["spec.toml", "spec.TOML"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_toml_with_and_without_byte_order_mark(tmp_path, ending, mark):
    path = tmp_path / ending
    path.write_bytes(mark + b'name = "a"\n')
    assert body(path) == {"name": "a"}


def test_json_with_byte_order_mark(tmp_path):
    path = tmp_path / "spec.JSON"
    path.write_bytes(b'\xef\xbb\xbf{"name": "a"}')
    assert body(path) == {"name": "a"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "a", "name": "b"}', "'name' is given twice"),
        ('{"training": {"epochs": 1, "epochs": 2}}', "'epochs' is given twice"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_files_that_say_a_thing_twice_or_nest_without_end(tmp_path, text, said):
    path = tmp_path / "spec.json"
    path.write_text(text)
    with pytest.raises(InvalidFileError, match=said):
        body(path)


@pytest.mark.parametrize("text", ['{"x": NaN}', '{"x": 1e999}'])
def test_numbers_of_files_are_finite(tmp_path, text):
    path = tmp_path / "spec.json"
    path.write_text(text)
    with pytest.raises(InvalidValueError) as caught:
        body(path)
    assert caught.value.field == "x"


def test_dates_of_toml_are_refused_by_field(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text("name = 2026-01-01\n")
    with pytest.raises(InvalidValueError, match="name"):
        body(path)


def test_one_async_client_in_several_event_loops(server):
    client = AsyncClient(server)
    for _ in range(3):
        assert asyncio.run(client.health()).status == "ok"

    async def twice():
        found = await asyncio.gather(client.health(), client.presets())
        await client.close()
        return found

    assert asyncio.run(twice())[0].status == "ok"


def test_a_closed_client_says_so(face, server):
    client = face.client(server)
    face(client.health())
    face(client.close())
    with pytest.raises(ClientError, match="closed"):
        face(client.health())


def test_what_is_no_plain_file_is_written_to_not_replaced(tmp_path):
    """A link keeps pointing, a pipe stays a pipe."""
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_bytes(b"old")
    link.symlink_to(target)
    assert write_whole(link, b"new") == link
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"through")
    assert os.read(reader, 100) == b"through"
    assert pipe.is_fifo()
    os.close(reader)


@pytest.mark.parametrize("text", ["a\rb", "\r=1", "\r\n=1", "\t+1", " @x", "a\r\nb"])
def test_a_cell_of_csv_survives_and_runs_nothing(tmp_path, text):
    path = Table({"name": [text, "next"]}).save_csv(tmp_path / "t.csv")
    with path.open(newline="") as file:
        _, (cell,), (after,) = csv.reader(file)
    assert after == "next"
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert cell.replace("'", "").split() == text.split()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: body("l2", {"seeds": range(10**9)}), "seeds"),
        (lambda: body("l2", {"seeds": [range(10**30)]}), "seeds[0]"),
        (lambda: seconds("x", "timeout"), "timeout"),
        (lambda: seconds(True, "timeout"), "timeout"),
        (lambda: seconds(-1, "timeout"), "timeout"),
        (lambda: body("l2.json"), "spec"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(call, field):
    with pytest.raises(InvalidValueError, match=re.escape(field)):
        call()


@pytest.mark.parametrize("url", [5, "http://a b", "nowhere"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ClientError, match="address"):
        Client(url)
