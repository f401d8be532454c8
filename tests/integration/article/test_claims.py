"""Claims on networks that were really trained, on two moons, shortened."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core import claims, datasets
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.engine.records import Evaluation
from reglab.core.presets import build
from reglab.core.probes import Recorder
from reglab.core.results import RunResult
from reglab.core.spec import ResolvedRun, expand


def trained(run: ResolvedRun) -> RunResult:
    data = datasets.load(run.spec.dataset, stream(run.seed, "data"))
    recorder, trainer = Recorder(run.spec, data, run.seed), Trainer(run.spec, data, run.seed)
    rows = list(trainer)
    arrays, summary = recorder.finish(trainer.network())
    names = Evaluation.__dataclass_fields__
    columns = {name: np.array([getattr(row, name) for row in rows]) for name in names}
    return RunResult("", run.index, run.params, run.seed, run.spec, columns, arrays, summary)


@pytest.mark.slow
def test_what_weight_decay_does_to_moons_with_flipped_labels():
    changes = {
        "training": {"epochs": 1500, "eval_every": 500},
        "seeds": list(range(6)),
        "sweep": {"regularization.l2": [0, 0.005, 0.01, 0.02]},
    }
    runs = [trained(run) for run in expand(build("l2", changes))]
    found = {outcome.claim.id: outcome for outcome in claims.evaluate(runs)}
    for name in ("confidence-falls", "boundary-simplifies", "contours-spread", "too-strong"):
        outcome = found[f"l2-{name}"]
        # Six seeds decide each alone; with all the others of the page some need more.
        (alone,) = claims.decide([outcome])
        assert alone.verdict == "supported", (name, outcome.by_seed)
    assert found["l2-test-accuracy"].value > 0
    assert found["dropout-test-loss"].verdict is None
    assert all(outcome.seeds in (0, 6) for outcome in found.values())
