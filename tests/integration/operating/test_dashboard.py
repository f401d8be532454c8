"""Dashboard and alerts ask for what /metrics has: every name, label and value."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.inline import SMALL

FOLDER = Path(__file__).parents[3] / "docs" / "operating"
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text())
RULES = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(rule["expr"] for rule in RULES),
]
# Prometheus adds these itself.
GIVEN = {"job", "instance"}


@pytest.fixture(scope="module")
def known(trained) -> dict[str, list[dict[str, str]]]:
    """Labels of every series of a service that has trained something, by name."""
    trained.finished(SMALL)
    series: dict[str, list[dict[str, str]]] = {"up": [{}]}
    for family in text_string_to_metric_families(trained.http.get("/metrics").text):
        for sample in family.samples:
            series.setdefault(sample.name, []).append(sample.labels)
    return series


def selectors(query: str) -> list:
    """All selections of series in a query, by Prometheus' own grammar."""
    text = query.replace("$__rate_interval", "5m").replace("$job", "reglab")
    found, open_ = [], [promql_parser.parse(text)]
    while open_:
        node = open_.pop()
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        children = ("expr", "lhs", "rhs", "vector_selector", "param")
        open_ += [
            inner
            for name in children
            if (inner := getattr(node, name, None)) is not None
            and isinstance(inner, promql_parser.Expr)
        ]
        open_ += list(getattr(node, "args", None) or [])
    return found  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_asks_for_what_there_is(query, known):
    found = selectors(query)
    assert found
    for selector in found:
        assert selector.name in known, selector.name
        series = known[selector.name]
        for matcher in selector.matchers.matchers:
            if matcher.name in GIVEN or selector.name == "up":
                continue
            values = {labels[matcher.name] for labels in series}
            if matcher.op == promql_parser.MatchOp.Equal:
                assert matcher.value in values
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        for label in grouped.split(", "):
            assert any(label in labels for s in found for labels in known[s.name]), label


def test_the_check_sees_a_wrong_name():
    [selector] = selectors("max(rate(reglab_nothing_total[5m]))")
    assert selector.name == "reglab_nothing_total"
    with pytest.raises(ValueError, match="unclosed"):
        selectors("max(rate(reglab_requests_total[5m])")


def test_what_operators_need_is_shown():
    shown = {selector.name for query in QUERIES for selector in selectors(query)}
    assert shown >= {
        "reglab_requests_total",
        "reglab_request_seconds_bucket",
        "reglab_runs",
        "reglab_queue_oldest_seconds",
        "reglab_run_seconds_bucket",
        "reglab_run_wait_seconds_bucket",
        "reglab_lease_expiries_total",
        "reglab_training_steps_total",
        "reglab_workers",
        "reglab_database_up",
    }


def test_numbers_of_the_service_are_not_summed_over_servers():
    for query in QUERIES:
        for name in re.findall(r"sum(?: by \([^)]*\))? \(?\(?rate\((\w+)", query):
            assert name.startswith("reglab_request"), query


def test_the_dashboard_can_be_imported():
    assert {"title", "uid", "schemaVersion", "panels", "templating"} <= set(DASHBOARD)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    for place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
    for one, other in itertools.combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    text = json.dumps(DASHBOARD)
    assert set(re.findall(r"\$\{?(\w+)", text)) <= variables | {"__rate_interval", "__all"}
    for panel in PANELS:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_alerts_say_what_to_do():
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert {"summary", "description"} == set(rule["annotations"])
