"""Several arms over HTTP: against independent numbers, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.harness.stored import serve, store
from tests.harness.synthetic import curves, experiment

UNKNOWN = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
ONE_POINT = {"sweep": {}}
IMAGES = {"dataset": {"name": "digits", "sampling": "random"}, "probes": {"boundary": None}}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("arms")) as made:
        yield made


def accuracy(seed, gain, at=0):
    rng = np.random.default_rng([seed, at])
    return 0.7 + 0.05 * rng.random() + gain * (1 + 0.1 * rng.random())


def runs_of(seeds, gain=0.0, value=accuracy, **overrides):
    def parts(at, run):
        score = value(run.seed, gain, at)
        return curves(test_accuracy=score, test_loss=1 - score), {}

    return [run for seed in seeds for run in experiment("l2", seed, parts, **overrides)]


def put(client, seeds, gain=0.0, value=accuracy, **overrides):
    overrides = ONE_POINT | overrides
    return store(client, "l2", runs_of(seeds, gain, value, **overrides), **overrides)


@pytest.fixture(scope="module")
def three(client):
    """Arms with 8, 8 and 6 seeds."""
    return [
        put(client, range(8), name="none"),
        put(client, range(8), 0.05, name="some"),
        put(client, range(2, 8), 0.0, lambda s, g, at: accuracy(s + 100, g), name="like none"),
    ]


def get(client, ids, **query):
    reply = client.get("/v1/compare", params={"ids": ",".join(ids), **query})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_all_against_a_baseline(client, three):
    body = get(client, three, baseline=three[0])
    assert (body["kind"], body["metric"], body["adjust"]) == ("arms", "test_accuracy", "holm")
    assert body["varied"] == "Seeds vary initialization, batches, training and test examples."
    assert [arm["id"] for arm in body["arms"]] == three
    assert [arm["label"] for arm in body["arms"]] == ["none", "some", "like none"]
    assert [arm["n"] for arm in body["arms"]] == [8, 8, 6]
    values = [
        {seed: accuracy(seed, 0.0) for seed in range(8)},
        {seed: accuracy(seed, 0.05) for seed in range(8)},
        {seed: accuracy(seed + 100, 0.0) for seed in range(2, 8)},
    ]
    for arm, found in zip(body["arms"], values, strict=True):
        data = list(found.values())
        interval = stats.ttest_1samp(data, 0).confidence_interval(0.95)
        assert arm["mean"] == pytest.approx(np.mean(data))
        assert (arm["low"], arm["high"]) == pytest.approx((interval.low, interval.high))
    p_values = []
    for row, other in zip(body["comparisons"], values[1:], strict=True):
        seeds = sorted(values[0].keys() & other.keys())
        test = stats.ttest_rel([other[s] for s in seeds], [values[0][s] for s in seeds])
        assert row["seeds"] == seeds
        interval = test.confidence_interval(0.975)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p_value"] == pytest.approx(test.pvalue)
        assert row["effect_low"] < row["effect_size"] < row["effect_high"]
        p_values.append(test.pvalue)
    assert body["comparisons"][0]["decision"] == "higher"
    assert body["comparisons"][0]["p_adjusted"] == pytest.approx(2 * min(p_values))
    assert "higher (better) test accuracy" in body["comparisons"][0]["text"]
    assert "reaches across 0" in body["comparisons"][1]["reason"]
    shared = np.array([[one[seed] for one in values] for seed in range(2, 8)])
    friedman = stats.friedmanchisquare(*shared.T)
    ranks = body["ranks"]
    assert (ranks["statistic"], ranks["p_value"]) == pytest.approx(friedman)
    assert (ranks["over"], ranks["blocks"]) == ("seeds", 6)
    average = stats.rankdata(-shared, axis=1).mean(axis=0)
    assert [arm["rank"] for arm in body["arms"]] == pytest.approx(average)
    # A lower loss is better, by the same ranks.
    losses = get(client, three, baseline=three[0], metric="test_loss")
    assert [arm["rank"] for arm in losses["arms"]] == pytest.approx(average)
    assert "lower (better) test loss" in losses["comparisons"][0]["text"]


def test_two_arms_are_todays_pair(client, three):
    (row,) = get(client, three[:2])["comparisons"]
    rows = client.get("/v1/compare", params={"experiments": ",".join(three[:2])}).json()["by_seed"]
    pair = next(one for one in rows if one["metric"] == "test_accuracy")["result"]
    for name in ("difference", "low", "high", "effect_size", "p_value"):
        assert row[name] == pytest.approx(pair[name])
    assert row["p_adjusted"] == pytest.approx(pair["p_value"])


def test_the_order_of_ids_does_not_matter(client, three):
    def by_pair(body):
        return {frozenset((row["a"], row["b"])): row for row in body["comparisons"]}

    first, turned = (by_pair(get(client, ids)) for ids in (three, three[::-1]))
    assert len(first) == 3
    for pair, row in first.items():
        assert turned[pair]["p_adjusted"] == pytest.approx(row["p_adjusted"])
        assert abs(turned[pair]["difference"]) == pytest.approx(abs(row["difference"]))


def test_sweep_points_are_arms(client, three):
    swept = put(
        client, range(4), 0.02, sweep={"regularization.l2": [0.0, 0.01, 0.02]}, name="swept"
    )
    body = get(client, [swept], baseline=f"{swept}:1")
    # Runs are laid out by sweep point and seed.
    firsts = [arm["id"].partition(":")[2] for arm in body["arms"]]
    assert [arm["params"]["regularization.l2"] for arm in body["arms"]] == [0.0, 0.01, 0.02]
    assert body["baseline"] == body["arms"][0]["id"]
    assert body["arms"][1]["label"].startswith("swept: ")
    points = [f"{swept}:{firsts[2]}", f"{swept}:{firsts[0]}", three[0]]
    chosen = get(client, points, adjust="bh")
    assert [arm["id"] for arm in chosen["arms"]] == points


def test_equivalence_by_a_margin(client, three):
    body = get(client, three[:2], margin=0.2)
    (row,) = body["comparisons"]
    assert (row["decision"], body["margin"]) == ("equivalent", 0.2)
    assert "differ by less than 0.2" in row["text"]
    assert get(client, three[:2], margin=0.001)["comparisons"][0]["decision"] == "higher"


def test_several_datasets(client):
    sets = IMAGES | {"sweep": {"dataset.name": ["digits", "mnist5k"]}}
    a, b = (put(client, range(5), gain, **sets) for gain in (0.0, 0.05))
    body = get(client, [a, b])
    assert body["datasets"] == ["digits", "mnist5k"]
    values = [[[accuracy(s, g, at) for s in range(5)] for at in (0, 1)] for g in (0.0, 0.05)]
    means = np.mean(values, axis=1)
    (row,) = body["comparisons"]
    assert row["p_value"] == pytest.approx(stats.ttest_rel(*means).pvalue)
    assert body["arms"][1]["mean"] == pytest.approx(means[1].mean())
    assert (body["ranks"]["over"], body["ranks"]["blocks"]) == ("datasets", 2)
    over = body["over_datasets"]
    assert over["improvements"][0]["value"] == pytest.approx(
        np.mean([stats.mannwhitneyu(y, x).statistic / 25 for x, y in zip(*values, strict=True)])
    )
    assert over["interquartile_means"][0]["value"] == pytest.approx(
        stats.trim_mean(np.ravel(values[0]), 0.25)
    )
    profile = over["profiles"][1]
    shares = [np.mean(np.ravel(values[1]) > one) for one in profile["thresholds"]]
    assert profile["share"] == pytest.approx(shares)
    # One dataset of the two, beside an arm that has both.
    reply = client.get("/v1/compare", params={"ids": f"{a},{b}:0"})
    assert reply.status_code == 409
    assert reply.json()["errors"][0]["field"] == "ids"
    assert "mnist5k" in reply.json()["detail"]
    assert body["varied"].endswith("training examples; the test examples stay.")


def test_what_cannot_be_decided_says_why(client, three):
    few = put(client, [0, 1, 40], name="few")
    nan = put(
        client, range(8), 0, lambda s, g, at: np.nan if s == 3 else accuracy(s, g), name="nan"
    )
    equal = put(client, range(8), 0.0, lambda s, g, at: accuracy(s, 0) + 0.125, name="equal")
    body = get(client, [three[0], few, nan, equal], baseline=three[0])
    words = ["2 of at least 3", "not a finite number for seed 3", "differences are equal"]
    for row, word in zip(body["comparisons"], words, strict=True):
        assert word in row["reason"]
        assert word in row["text"]
        assert (row["low"], row["p_adjusted"], row["decision"]) == (None, None, "undecided")
    assert body["arms"][2]["mean"] is None
    assert body["ranks"]["reason"] is not None


def test_bad_requests_name_the_field(client, three):
    a, b, c = three
    images = put(client, range(8), **IMAGES)
    ids = f"{a},{b},{c}"
    for query, status, field, word in (
        ({"ids": a}, 422, "ids", "1 arm"),
        ({"ids": f"{a},{b},{a}"}, 422, "ids", "2 times"),
        ({"ids": f"{a},{a}:0"}, 422, "ids", "single ones"),
        ({"ids": f"{a}:0,{a}:1,{b}"}, 422, "ids", "named before"),
        ({"ids": f"{a}:99,{b}"}, 422, "ids", "no run 99"),
        ({"ids": f"{a},x"}, 404, "ids", "'x'"),
        ({"ids": f"{a},{UNKNOWN}"}, 404, "id", UNKNOWN),
        ({"ids": f"{a},"}, 404, "ids", "''"),
        ({"ids": ids, "metric": "test_acuracy"}, 422, "metric", "test_accuracy"),
        ({"ids": ids, "metric": "validation_loss"}, 409, "metric", "validation_loss"),
        ({"ids": ids, "baseline": images}, 422, "baseline", "none of the arms"),
        ({"ids": ids, "baseline": "x"}, 404, "baseline", "'x'"),
        ({"ids": ids, "adjust": "none"}, 422, "adjust", "holm"),
        ({"ids": ids, "adjust": "dunnett"}, 409, "adjust", "baseline"),
        ({"ids": ids, "adjust": "tukey"}, 409, "adjust", "same seeds"),
        ({"ids": ids, "margin": "0"}, 422, "margin", "greater"),
        ({"ids": ids, "margin": "nan"}, 422, "margin", "finite"),
        ({"ids": f"{a},{images}"}, 409, "ids", "digits"),
        ({"ids": ids, "runs": "a,b"}, 422, "ids", "ids=A,B,C"),
        ({"experiments": f"{a},{b}", "baseline": a}, 422, "baseline", "ids=A,B,C"),
    ):
        reply = client.get("/v1/compare", params=query)
        assert reply.status_code == status, (query, reply.text)
        assert reply.headers["content-type"] == "application/problem+json"
        (error,) = reply.json()["errors"]
        assert error["field"] == field, query
        assert word in " ".join(error.values()), (query, error)


def test_figures_of_arms(client, three):
    query = {"ids": ",".join(three), "baseline": three[0], "width": 5}
    for name in ("forest", "critical-difference"):
        path = f"/v1/compare/figures/{name}.svg"
        reply = client.get(path, params=query)
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/svg+xml")
        again = client.get(path, params=query, headers={"If-None-Match": reply.headers["etag"]})
        assert again.status_code == 304
        other = client.get(path, params=query | {"metric": "test_loss"})
        assert other.headers["etag"] != reply.headers["etag"]
    for path, asked, status, field in (
        ("forest.png", {}, 422, "ids"),
        ("forest.gif", query, 404, "format"),
        ("roots.png", query, 404, "figure"),
        ("critical-difference.png", {"ids": ",".join(three[:2])}, 409, "name"),
        ("forest.png", query | {"metric": "x"}, 422, "metric"),
        ("forest.png", query | {"dpi": 10_000}, 422, "dpi"),
    ):
        reply = client.get(f"/v1/compare/figures/{path}", params=asked)
        assert reply.status_code == status, (path, reply.text)
        assert reply.json()["errors"][0]["field"] == field
