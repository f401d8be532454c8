"""For every claim: runs whose statistic is a given number, and numbers that decide it each way."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy

from reglab.core.results import RunResult
from tests.harness.synthetic import POINTS, curves, experiment, predictions, shares, stripes

FIT = 20
Build = Callable[[float, int], list[RunResult]]


@dataclass(frozen=True)
class Case:
    """``build(target, seed)`` makes runs of one seed whose statistic is the target."""

    build: Build
    holds: float
    fails: float
    undecided: tuple[float, ...]


def around(target: float, count: int = 6) -> tuple[float, ...]:
    """Replicates that nearly agree, with a mean at the target."""
    return tuple(target + 1e-3 * (seed - (count - 1) / 2) for seed in range(count))


def turns(one: float, other: float, count: int = 10) -> tuple[float, ...]:
    return tuple((one, other)[k % 2] for k in range(count))


def mostly(one: float, other: float, count: int = 9) -> tuple[float, ...]:
    return (one,) * count + (other,)


def augmented(columns: Callable[[float, bool], dict], target: float, seed: int) -> list[RunResult]:
    return experiment("augmentation", seed, lambda at, _: (curves(**columns(target, at == 1)), {}))


def fitting(at: int = FIT) -> np.ndarray:
    return np.where(np.arange(POINTS) < at, 0.9, 1.0)


def steps_falling(share: float) -> np.ndarray:
    count = POINTS - 1 - FIT
    rises = np.arange(count) >= round(share * count)
    return np.concatenate(
        [np.full(FIT, 9.0), np.cumsum(np.append(5.0, np.where(rises, 1e-4, -1e-2)))]
    )


def rough(spread: float) -> np.ndarray:
    step = np.where(np.arange(POINTS - 1) % 2, spread, -spread) - 0.01
    return 10.0 ** np.concatenate([[0.0], np.cumsum(step)])


def with_margin(growth: float) -> np.ndarray:
    """A train loss whose margin is 5, and at last 5 + growth."""
    margin = np.where(np.arange(POINTS) == POINTS - 1, 5.0 + growth, 5.0)
    return np.log1p(np.exp(-margin))


def jump(before: float, after: float, at: int = FIT + 1) -> np.ndarray:
    return np.where(np.arange(POINTS) < at, before, after)


def trained(value: float, before: float = 0.1) -> np.ndarray:
    """A column that is at chance before training."""
    return np.where(np.arange(POINTS) == 0, before, value)


def over(preset: str, metric: str, values: Callable[[float, int], float], target: float, seed: int):
    return experiment(preset, seed, lambda at, _: (curves(**{metric: values(target, at)}), {}))


def arrays_over(preset: str, arrays: Callable[[float, int], dict], target: float, seed: int):
    return experiment(preset, seed, lambda at, _: (curves(), arrays(target, at)))


def ranked(rho: float, at: int) -> int:
    """Nine values that rise, fall or stay with the position."""
    return {1.0: at + 1, -1.0: 9 - at, 0.0: 4}[rho]


def banded(width: int) -> dict:
    """One straight line across the square with a band of 2 * width + 1 rows around it."""
    axis = np.linspace(0, 1, 61)
    rows = np.arange(61) - 30
    p = np.where(rows > width, 0.99, np.where(rows < -width, 0.01, 0.5 + 0.001 * rows))
    return {"boundary.x": axis, "boundary.y": axis, "boundary.p": np.repeat(p[:, None], 61, 1)}


def sparse(share: float) -> np.ndarray:
    weights = np.ones((20, 20), np.float32)
    weights.flat[: round(400 * share)] = 5e-4
    return weights


def snapped(share: float) -> np.ndarray:
    """Half of the weights are large; of the others a share is zero."""
    weights = np.ones((20, 20), np.float32)
    weights.flat[:200] = 0.05
    weights.flat[: round(200 * share)] = 5e-4
    return weights


def ones(count: int) -> dict:
    weights = np.zeros((20, 20), np.float32)
    weights.flat[:count] = 1
    return {"param.W1": weights}


def ones_under_decays(count: Callable[[float], int], target: float, seed: int) -> list[RunResult]:
    """Equal weights, but under L1, or below zero under L2, some ones and many zeros."""
    few = count(abs(target))
    sizes = {"l2": 400 if target > 0 else few, "l1": few if target > 0 else 400}
    return [
        run
        for preset, size in sizes.items()
        for run in arrays_over(preset, lambda _, at, k=size: ones(k if at else 400), 0.0, seed)
    ]


def apart(target: float, seed: int) -> list[RunResult]:
    """L1 decides otherwise than L2 on a share; below zero, so does each next strength of L2."""

    def plane(kind: str, at: int) -> dict:
        moved = target * (kind == "l1") if target > 0 else -target * (kind == "l2") * (at % 2)
        if target < 0 and kind == "l1":
            moved = -target
        return shares(0.3 + moved, 0.9, 0.1)

    return [
        run
        for kind in ("l2", "l1")
        for run in arrays_over(kind, lambda _, at, k=kind: plane(k, at), 0.0, seed)
    ]


def sized(target: float, at: int) -> dict:
    """The norm falls with the strength; the gap of confidence and accuracy goes with the norm."""
    weights = {f"param.W{layer}": np.full((2, 2), 9.0 - at) for layer in range(3)}
    return with_gap(0.04 * (ranked(-target, at) - 4)) | weights


@functools.cache
def moons_plane(share: float) -> dict:
    """Each place has the class of the nearer half circle, but for an end of the upper one."""
    axis = np.linspace(-1.5, 2.5, 400)
    x, y = np.meshgrid(axis, axis)
    angles = np.linspace(0, np.pi, 200)
    arcs = [(np.cos(angles), np.sin(angles)), (1 - np.cos(angles), 0.5 - np.sin(angles))]
    away = [
        np.min([(x - u) ** 2 + (y - v) ** 2 for u, v in zip(*arc, strict=True)], axis=0)
        for arc in arcs
    ]
    wrong = (np.arctan2(y, x) > np.pi * (2 * share - 1)) & (share < 1)
    return {
        "boundary.x": axis,
        "boundary.y": axis,
        "boundary.p": np.where((away[1] < away[0]) | wrong, 0.9, 0.1),
    }


def islands(count: float) -> dict:
    """A straight boundary and so many squares on one side of it."""
    grid = shares(0.5, 0.9, 0.1)
    for at in range(round(count)):
        grid["boundary.p"][5, 3 + 5 * at] = 0.1
    return grid


def both_decays(target: float, seed: int) -> list[RunResult]:
    return [
        run
        for preset, share in (("l2", 0.1), ("l1", 0.1 + target))
        for run in arrays_over(preset, lambda _, at, s=share: {"param.W1": sparse(s)}, 0.0, seed)
    ]


def lengths(target: float, at: int) -> dict:
    """Without dropout four lines; with it ``target`` more."""
    return stripes(round(4 + target * (at == 1)))


def instances(target: float, at: int) -> dict:
    whole = stripes(4)
    rough_ones = [stripes(round(4 + target + extra))["boundary.p"] for extra in (-1, 0, 1)]
    return whole | ({"boundary.dropout": np.stack(rough_ones)} if at else {})


def as_rough(target: float, at: int) -> dict:
    """Four lines without dropout; with it two, and in its networks 4 * 10^target."""
    if at == 0:
        return stripes(4)
    drawn = [stripes(round(4 * 10**target + extra))["boundary.p"] for extra in (-1, 0, 1)]
    return stripes(2) | {"boundary.dropout": np.stack(drawn)}


def averaging(target: float, at: int) -> dict:
    grid = shares(1.0, 0.9, 0.9, size=60)
    if at == 0:
        return grid
    drawn = np.full((3, 60, 60), 0.9)
    # Each instance errs alone and mildly, so that their mean is right, but for a share of rows
    # where all err.
    for k in range(3):
        drawn[k, k * 20 : k * 20 + 5] = 0.4
    drawn[:, round(60 * target) :] = 0.1
    return grid | {"boundary.dropout": drawn}


def smoothed(arrays: Callable[[float, int], dict], target: float, seed: int) -> list[RunResult]:
    return arrays_over("label-smoothing", arrays, target, seed)


def with_error(ece: float) -> dict:
    """All answers right at a confidence of 1 - ECE."""
    return predictions(np.full(60, 1 - ece), np.ones(60, bool))


def with_gap(gap: float) -> dict:
    return predictions(np.full(200, 0.8), np.arange(200) < round(200 * (0.8 - gap)))


def of_two_losses(target: float, eps: float = 0.05) -> dict:
    """Right answers of two confidences, for which the approximation is off by the target.

    For right answers of confidence c the mean of -ln p over the nine others is -ln((1 - c) / 9).
    """

    def exact(c: float) -> float:
        return -(1 - eps) * np.log(c) - eps * np.log((1 - c) / 9)

    def approximate(c: float) -> float:
        return -(1 - eps) * np.log(c) - eps * (np.log(c) + 9 * np.log((1 - c) / 9)) / 10

    def off(c: float) -> float:
        difference = [exact(each) - approximate(each) for each in (0.9, c)]
        return abs(np.ptp(difference) / (exact(c) - exact(0.9))) - target

    other = scipy.optimize.brentq(off, 0.15, 0.875)
    return predictions([0.9, other], [True, True])


def bins_over(target: float, at: int) -> dict:
    target *= at == 0
    confidence = np.repeat(0.5 + 0.03 * np.arange(15), 10)
    return predictions(confidence, np.repeat(np.arange(15) >= round(15 * target), 10))


def sure_errors(target: float, at: int) -> dict:
    sure = np.arange(100) < round(100 * target * (at == 0))
    return predictions(np.where(sure, 0.95, 0.6), np.zeros(100, bool))


def inner_minimum(target: float, at: int) -> dict:
    return with_error({0: 0.1, 3: 0.1 - target, 8: 0.12}.get(at, 0.15))


def best_at(target: float, at: int) -> dict:
    grid = [0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05]
    return with_error(0.05 + abs(grid[at] - target))


def course(columns: Callable[[float], dict], target: float, seed: int) -> list[RunResult]:
    return experiment("early-stopping", seed, lambda at, _: (curves(**columns(target)), {}))


def dip(rise: float) -> np.ndarray:
    """A loss that is least at evaluation 30, unless the end lies lower."""
    loss = np.concatenate([np.linspace(2.3, 0.5, 31), np.full(POINTS - 31, 0.6)])
    loss[-1] = 0.5 + rise
    return loss


def spectrum(first: float, last: float, end: int, seed: int, gain: float = 0.0) -> list[RunResult]:
    """Top share falling evenly in log epoch up to ``end``; the loss is flat from epoch 10.

    The leading components alone are more accurate by ``gain`` than the others.
    """
    energy = [np.repeat([share / 10, (1 - share) / 30], [10, 30]) for share in (first, last)]
    parts = np.array([[[1.0, 0.5], [1.0, 0.5]], [[1.0, 0.5 + gain], [1.0, 0.5]]])
    arrays = {
        "spectrum.epochs": np.array([1, end]),
        "spectrum.energy": np.stack(energy),
        "spectrum.parts": parts,
    }
    loss = np.where(np.arange(POINTS) * 2 < 10, 2.3, 0.5)
    return experiment("early-stopping", seed, lambda at, _: (curves(test_loss=loss), arrays))


def decay_cases(kind: str) -> dict[str, Case]:
    sides = partial(over, kind)
    by_array = partial(arrays_over, kind)
    return {
        f"{kind}-test-accuracy": Case(
            partial(sides, "test_accuracy", lambda t, at: 0.8 + t * (at == 1)),
            0.05, -0.05, turns(0.05, -0.05),
        ),
        f"{kind}-test-loss": Case(
            partial(sides, "test_loss", lambda t, at: 0.8 + t * (at == 0)),
            0.3, -0.3, turns(0.3, -0.3),
        ),
        f"{kind}-too-strong": Case(
            partial(sides, "test_accuracy", lambda t, at: 0.8 + t * (at == 1)),
            0.02, -0.02, turns(0.02, -0.02),
        ),
        f"{kind}-confidence-falls": Case(
            partial(by_array, lambda t, at: predictions([0.5 + 0.05 * ranked(t, at)], [True])),
            -1.0, 1.0, mostly(-1.0, 0.0),
        ),
        f"{kind}-boundary-simplifies": Case(
            partial(by_array, lambda t, at: stripes(ranked(t, at))),
            -1.0, 1.0, turns(-1.0, 0.0),
        ),
        f"{kind}-separates-cleanly": Case(
            partial(by_array, lambda t, at: moons_plane(t if at == 1 else 0.9)),
            1.0, 0.9, turns(1.0, 0.98),
        ),
        f"{kind}-no-islands": Case(
            partial(by_array, lambda t, at: islands(t if at == 1 else 5)),
            0, 3, turns(0, 2),
        ),
        f"{kind}-contours-spread": Case(
            partial(by_array, lambda t, at: banded(ranked(t, at))),
            1.0, -1.0, mostly(1.0, 0.0),
        ),
    }  # fmt: skip


CASES: dict[str, Case] = {
    "augmentation-test-accuracy": Case(
        partial(augmented, lambda t, moved: {"test_accuracy": jump(0.5, 0.9 + t * moved)}),
        0.02, -0.02, turns(0.02, -0.02),
    ),
    "augmentation-fits-early": Case(
        partial(
            augmented,
            lambda t, moved: {"train_accuracy": 0.9 if moved else fitting(round(100 * t))},
        ),
        0.1, 0.6, turns(0.05, 0.45),
    ),
    "augmentation-loss-falls": Case(
        partial(
            augmented,
            lambda t, moved: {
                "train_accuracy": fitting(),
                "train_loss": steps_falling(0.5 if moved else t),
            },
        ),
        1.0, 0.5, turns(1.0, 0.9),
    ),
    "augmentation-loss-smooth": Case(
        partial(
            augmented,
            lambda t, moved: {
                "train_accuracy": fitting(),
                "train_loss": rough(0.02 * 10 ** (t * moved)),
            },
        ),
        0.5, -0.5, turns(0.5, -0.5),
    ),
    "augmentation-saturates": Case(
        partial(
            augmented,
            lambda t, moved: {
                "train_accuracy": fitting(),
                "test_accuracy": jump(0.8, 0.9 if moved else 0.8 + t),
            },
        ),
        0.004, -0.05, turns(-0.03, 0.01),
    ),
    "augmentation-equal-before": Case(
        partial(
            augmented,
            lambda t, moved: {
                "train_accuracy": fitting(),
                "test_accuracy": np.append(0.1, jump(0.8 + t * moved, 0.9)[1:]),
            },
        ),
        -0.004, 0.05, turns(0.02, 0.0),
    ),
    "augmentation-goes-on": Case(
        partial(
            augmented,
            lambda t, moved: {
                "train_accuracy": fitting(),
                "test_accuracy": jump(0.8, 0.8 + t * moved),
            },
        ),
        0.05, -0.05, turns(0.05, -0.05),
    ),
    "augmentation-improves-near-fit": Case(
        partial(
            augmented,
            lambda t, moved: {
                "train_accuracy": jump(0.9, 0.99, FIT),
                "test_accuracy": jump(0.8, 0.8 + t * moved),
            },
        ),
        0.05, -0.05, turns(0.05, -0.05),
    ),
    "augmentation-margins-grow": Case(
        partial(
            augmented,
            lambda t, moved: {"train_accuracy": fitting(), "train_loss": with_margin(t)},
        ),
        3.0, -3.0, turns(3.0, -3.0),
    ),
    "plain-fits-flips": Case(
        # A tenth of the labels is flipped.
        partial(over, "l2", "train_accuracy", lambda t, at: 0.9 + t / 10 if at == 0 else 0.1),
        0.9, 0.0, turns(0.9, 0.1),
    ),
    "plain-saturated": Case(
        partial(arrays_over, "l2", lambda t, at: shares(t if at == 0 else 0.1, 0.99, 0.5)),
        0.95, 0.5, turns(1.0, 0.8),
    ),
    **decay_cases("l2"),
    **decay_cases("l1"),
    "l2-large-weights": Case(
        partial(arrays_over, "l2", sized), 1.0, -1.0, turns(1.0, 0.0)
    ),
    "decays-differ": Case(apart, 0.2, -0.2, turns(0.2, -0.2)),
    "sparsity-relative-cut": Case(both_decays, 0.8, -0.1, turns(0.1, -0.1)),
    "sparsity-hoyer": Case(
        partial(ones_under_decays, lambda t: round((20 - 19 * t) ** 2)), 18 / 19, -18 / 19,
        turns(18 / 19, -18 / 19),
    ),
    "sparsity-participation": Case(
        partial(ones_under_decays, lambda t: round(400 * (1 - t))), 0.9, -0.9, turns(0.9, -0.9)
    ),
    "sparsity-snaps": Case(
        partial(arrays_over, "l1", lambda t, at: {"param.W1": snapped(t if at == 2 else 0.1)}),
        0.99, 0.5, turns(1.0, 0.9),
    ),
    "sparsity-l1-over-l2": Case(both_decays, 0.8, 0.1, turns(0.8, 0.2)),
    "sparsity-most-are-zero": Case(
        partial(arrays_over, "l1", lambda t, at: {"param.W1": sparse(t if at == 2 else 0.5)}),
        0.9, 0.2, turns(0.9, 0.1),
    ),
    "dropout-test-loss": Case(
        partial(over, "dropout", "test_loss", lambda t, at: 0.8 + t * (at == 0)),
        0.3, -0.3, turns(0.3, -0.3),
    ),
    "dropout-test-accuracy": Case(
        partial(over, "dropout", "test_accuracy", lambda t, at: 0.8 + t * (at == 1)),
        0.05, -0.05, turns(0.05, -0.05),
    ),
    "dropout-smooths": Case(
        partial(arrays_over, "dropout", lengths), -2.0, 3.0, turns(-2.0, 2.0)
    ),
    "dropout-instances-rougher": Case(
        partial(arrays_over, "dropout", instances), 3.0, -2.0, turns(2.0, -2.0)
    ),
    "dropout-averages": Case(
        partial(arrays_over, "dropout", averaging), 0.95, 0.5, turns(1.0, 0.8)
    ),
    "dropout-instances-as-rough": Case(
        partial(arrays_over, "dropout", as_rough),
        0.0, np.log10(2), turns(0.0, np.log10(2)),
    ),
    "calibration-fits-all": Case(
        partial(
            over, "label-smoothing", "train_accuracy", lambda t, at: trained(t if at == 0 else 0.5)
        ),
        1.0, 0.99, turns(1.0, 0.998),
    ),
    "calibration-overconfident": Case(
        partial(smoothed, lambda t, at: with_gap(-0.05 if at else t)),
        0.1, -0.1, turns(0.1, -0.1),
    ),
    "calibration-overconfident-throughout": Case(
        partial(smoothed, bins_over), 1.0, 0.2, turns(1.0, 0.6)
    ),
    "calibration-sure-errors": Case(
        partial(smoothed, sure_errors), 0.8, 0.3, turns(0.8, 0.2)
    ),
    "smoothing-inner-minimum": Case(
        partial(smoothed, inner_minimum), 0.04, 0.0, turns(0.06, -0.04)
    ),
    "smoothing-best-epsilon": Case(
        partial(smoothed, best_at), 0.015, 0.04, turns(0.015, 0.025)
    ),
    "smoothing-confidence-falls": Case(
        partial(smoothed, lambda t, at: with_gap(0.04 * (ranked(t, at) - 4))),
        -1.0, 1.0, mostly(-1.0, 0.0),
    ),
    "smoothing-underconfident": Case(
        partial(smoothed, lambda t, at: with_gap(t if at else 0.1)), -0.1, 0.1, turns(-0.1, 0.1)
    ),
    "smoothing-approximation": Case(
        partial(smoothed, lambda t, at: of_two_losses(t)), 0.02, 0.08, turns(0.02, 0.08)
    ),
    "smoothing-accuracy-unchanged": Case(
        partial(
            over, "label-smoothing", "test_accuracy", lambda t, at: trained(0.8 + t * (at > 0))
        ),
        0.0, 0.02, turns(0.0, 0.01),
    ),
    "early-stopping-minimum": Case(
        partial(course, lambda t: {"test_loss": dip(t)}), 0.1, 0.0, turns(0.12, -0.08)
    ),
    "early-stopping-train-goes-on": Case(
        partial(
            course,
            lambda t: {"test_loss": dip(0.2), "train_loss": jump(0.3, 0.3 * 10**t, 60)},
        ),
        -1.0, 0.5, turns(-0.5, 0.5),
    ),
    "spectrum-early-on-top": Case(
        lambda t, seed: spectrum(t, 0.2, 100, seed), 0.99, 0.6, turns(1.0, 0.8)
    ),
    "spectrum-moves-down": Case(
        lambda t, seed: spectrum(0.6, 0.6 - t, 100, seed), 0.3, -0.3, turns(0.3, -0.3)
    ),
    "spectrum-top-generalizes": Case(
        lambda t, seed: spectrum(0.9, 0.3, 100, seed, gain=t), 0.4, -0.1, turns(0.4, -0.2)
    ),
    "spectrum-coincides": Case(
        lambda t, seed: spectrum(0.9, 0.3, round(10 ** (2 + 2 * t)), seed),
        0.0, 1.0, turns(0.0, 1.0),
    ),
}  # fmt: skip
