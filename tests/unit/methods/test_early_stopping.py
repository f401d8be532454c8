"""Early stopping: the split, the rule against a plain one, exact resumption, the service's view."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from reglab.core.engine import Trainer, hold_out
from reglab.core.errors import SpecError
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS, RunResult
from reglab.core.settings import Settings
from reglab.core.spec import expand
from reglab.core.storage import Storage, Submission
from reglab.core.storage.migrate import upgrade
from reglab.worker.execute import Execution
from tests.harness.training import moons, run, spec, through_storage

NEVER = {"patience": 10_000, "validation_size": 30, "restore_best": False}


def stopping(**changes):
    wanted = {"patience": 4, "min_delta": 0.0, "validation_size": 30} | changes
    return spec(
        {
            "training": {"epochs": 120, "batch_size": 16, "eval_every": 2},
            "optimizer.schedule": {"lr": 0.3},
            "regularization.early_stopping": wanted,
        }
    )


def plain_rule(losses, patience, min_delta):
    """(where the rule stops or None, what it keeps), by going over all earlier losses each time."""
    kept = 0
    for at in range(1, len(losses)):
        if losses[at] < losses[kept] - min_delta:
            kept = at
        elif at - kept >= patience:
            return at, kept
    return None, kept


def test_held_out_examples_are_disjoint_seeded_and_leave_nothing_out():
    data = moons(100)
    parts = [hold_out(data, stopping(), seed) for seed in (0, 0, 1)]
    first, same, other = parts
    np.testing.assert_array_equal(first.x_validation, same.x_validation)
    assert not np.array_equal(first.x_validation, other.x_validation)
    together = np.concatenate([first.x_train, first.x_validation])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(data.x_train, axis=0))
    assert len(first.y_train) == 70
    assert hold_out(first, stopping(), 5) is first
    assert hold_out(data, spec(), 5) is data


def test_a_share_below_one_is_of_the_training_set():
    assert stopping(validation_size=0.1).validation_count() == 25
    assert stopping(validation_size=40).validation_count() == 40


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"validation_size": 1.5}, "whole number"),
        ({"validation_size": 0}, "greater than 0"),
        ({"validation_size": 249}, "Leave at least 2"),
        ({"patience": 0}, "greater than or equal to 1"),
        ({"paitence": 3}, "Did you mean 'patience'"),
    ],
)
def test_bad_settings_are_refused_with_a_remedy(wanted, says):
    changes = {"regularization.early_stopping": wanted, "dataset.train_size": 250}
    with pytest.raises(SpecError) as caught:
        expand(build("l2", changes))
    assert says in str([f"{p.detail} {p.remedy}" for p in caught.value.problems])


@pytest.mark.parametrize(("patience", "min_delta"), [(1, 0.0), (4, 0.0), (4, 0.02), (9, 0.0)])
def test_stops_where_the_plain_rule_does_and_keeps_what_it_keeps(patience, min_delta):
    data = moons(100)
    whole, _ = run(Trainer(stopping(**NEVER), data, 1))
    losses = [each.validation_loss for each in whole]
    stop, kept = plain_rule(losses, patience, min_delta)
    assert stop is not None

    trainer = Trainer(stopping(patience=patience, min_delta=min_delta), data, 1)
    seen, theta = run(trainer)
    assert seen == whole[: stop + 1]
    assert trainer.final() == whole[kept]
    found = trainer.summary()["early_stopping"]
    assert found["stopped"]
    assert (found["last_epoch"], found["best_epoch"]) == (whole[stop].epoch, whole[kept].epoch)

    # Equal parameters, to the bit, as those of a training that was only that long.
    short = stopping(**NEVER).model_copy(
        update={"training": trainer.spec.training.model_copy(update={"epochs": whole[kept].epoch})}
    )
    np.testing.assert_array_equal(theta, run(Trainer(short, data, 1))[1])


def test_without_restore_best_the_last_parameters_stay():
    data = moons(100)
    trainer = Trainer(stopping(restore_best=False), data, 1)
    seen, _ = run(trainer)
    assert trainer.final() == seen[-1]
    assert trainer.evaluate() == seen[-1]


def test_validation_metrics_agree_with_scikit_learn():
    trainer = Trainer(stopping(), moons(100), 1)
    run(trainer)
    part = hold_out(moons(100), stopping(), 1)
    p = trainer.network().probabilities(part.x_validation)
    final = trainer.final()
    assert final.validation_loss == pytest.approx(log_loss(part.y_validation, p), rel=1e-6)
    right = accuracy_score(part.y_validation, p.argmax(axis=1))
    assert final.validation_accuracy == pytest.approx(right)


def test_resumes_to_the_same_bits_from_every_epoch():
    data = moons(100)
    saved = []
    first = Trainer(stopping(), data, 1)
    first.on_epoch = lambda epoch: saved.append(first.checkpoint())
    seen, theta = run(first)
    assert len(saved) == first.epoch < 120
    for taken in saved:
        trainer = Trainer(stopping(), data, 1, through_storage(taken))
        later, same = run(trainer)
        np.testing.assert_array_equal(theta, same)
        assert later == [each for each in seen if each.epoch > taken.state["epoch"]]
        assert trainer.summary() == first.summary()


def test_the_service_ends_early_with_whole_progress_and_validation_curves(tmp_path):
    url = f"sqlite:///{tmp_path / 'reglab.db'}"
    upgrade(url)
    storage = Storage(url, lease_seconds=30.0, max_attempts=2)
    changes = {
        "sweep": {"regularization.early_stopping": [None, {"patience": 2, "validation_size": 50}]},
        "training": {"epochs": 60, "batch_size": 32, "eval_every": 1},
        "probes.boundary": None,
        "optimizer.schedule.lr": 1.0,
    }
    wanted = build("l2", changes)
    experiment, _ = storage.experiments.create(Submission.of(wanted, preset="l2"))
    while lease := storage.runs.lease_next("test"):
        Execution(storage, lease, Settings.from_env()).run()
    whole, stopped = storage.results.experiment(experiment)
    assert set(whole.curves) == set(CURVE_COLUMNS)
    found = stopped.summary["early_stopping"]
    assert found["stopped"]
    assert found["last_epoch"] < 60
    row = storage.runs.get(stopped.run_id)
    assert (row.state, row.progress, row.epoch) == ("succeeded", 1.0, found["last_epoch"])
    assert stopped.curves["epoch"][-1] == found["last_epoch"]
    assert stopped.curves["validation_loss"].min() == found["best_validation_loss"]
    final = stopped.summary["final"]
    assert final["epoch"] == found["best_epoch"]
    labels = stopped.labels()
    assert log_loss(labels, _softmax(stopped.logits())) == pytest.approx(final["test_loss"])
    storage.close()


def _softmax(logits):
    e = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def results():
    """Two stopped runs and one that goes on, of one seed."""
    made = []
    for at, wanted in enumerate(({"patience": 1}, {"patience": 4}, NEVER)):
        trainer = Trainer(stopping(**wanted), moons(100), 1)
        seen, _ = run(trainer)
        rows = [each.document() for each in seen]
        curves = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        params = {"regularization.early_stopping.patience": wanted["patience"]}
        made.append(RunResult(str(at), at, params, 1, trainer.spec, curves, {}, trainer.summary()))
    return made


def test_figure_shows_the_oracle_and_every_patience():
    figure, runs = REGISTRY["early-stopping-validation"], results()
    assert figure.reason(runs) is None
    assert figure.reason(runs[:2]) is not None
    whole = runs[2].curves
    text = figure.caption(figure.measure(runs))
    assert f"{whole['test_loss'].min():.3f} (oracle)" in text
    assert f"{whole['test_loss'][-1]:.3f} (no stop)" in text
    assert f"{runs[0].summary['final']['test_loss']:.3f} (patience 1)" in text
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")
