"""Paired comparisons against scipy, by hand, and over HTTP."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax

from reglab.core.statistics import compare_pairs, mcnemar
from tests.harness.stored import serve, store
from tests.harness.synthetic import curves, experiment, predictions

A = np.array([0.80, 0.82, 0.79, 0.85, 0.81, 0.83, 0.80])
B = A + np.array([0.02, 0.01, 0.03, 0.00, 0.02, 0.02, 0.01])


def test_replicates_against_scipy():
    found = compare_pairs(A, B)
    assert (found.count, found.difference) == (7, pytest.approx(np.mean(B - A)))
    assert found.p_value == pytest.approx(stats.ttest_rel(B, A).pvalue)
    interval = stats.ttest_rel(B, A).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    # The exact correction is a ratio of gamma functions; the usual one is within a per cent.
    exact = math.gamma(6 / 2) / (math.sqrt(6 / 2) * math.gamma(5 / 2))
    d = np.mean(B - A) / np.std(B - A, ddof=1)
    assert found.effect_size == pytest.approx(d * exact, rel=0.01)


def test_the_order_changes_the_sign_alone():
    one, other = compare_pairs(A, B), compare_pairs(B, A)
    assert one.difference == -other.difference
    assert one.effect_size == pytest.approx(-other.effect_size)
    assert one.p_value == pytest.approx(other.p_value)


def test_single_pairs_and_equal_differences_have_no_test():
    alone = compare_pairs([1.0], [2.0])
    assert alone.difference == 1.0
    assert (alone.low, alone.effect_size, alone.p_value) == (None, None, None)
    equal = compare_pairs([1.0, 2.0, 3.0], [1.5, 2.5, 3.5])
    assert (equal.low, equal.high, equal.effect_size) == (None, None, None)
    rounded = compare_pairs([0.1 + 0.2, 0.3, 0.6], [0.3, 0.3, 0.6])
    assert (rounded.low, rounded.p_value) == (None, None)
    tiny = compare_pairs([0.0, 0.0, 0.0], [1e-160, 3e-160, 5e-160])
    assert (tiny.low, tiny.p_value) == (None, None)
    two = compare_pairs([1.0, 2.0], [1.5, 2.7])
    assert (two.low, two.effect_size, two.p_value) == (None, None, None)


def test_examples_against_scipy():
    rng = np.random.default_rng(0)
    a = rng.exponential(size=900)
    b = a + rng.normal(0.1, 0.5, 900)
    found = compare_pairs(a, b)
    expected = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p_value == pytest.approx(stats.ttest_rel(b, a).pvalue)


def test_mcnemar_by_hand():
    a = np.array([1, 1, 1, 1, 1, 1, 0, 0], bool)
    b = np.array([1, 0, 0, 0, 0, 0, 1, 0], bool)
    found = mcnemar(a, b)
    assert (found.only_a, found.only_b, found.odds_ratio) == (5, 1, 0.2)
    # Six that differ; 0, 1, 5 or 6 of them on one side is as far from even: 14 of 64 ways.
    assert found.p_value == pytest.approx(14 / 64)
    same = mcnemar(a, a)
    assert (same.p_value, same.odds_ratio) == (1.0, None)


@pytest.fixture
def client(tmp_path):
    with serve(tmp_path) as made:
        yield made


def moons(seeds, gain, preset="l2", **overrides):
    """Test accuracy and loss with noise by seed, and ``gain`` more of both."""

    def parts(at, run):
        rng = np.random.default_rng([run.seed, at])
        accuracy = 0.8 + 0.05 * rng.random() + gain * (1 + 0.1 * rng.random())
        chosen = np.random.default_rng(at).permutation(40) < 40 * (0.6 + gain)
        arrays = predictions(0.5 + 0.4 * rng.random(40), chosen)
        return curves(test_accuracy=accuracy, test_loss=accuracy / 2), arrays

    return [run for seed in seeds for run in experiment(preset, seed, parts, **overrides)]


def compare(client, **query):
    return client.get("/v1/compare", params=query)


def test_two_experiments_by_sweep_point_and_seed(client):
    first, second = moons(range(6), 0.0), moons(range(2, 8), 0.1)
    a, b = store(client, "l2", first), store(client, "l2", second)
    body = compare(client, experiments=f"{a},{b}").json()
    assert (body["kind"], body["metrics"], body["by_example"]) == ("experiments", None, None)
    rows = [row for row in body["by_seed"] if row["metric"] == "test_accuracy"]
    assert len(rows) == 9
    for at, row in enumerate(rows):
        assert row["seeds"] == [2, 3, 4, 5]
        assert row["params_a"] == row["params_b"] == first[at].params
        sides = [
            [
                run.curves["test_accuracy"][-1]
                for run in runs
                if run.params == row["params_a"] and run.seed in row["seeds"]
            ]
            for runs in (first, second)
        ]
        assert row["result"]["difference"] == pytest.approx(np.mean(sides[1]) - np.mean(sides[0]))
        assert row["result"]["p_value"] == pytest.approx(stats.ttest_rel(*sides).pvalue)
    assert {row["metric"] for row in body["by_seed"]} >= {"test_loss", "ece", "brier"}


def test_two_runs_with_other_labels_are_compared_by_metric_alone(client):
    first, second = moons([3], 0.0), moons([3], 0.3)
    ids = [store(client, "l2", runs) for runs in (first, second)]
    a, b = (client.get(f"/v1/experiments/{one}/runs").json()["items"][0]["id"] for one in ids)
    body = compare(client, runs=f"{a},{b}").json()
    assert body["by_example"] is None
    assert body["by_example_reason"] == "Their test examples were read from different files."
    accuracy = next(row for row in body["metrics"] if row["metric"] == "test_accuracy")
    assert accuracy["difference"] == pytest.approx(
        second[0].curves["test_accuracy"][-1] - first[0].curves["test_accuracy"][-1]
    )


def test_examples_are_compared_where_the_test_set_is_one(client):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60).astype(np.uint8)

    def parts(at, run):
        logits = np.random.default_rng(at).normal(size=(60, 2)).astype(np.float32)
        logits[np.arange(60), labels] += 0.2 * at
        return curves(), {"test.logits": logits, "test.labels": labels}

    runs = experiment("l2", 0, parts)
    identifier = store(client, "l2", runs)
    rows = client.get(f"/v1/experiments/{identifier}/runs").json()["items"]
    body = compare(client, runs=f"{rows[0]['id']},{rows[8]['id']}").json()
    assert body["by_example_reason"] is None
    found = body["by_example"]
    right = [run.logits().argmax(axis=1) == labels for run in (runs[0], runs[8])]
    nll = [
        -log_softmax(run.logits().astype(float), axis=1)[np.arange(60), labels]
        for run in (runs[0], runs[8])
    ]
    assert found["accuracy"]["difference"] == pytest.approx(right[1].mean() - right[0].mean())
    assert found["nll"]["difference"] == pytest.approx(nll[1].mean() - nll[0].mean())
    assert found["nll"]["low"] < found["nll"]["difference"] < found["nll"]["high"]
    only = [int(np.sum(right[0] & ~right[1])), int(np.sum(right[1] & ~right[0]))]
    assert [found["mcnemar"]["only_a"], found["mcnemar"]["only_b"]] == only
    assert found["mcnemar"]["p_value"] == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)


def test_what_cannot_be_paired_says_why(client):
    by_seed = store(client, "l2", moons([0], 0.0)), store(client, "l2", moons([1], 0.0))
    sweep = {"regularization.l1": [0.001, 0.002]}
    other = store(client, "l1", moons([0], 0.0, "l1", sweep=sweep), sweep=sweep)
    pairs = {"seed": by_seed, "sweep point": (by_seed[0], other)}
    for word, (a, b) in pairs.items():
        reply = compare(client, experiments=f"{a},{b}")
        assert reply.status_code == 409
        assert word in reply.json()["detail"]
    runs = [client.get(f"/v1/experiments/{one}/runs").json()["items"][0]["id"] for one in by_seed]
    assert "seeds" in compare(client, runs=",".join(runs)).json()["by_example_reason"]


def test_bad_requests_name_the_field(client):
    identifier = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
    for query, status in (
        ({}, 422),
        ({"runs": f"{identifier},{identifier}", "experiments": f"{identifier},{identifier}"}, 422),
        ({"runs": identifier}, 422),
        ({"runs": f"{identifier},x"}, 404),
        ({"experiments": f"{identifier},{identifier}"}, 404),
    ):
        reply = compare(client, **query)
        assert reply.status_code == status, query
        assert reply.json()["errors"][0]["field"] or status == 404
