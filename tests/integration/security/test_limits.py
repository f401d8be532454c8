"""Every limit refuses what is too much, says so with its variable, and lets the rest through."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reglab.api.events import log as event_log
from reglab.api.figure_cache import FigureCache
from reglab.api.limits.rate import CLIENTS, Rate
from reglab.core.exchange.json_text import depth_of
from reglab.core.settings import SettingsError
from reglab.core.settings import limits as limits_module
from reglab.core.settings.limits import Limits, table
from reglab.core.spec import parse_spec
from reglab.core.storage import Quota, QuotaExceededError, Submission
from tests.harness.inline import SMALL, UNHURRIED, Inline

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "limits.md"
README = Path(__file__).parents[3] / "README.md"
SLOW_MOONS = {**SMALL, "training": {"epochs": 200_000, "batch_size": 8}}


@pytest.fixture
def service(tmp_path):
    """Makes a service with some limits of its own."""
    made = []

    def make(**limits):
        made.append(Inline(tmp_path, UNHURRIED.model_copy(update=limits)))
        return made[-1]

    yield make
    for one in made:
        one.storage.close()


def refused(reply, status, name, field):
    """The problem of a limit names the field, the variable and its value."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["request_id"]
    error = body["errors"][0]
    assert error["field"] == field
    assert error["detail"]
    row = next(row for row in Limits().rows() if row.name == name)
    assert row.status == status
    assert f"{row.setting} is " in error["remedy"]
    if status == 429:
        assert int(reply.headers["retry-after"]) >= 1
    return error


def test_the_reference_shows_the_table_as_it_is():
    assert table(Limits()) in PAGE.read_text()
    assert "REGLAB_MAX_" in README.read_text()


def test_every_limit_is_read_from_its_own_variable():
    rows = list(Limits().rows())
    assert len({row.setting for row in rows}) == len(rows) > 20
    env = {row.setting: str(int(row.default * 2)) for row in rows}
    assert [row.value for row in Limits.from_env(env).rows()] == [2 * row.default for row in rows]
    assert Limits.from_env({}) == Limits()


@pytest.mark.parametrize("value", ["-1", "many", "nan", "inf", "1.5"])
def test_a_useless_value_is_refused_with_what_would_be_right(value):
    with pytest.raises(SettingsError, match=r"REGLAB_MAX_RUNS.*whole number from 1 to"):
        Limits.from_env({"REGLAB_MAX_RUNS": value})


def test_the_module_prints_the_table(capsys, monkeypatch):
    monkeypatch.setenv("REGLAB_MAX_RUNS", "7")
    print(limits_module.table(Limits.from_env()))
    assert "| `REGLAB_MAX_RUNS` | runs of one experiment | 7 | 422 |" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/experiments/estimate"])
def test_a_long_body(service, path):
    http = service(body_bytes=2000).http
    body = json.dumps({**SMALL, "name": "x" * 3000})
    told = http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert str(len(body)) in refused(told, 413, "body_bytes", "body")["detail"]

    def pieces():
        for at in range(0, len(body), 100):
            yield body[at : at + 100].encode()

    untold = http.post(path, content=pieces(), headers={"Content-Type": "application/json"})
    refused(untold, 413, "body_bytes", "body")
    assert http.get("/v1/experiments").json()["items"] == []


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/runs/x/predict"])
def test_a_deep_body(service, path):
    deep = {"name": '[[[[ "]]]] \\', "sweep": {"a": json.loads("[" * 40 + "]" * 40)}}
    reply = service().http.post(path, json=deep)
    assert "42 deep" in refused(reply, 400, "json_depth", "body")["detail"]
    headers = {"Content-Type": "application/json"}
    endless = service().http.post(path, content=b"[" * 1_000_000, headers=headers)
    refused(endless, 400, "json_depth", "body")


def depth(value):
    """The slow, obvious way."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)
    return 0


JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, escaped=st.booleans())
@settings(max_examples=300, deadline=None)
def test_depth_is_counted_without_parsing(value, escaped):
    assert depth_of(json.dumps(value, ensure_ascii=escaped).encode()) == depth(value)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_depth_of_anything_is_a_number(data):
    assert 0 <= depth_of(data) <= len(data)


def test_counting_depth_takes_time_in_proportion():
    # An unfinished text of escaped quotes makes careless patterns try every start.
    assert depth_of(b'["' + b'\\"' * 500_000) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (rb'{"name": "a\u0000b"}', "name"),
        (rb'{"tags": ["x", "\ud800"]}', "tags[1]"),
        (rb'{"sweep": {"\udfff.x": [1]}}', r"sweep.\udfff.x"),
        ('{"name": "ä"}'.encode("utf-16"), "body"),
    ],
)
def test_text_that_no_database_takes(service, body, field):
    http = service().http
    for path in ("/v1/experiments", "/v1/experiments/01a20e8c-cfe5-759a-82b0-fdfa1ca8176f/cancel"):
        reply = http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code == 400, reply.text
        assert reply.json()["errors"][0]["field"] == field
    nul = http.get("/v1/experiments?q=%00")
    assert (nul.status_code, nul.json()["errors"][0]["field"]) == (400, "query")
    assert http.get("/v1/experiments/%00").status_code == 400


def test_names_in_any_script_are_kept(service):
    served = service()
    name = 'smile 😀, \\u0000 is no NUL, "quoted" [[[{{{'
    made = served.submit({**SMALL, "name": name})
    assert served.get(f"/experiments/{made['id']}")["name"] == name


def test_runs(service):
    served = service(runs=5)
    grid = {"regularization.l2": [0, 1e-3], "regularization.l1": [0, 1e-3, 1e-4]}
    reply = served.http.post("/v1/experiments", json={**SMALL, "sweep": grid})
    assert "6 runs" in refused(reply, 422, "runs", "sweep")["detail"]
    served.submit({**SMALL, "seeds": [0, 1, 2, 3, 4]})


def test_parameters(service):
    served = service(parameters=50)
    # Inputs and a bias per unit: (2 + 1) * 6 + (6 + 1) * 5 + (5 + 1) * 2.
    reply = served.http.post("/v1/experiments", json=SMALL)
    assert "65 parameters" in refused(reply, 422, "parameters", "model.hidden")["detail"]
    served.submit({**SMALL, "model": {"hidden": [6]}})
    wide = {**SMALL, "model": {}, "sweep": {"model.hidden": [[2], [90]]}}
    reply = served.http.post("/v1/experiments", json=wide)
    refused(reply, 422, "parameters", "model.hidden")


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/experiments/estimate"])
def test_the_cost_of_an_experiment(service, path):
    served = service(experiment_seconds=5)
    reply = served.http.post(path, json={**SLOW_MOONS, "seeds": [0, 1]})
    refused(reply, 422, "experiment_seconds", "training.epochs")
    assert served.http.post(path, json=SMALL).status_code < 300


def test_the_queue(service):
    served = service(queued_runs=4)
    served.submit({**SMALL, "seeds": [0, 1, 2]})
    reply = served.http.post("/v1/experiments", json={**SMALL, "seeds": [3, 4]})
    assert "5 runs" in refused(reply, 429, "queued_runs", "runs")["detail"]
    assert len(served.get("/experiments")["items"]) == 1, "nothing of a refused one is stored"
    served.train()
    again = served.submit({**SMALL, "seeds": [3, 4]})
    served.http.post(f"/v1/experiments/{again['id']}/cancel")
    served.submit({**SMALL, "seeds": [5, 6, 7]})
    refused(served.http.post(f"/v1/experiments/{again['id']}/retry"), 429, "queued_runs", "runs")


def test_the_cost_of_what_a_token_has_not_finished(service):
    cost = service().http.post("/v1/experiments/estimate", json=SMALL).json()["cpu_seconds"]
    served = service(token_seconds=2.5 * cost)
    served.submit({**SMALL, "seeds": [0, 1]})
    reply = served.http.post("/v1/experiments", json={**SMALL, "seeds": [2]})
    refused(reply, 429, "token_seconds", "runs")
    # What others wait for is their own affair.
    spec = parse_spec({**SMALL, "seeds": [3]})
    quota = Quota(queued_runs=10, token_seconds=1.5 * cost, stored_bytes=2**40)
    experiments = served.storage.experiments
    assert experiments.create(
        Submission.of(spec, token_id="a", estimated_seconds=cost, quota=quota)
    )
    with pytest.raises(QuotaExceededError) as raised:
        experiments.create(Submission.of(spec, token_id="a", estimated_seconds=cost, quota=quota))
    assert (raised.value.name, raised.value.found) == ("token_seconds", pytest.approx(2 * cost))
    # A finished run counts no more: two of three queued ones are trained.
    for _ in range(2):
        lease = served.storage.runs.lease_next("w")
        served.storage.runs.finish(lease, None, {}, {"final": {}})
    served.submit({**SMALL, "seeds": [2]})


def test_an_idempotent_repeat_is_no_addition(service):
    served = service(queued_runs=1)
    headers = {"Idempotency-Key": "k"}
    assert served.submit(SMALL, **headers)["id"] == served.submit(SMALL, **headers)["id"]


def test_submissions_at_once_do_not_pass_the_same_check(service):
    served = service(queued_runs=5)
    codes = []

    def one(seed):
        codes.append(served.http.post("/v1/experiments", json={**SMALL, "seeds": [seed]}))

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(12)]
    # One event loop for all, as in a server.
    with served.http:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(code.status_code for code in codes) == [202] * 5 + [429] * 7


def test_figures(trained):
    made = trained.finished(SMALL)
    path = f"/v1/experiments/{made['id']}/figures/curves.png"
    refused(trained.http.get(path, params={"dpi": 401}), 422, "figure_dpi", "dpi")
    for width in ("25", "inf"):
        refused(trained.http.get(path, params={"width": width}), 422, "figure_width", "width")
    assert trained.http.get(path, params={"width": "nan"}).status_code == 422


def test_a_figure_of_too_many_pixels(service):
    served = service(figure_pixels=10_000)
    made = served.finished(SMALL)
    path = f"/v1/experiments/{made['id']}/figures/curves"
    reply = served.http.get(f"{path}.png")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "dpi"
    assert served.http.get(f"{path}.svg").status_code == 200
    assert served.http.get("/v1/report", params={"experiment": made["id"]}).status_code == 200


def test_a_figure_that_cannot_be_drawn_leaves_nothing_behind():
    cache = FigureCache()

    def fail():
        raise ZeroDivisionError

    for at in range(3):
        with pytest.raises(ZeroDivisionError):
            cache.get(f"key {at}", fail)
    assert cache.get("key 0", lambda: b"drawn after all") == b"drawn after all"


def test_the_rate_of_one_client(service):
    served = service(rate=2, burst=5)
    replies = [served.http.get("/v1/presets") for _ in range(8)]
    codes = [reply.status_code for reply in replies]
    assert codes[:6] == [200] * 6
    assert 429 in codes[6:]
    refused(replies[codes.index(429)], 429, "rate", "requests")
    for _ in range(20):
        assert served.http.get("/healthz").status_code == 200


@given(
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=80),
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 20),
)
@settings(max_examples=200, deadline=None)
def test_a_bucket_lets_through_what_it_says(pauses, rate, burst):
    """Against the slow, obvious bucket that is filled by time."""
    now, level, last = 0.0, burst + 1.0, 0.0
    bucket = Rate(rate, burst, lambda: now)
    for pause in pauses:
        now += pause
        level = min(burst + 1.0, level + rate * (now - last))
        last = now
        wait = bucket.wait("someone")
        if abs(level - 1) > 1e-6:
            assert (wait == 0) == (level >= 1)
        level -= wait == 0
        if wait > 1e-6:
            assert wait == pytest.approx((1 - level) / rate, rel=1e-3, abs=1e-6)


def test_clients_are_apart_and_forgotten_in_time():
    bucket = Rate(1, 1, lambda: 0.0)
    assert [bucket.wait("a"), bucket.wait("a"), bucket.wait("b")] == [0, 0, 0]
    assert bucket.wait("a") > 0
    for at in range(2 * CLIENTS):
        bucket.wait(str(at))
    # The latest are remembered, each with one request less, and no others.
    assert bucket.wait(str(CLIENTS)) == 0
    assert bucket.wait(str(CLIENTS)) > 0
    assert [bucket.wait(str(CLIENTS - 1)) for _ in range(2)] == [0, 0]


def test_predictions(service):
    served = service(predictions=1000)
    made = served.finished({**SMALL, "regularization": {"dropout": 0.2}})
    path = f"/v1/runs/{made['runs'][0]['id']}/predict"
    few = {"inputs": [[0.0, 1.0]], "dropout_samples": 400}
    assert served.http.post(path, json=few).status_code == 200
    many = {**few, "inputs": [[0.0, 1.0]] * 2}
    refused(served.http.post(path, json=many), 422, "predictions", "inputs")
    reply = served.http.post(path, json={"inputs": [[1e300, 0.0]]})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "inputs"


def test_drawings_that_wait(service):
    served = service(drawings=0)
    made = served.finished(SMALL)
    path = f"/v1/experiments/{made['id']}/figures/curves.png"
    refused(served.http.get(path), 429, "drawings", "figures")


def test_events_of_many_runs_are_kept_by_their_size(monkeypatch):
    monkeypatch.setattr(event_log, "KEPT_BYTES", 5000)
    kept = event_log.EventLog("y" * 1000)
    ids = []
    for _ in range(100):
        kept.delete()
        ids.append(kept.last_id)
    # Who is further behind is given a snapshot.
    events = kept.after(ids[-5])
    assert [event.id for event in events] == ids[-4:]
    assert sum(len(event.data) for event in events) <= 5000
    assert [event.name for event in kept.after(ids[-6])] == ["metrics", "progress", "state"]


def test_glibc_gives_memory_back():
    # In a process of its own, as it holds for all that follows.
    code = "from reglab.api.limits.memory import give_back; print(give_back())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(platform.libc_ver()[0] == "glibc")
