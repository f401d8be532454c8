"""What failed is told wherever means, bests and differences are."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reglab.core.figures.grouping import extreme_note
from reglab.core.figures.lines import wrapped_apart
from reglab.core.figures.weights import MOST_CELLS, thinned
from tests.harness.fuzz import inputs
from tests.harness.inline import SMALL

WILD = {
    "dataset": {"name": "two_moons", "train_size": 20, "test_size": 50, "noise": 0.3},
    "model": {"hidden": [], "activation": "identity", "loss": "squared"},
    "optimizer": {"schedule": {"lr": 1.2}},
    "training": {"epochs": 2000, "batch_size": 20, "eval_every": 10},
    "probes": {"calibration": None, "boundary": {"resolution": 8}},
    "sweep": {"regularization.l2": [0, 0.02, 0.1]},
    "seeds": [0, 1, 2, 3, 4, 5, 6, 7],
}


def test_failed_runs_are_told_beside_every_mean(trained):
    made = trained.submit(WILD)
    told = trained.train_as_told()
    lost = told.count("diverged")
    assert 0 < lost < len(told)
    runs = trained.get(f"/experiments/{made['id']}")["runs"]
    by_point = {
        value: [run["state"] for run in runs if run["params"]["regularization.l2"] == value]
        for value in WILD["sweep"]["regularization.l2"]
    }
    note = f"{lost} of {len(runs)} runs failed or were cancelled and are left out"
    captions = [
        row["caption"]
        for row in trained.get(f"/experiments/{made['id']}/figures")["items"]
        if row["available"]
    ]
    assert captions
    for caption in captions:
        assert note in caption
        for value, states in by_point.items():
            if "failed" in states:
                assert f"{states.count('failed')} of 8 at λ₂ = {value:g}" in caption
    assert note in trained.http.get(f"/v1/report?experiment={made['id']}").text
    (boundaries,) = [caption for caption in captions if "Decision boundaries by" in caption]
    assert any(0 < states.count("failed") < 8 for states in by_point.values())
    assert "best of points with unequal sets of seeds" in boundaries


def test_a_run_that_diverges_keeps_its_course(trained):
    made = trained.submit(WILD | {"sweep": {"optimizer.schedule.lr": [2.3]}, "seeds": [0]})
    assert trained.train_as_told() == ["diverged"]
    run = trained.get(f"/runs/{made['runs'][0]['id']}")
    epoch = int(re.search(r"in epoch (\d+)", run["error"]["detail"]).group(1))
    assert run["epoch"] == epoch
    assert run["progress"] == epoch / WILD["training"]["epochs"]
    curves = trained.get(f"/experiments/{made['id']}/curves", metrics="train_loss")
    assert curves["epoch"][0] == 0
    assert curves["epoch"][-1] in range(epoch - 10, epoch)
    assert curves["train_loss"][-1] > 10 * curves["train_loss"][0]


def test_errors_of_unequal_bins_are_not_compared(trained):
    """Equal networks do not differ, however each spec bins their calibration."""
    coarse = SMALL | {"probes": {"calibration": {"bins": 3, "binning": "uniform"}}}
    made = [trained.finished(one | {"seeds": [0, 1, 2]}) for one in (SMALL, coarse)]
    ids = ",".join(one["id"] for one in made)
    rows = trained.get("/compare", experiments=ids)["by_seed"]
    assert "ece" in [row["metric"] for row in rows]
    assert all(row["result"]["difference"] == 0 for row in rows)
    pair = ",".join(one["runs"][0]["id"] for one in made)
    assert all(row["difference"] == 0 for row in trained.get("/compare", runs=pair)["metrics"])
    own = trained.get(f"/experiments/{made[1]['id']}/ece")
    assert (own["bins"], own["binning"]) == (3, "uniform")
    summaries = {run["id"]: run["summary"]["ece"] for run in made[1]["runs"]}
    assert {row["run_id"]: row["ece"] for row in own["items"]} == summaries


@inputs(200)
@given(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=9), st.booleans())
def test_every_extreme_is_told_once(values, least):
    names = [f"p{k}" for k in range(len(values))]
    word = "least" if least else "best"
    found = extreme_note(names, values, [[] for _ in values], word)
    extreme = min(values) if least else max(values)
    assert sorted(found) == [k for k, value in enumerate(values) if value == extreme]
    for at, text in found.items():
        assert word in text
        assert names[at] not in text
        assert ("as at" in text) == (len(found) > 1)


@inputs(200)
@given(st.lists(st.text("ab ,=", min_size=1, max_size=400), min_size=1, max_size=6, unique=True))
def test_labels_that_differ_are_drawn_differently(names):
    names = [" ".join(name.split()) or "x" for name in names]
    assert len(set(wrapped_apart(names))) == len(set(names))


def test_large_matrices_are_drawn_by_some_of_their_cells():
    import numpy as np

    matrix = np.arange(3000 * 7, dtype=np.float32).reshape(3000, 7)
    thin = thinned(matrix)
    assert thin.shape == (MOST_CELLS, 7)
    assert thin[0, 0] == matrix[0, 0]
    assert thin[-1, -1] == matrix[-1, -1]
    assert thinned(matrix[:50]) is not None
    assert np.array_equal(thinned(matrix[:50]), matrix[:50])
