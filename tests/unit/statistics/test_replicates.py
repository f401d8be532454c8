"""Curves over seeds: against pandas, in the API and in figures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from reglab.core.figures.grouping import Group, groups, seeds_note
from reglab.core.figures.lines import Line, plot_lines
from reglab.core.statistics import aggregate, align
from tests.harness.stored import serve, store
from tests.harness.synthetic import POINTS, curves, experiment

LENGTHS = (10, 7, 10, 4)


def ragged(seed=0):
    """Replicates of which some were stopped early, one at an epoch of its own."""
    rng = np.random.default_rng(seed)
    made = [{"epoch": np.arange(n) * 5, "test_loss": rng.normal(size=n)} for n in LENGTHS]
    made[1]["epoch"][-1] = 28
    return made


def test_the_aggregate_is_that_of_pandas():
    made = ragged()
    found = aggregate(made, ["test_loss"])
    long = pd.concat([pd.DataFrame(one) for one in made])
    expected = long.groupby("epoch")["test_loss"].agg(["mean", "sem", "count"])
    half = stats.t.ppf(0.975, expected["count"] - 1) * expected["sem"]
    np.testing.assert_array_equal(found["epoch"], expected.index)
    np.testing.assert_array_equal(found["seeds"], expected["count"])
    np.testing.assert_allclose(found["test_loss"], expected["mean"])
    np.testing.assert_allclose(found["test_loss_low"], expected["mean"] - half)
    np.testing.assert_allclose(found["test_loss_high"], expected["mean"] + half)
    assert np.isnan(found["test_loss_low"][found["seeds"] == 1]).all()


def test_what_a_replicate_lacks_is_nan():
    epochs, table = align([{"epoch": np.array([0, 1]), "a": np.ones(2)}, {"epoch": [1, 2]}], "a")
    np.testing.assert_array_equal(epochs, [0, 1, 2])
    np.testing.assert_array_equal(table, [[1, 1, np.nan], [np.nan] * 3])
    assert len(aggregate([{"epoch": np.empty(0), "a": np.empty(0)}], ["a"])["a"]) == 0


def replicates(count):
    made = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        loss = rng.uniform(0.5, 1, (9, POINTS))
        made += experiment("l2", seed, lambda at, _, loss=loss: (curves(test_loss=loss[at]), {}))
    return made


@pytest.fixture
def client(tmp_path):
    with serve(tmp_path) as made:
        yield made


def test_curves_over_seeds_in_the_api(client):
    runs = replicates(3)
    path = f"/v1/experiments/{store(client, 'l2', runs)}/curves"
    query = {"aggregate": "seeds", "metrics": "test_loss,train_loss"}
    columns = client.get(path, params=query).json()
    ends = [f"{name}{end}" for name in ("test_loss", "train_loss") for end in ("", "_low", "_high")]
    assert list(columns) == ["point", "params", "epoch", "seeds", *ends]
    assert {len(column) for column in columns.values()} == {9 * POINTS}
    assert set(columns["seeds"]) == {3}
    table = pd.DataFrame(columns)
    assert json.loads(table["params"][POINTS]) == {"regularization.l2": 0.0025}
    third = np.stack([run.curves["test_loss"] for run in runs if run.index == 3])
    rows = table[table["point"] == 3]
    np.testing.assert_allclose(rows["test_loss"], third.mean(axis=0))
    spread = stats.t.ppf(0.975, 2) * stats.sem(third)
    np.testing.assert_allclose(rows["test_loss_high"] - rows["test_loss"], spread)
    csv = client.get(path, params=query | {"format": "csv", "max_points": 10}).text.splitlines()
    assert csv[0].replace('"', "").startswith("point,params,epoch,seeds,test_loss")
    assert len(csv) <= 1 + 9 * 10
    assert client.get(path, params={"aggregate": "runs"}).status_code == 422


def test_one_seed_has_a_mean_and_no_interval(client):
    columns = client.get(
        f"/v1/experiments/{store(client, 'l2', replicates(1))}/curves",
        params={"aggregate": "seeds"},
    ).json()
    assert set(columns["test_loss_low"]) == {None}
    assert None not in columns["test_loss"]


def test_a_figure_shows_the_interval_of_the_mean():
    group = groups(replicates(8))[2]
    assert len(group.runs) == 8
    table = np.stack([run.curves["test_loss"] for run in group.runs])
    axes = Figure().subplots()
    plot_lines(axes, [Line(group, "test_loss")])
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_ydata(), table.mean(axis=0))
    edges = axes.collections[0].get_paths()[0].vertices[:, 1]
    half = stats.t.ppf(0.975, 7) * stats.sem(table)
    assert edges.max() == pytest.approx((table.mean(axis=0) + half).max())
    assert edges.min() == pytest.approx((table.mean(axis=0) - half).min())
    assert "8 seeds" in seeds_note([group])


def test_a_few_replicates_are_drawn_one_by_one_too():
    axes = Figure().subplots()
    plot_lines(axes, [Line(groups(replicates(3))[0], "test_loss")])
    assert len(axes.lines) == 4
    alone = Figure().subplots()
    plot_lines(alone, [Line(groups(replicates(1))[0], "test_loss")])
    assert (len(alone.lines), len(alone.collections)) == (1, 0)
    assert "one run (seed 0)" in seeds_note(groups(replicates(1)))


def test_on_a_log_axis_the_mean_is_geometric():
    runs = [
        run
        for seed, level in enumerate((1e-6, 1e-2))
        for run in experiment("l2", seed, lambda *_, a=level: (curves(train_loss=a), {}))
    ]
    _, mean, low, high = Group({}, groups(runs)[0].runs).curve("train_loss", log=True)
    np.testing.assert_allclose(mean, 1e-4)
    assert (low > 0).all()
    np.testing.assert_allclose(low * high, mean**2)
