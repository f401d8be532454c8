"""Claims about the course of plain training: its test loss, and the spectrum behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import SHUFFLED, changed, with_curves
from reglab.core.claims.regions import above, below, within
from reglab.core.claims.select import family, held_out_minimum
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.components import cumulative
from reglab.core.results import RunResult
from reglab.core.spec import Regularization

COURSE = Section("Early stopping", "early-stopping", ("early-stopping",))
SPECTRUM = Section("Spectral bias", "spectrum", ("early-stopping",))
TOP = 10
# A loss may round to zero, which has no logarithm.
SMALLEST = 1e-12
# A test loss that falls by less does not flatten out: it was flat.
REAL_FALL = 0.1
SAME_DECADE = 0.5


def _is_plain(run: RunResult) -> bool:
    spec = run.spec
    plain = spec.regularization == Regularization() and spec.optimizer.sam is None
    return plain and not run.params and spec.model.loss == "cross_entropy"


def _plain_runs(runs: Runs) -> dict[int, RunResult]:
    table = family(runs, where=_is_plain)
    if not table:
        raise NotMeasurableError(
            "It needs runs of one setting without any regularizer, as the preset 'early-stopping'."
        )
    return table[()]


def _with_spectrum(runs: Runs) -> dict[int, RunResult]:
    table = family(runs, where=lambda run: _is_plain(run) and run.spec.probes.spectrum is not None)
    if not table:
        raise NotMeasurableError(
            "It needs runs of one setting with probes.spectrum, as the preset 'early-stopping'."
        )
    return table[()]


def _losses(runs: Runs) -> tuple[dict[int, RunResult], dict[int, int]]:
    """Runs by seed, and where the test loss is least by the mean of the other seeds."""
    chosen = _plain_runs(runs)
    return chosen, held_out_minimum({s: run.curves["test_loss"] for s, run in chosen.items()})


def _rise(runs: Runs) -> PerSeed:
    chosen, best = _losses(runs)
    return {
        seed: float(run.curves["test_loss"][-1] - run.curves["test_loss"][best[seed]])
        for seed, run in chosen.items()
    }


def _train_goes_on(runs: Runs) -> PerSeed:
    chosen, best = _losses(runs)
    found = {}
    for seed, run in chosen.items():
        loss = np.maximum(run.curves["train_loss"], SMALLEST)
        found[seed] = float(np.log10(loss[-1] / loss[best[seed]]))
    return found


def top_share(run: RunResult) -> NDArray[np.float64]:
    """Share of the first layer's change in the first ten components, by snapshot (T,)."""
    share = cumulative(run.arrays["spectrum.energy"])
    return np.asarray(share[:, min(TOP, share.shape[1]) - 1])


def shift_epoch(run: RunResult) -> float | None:
    """Epoch at which the top share has gone half its way down, or None if it does not fall.

    Interpolated linearly in log epoch between the two snapshots around the first crossing.
    """
    share, epochs = top_share(run), np.log10(run.arrays["spectrum.epochs"])
    middle = (share[0] + share[-1]) / 2
    below_middle = np.flatnonzero(share <= middle)
    if share[-1] >= share[0] or not len(below_middle):
        return None
    at = int(below_middle[0])
    part = (share[at - 1] - middle) / (share[at - 1] - share[at])
    return float(10 ** (epochs[at - 1] + part * (epochs[at] - epochs[at - 1])))


def flat_epoch(run: RunResult) -> float:
    """First evaluated epoch with a tenth or less of the test loss's whole fall still to come."""
    loss = run.curves["test_loss"]
    nearly = loss.min() + 0.1 * (loss[0] - loss.min())
    return float(run.curves["epoch"][np.flatnonzero(loss <= nearly)[0]])


def _early_share(runs: Runs) -> PerSeed:
    return {seed: float(top_share(run)[0]) for seed, run in _with_spectrum(runs).items()}


def _share_lost(runs: Runs) -> PerSeed:
    found = {seed: top_share(run) for seed, run in _with_spectrum(runs).items()}
    return {seed: float(share[0] - share[-1]) for seed, share in found.items()}


def _shift_against_flattening(runs: Runs) -> PerSeed:
    found = {}
    for seed, run in _with_spectrum(runs).items():
        shift, loss = shift_epoch(run), run.curves["test_loss"]
        if shift is not None and loss.min() < (1 - REAL_FALL) * loss[0]:
            found[seed] = float(np.log10(shift / max(flat_epoch(run), 1.0)))
    if not found:
        raise NotMeasurableError(
            "The energy never moves from the top components, or the test loss never falls by a "
            "tenth, so that it cannot flatten out."
        )
    return found


def _gain_of_top(runs: Runs) -> PerSeed:
    found = {}
    for seed, run in _with_spectrum(runs).items():
        probe = run.spec.probes.spectrum
        if probe is not None and probe.parts == TOP and "spectrum.parts" in run.arrays:
            top, rest = run.arrays["spectrum.parts"][-1, :, 1]
            found[seed] = float(top - rest)
    if not found:
        raise NotMeasurableError(f"It needs runs with probes.spectrum.parts = {TOP}.")
    return found


def _trained_on(run: RunResult) -> RunResult:
    return with_curves(run, test_loss=run.curves["train_loss"])


def _unseen(run: RunResult) -> RunResult:
    return with_curves(run, train_loss=run.curves["test_loss"])


CLAIMS = (
    COURSE.claim(
        "minimum",
        "The test loss has its minimum before the end of training and rises afterwards.",
        "final test loss minus that at the epoch that is best for the other seeds, nats",
        above(0.0),
        _rise,
        changed("the train loss in place of the test loss", _trained_on),
    ),
    COURSE.claim(
        "train-goes-on",
        "The train loss continues to fall after the minimum of the test loss.",
        "log10 ratio of the train loss at the end to that at the other seeds' best epoch",
        below(0.0),
        _train_goes_on,
        changed("the test loss in place of the train loss", _unseen),
    ),
    SPECTRUM.claim(
        "early-on-top",
        "Early in training nearly all change of the first layer lies in a few leading principal "
        "components.",
        f"share of the energy in the first {TOP} components at the first snapshot",
        above(0.9, '"Nearly all" is read as nine tenths.', most=1.0),
        _early_share,
        SHUFFLED,
    ),
    SPECTRUM.claim(
        "moves-down",
        "Over training the energy moves from the leading to the trailing components.",
        f"share of the energy in the first {TOP} components, first minus last snapshot",
        above(0.0),
        _share_lost,
        SHUFFLED,
    ),
    SPECTRUM.claim(
        "top-generalizes",
        "What the first layer learns along the leading components generalizes, more than what it "
        "learns along all others.",
        f"final test accuracy with the first layer's change restricted to {TOP} components minus "
        "that with the change restricted to the others",
        above(
            0.1,
            "A tenth of the test images. By accuracy, as larger weights alone give wrong answers "
            "a larger loss.",
            most=1.0,
        ),
        _gain_of_top,
        SHUFFLED,
    ),
    SPECTRUM.claim(
        "coincides",
        "The energy moves at the time at which the test loss flattens out.",
        "log10 ratio of the epoch at which half of the move is done to that at which nine tenths "
        "of the test loss's fall are done",
        within(-SAME_DECADE, SAME_DECADE, "A factor of about three on the figure's log axis."),
        _shift_against_flattening,
        SHUFFLED,
    ),
)
