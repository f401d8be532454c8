"""``python -m benchmarks.coverage``: how often intervals hold the truth; prints Markdown tables.

The seeds are fixed. Some minutes on one core; ``--sets 100`` for a quick look, ``--only arms`` for
one of the tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import one_thread

one_thread()

from reglab.core.metrics.calibration_noise import noise_floor, true_error_interval
from reglab.core.metrics.reliability import expected_error, reliability
from reglab.core.statistics import ArmAdjustment, compare_arms, interval_of_mean

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

SIZES = (300, 1_000, 10_000)
TRUE_ERRORS = (0.0, 0.01, 0.03, 0.07, 0.1)
BINS = 15
CONFIDENCES: dict[str, Draw] = {
    "moderate": lambda rng, n: 0.5 + 0.5 * rng.beta(4, 1.5, n),
    "even": lambda rng, n: rng.uniform(0.5, 1, n),
    "sharp": lambda rng, n: 1 - 0.2 * rng.beta(1, 6, n),
    "saturated": lambda rng, n: 1 - 1e-6 * rng.random(n),
}
SEEDS = (3, 6, 10, 20)
EXAMPLES = 1_000
# Differences of two arms whose means are equal.
DIFFERENCES: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.exponential(size=n) - rng.exponential(size=n),
    "heavy-tailed": lambda rng, n: rng.standard_t(3, n),
    "bounded": lambda rng, n: rng.beta(8, 2, n) - rng.beta(8, 2, n),
    "discrete": lambda rng, n: (
        (rng.binomial(EXAMPLES, 0.9, n) - rng.binomial(EXAMPLES, 0.9, n)) / EXAMPLES
    ),
    "skewed, one-sided": lambda rng, n: rng.exponential(size=n) - 1,
}

ARMS = 4
# Values (seeds, ARMS) of arms with equal means; what all arms of a seed share cancels.
ARM_VALUES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "equal spread": lambda rng, n: rng.normal(size=(n, ARMS)),
    "unequal spread": lambda rng, n: rng.normal(size=(n, ARMS)) * [0.3, 1, 1, 3],
    "noisy baseline": lambda rng, n: rng.normal(size=(n, ARMS)) * [3, 1, 1, 1],
    "discrete": lambda rng, n: rng.binomial(EXAMPLES, 0.9, (n, ARMS)) / EXAMPLES,
    "skewed": lambda rng, n: rng.exponential(size=(n, ARMS)),
}
DESIGNS: dict[str, tuple[ArmAdjustment, int | None]] = {
    "holm, baseline": ("holm", 0),
    "holm, all pairs": ("holm", None),
    "dunnett": ("dunnett", 0),
    "tukey": ("tukey", None),
}


def calibration_rows(
    sets: int, with_floor: Sequence[float] = TRUE_ERRORS
) -> Iterator[tuple[str, int, float, float, float, float]]:
    """Confidences, n, true error, coverage, mean width, and share of sets above their floor.

    A network that is over-confident by the true error at every confidence. The last is NaN for a
    true error that is not in ``with_floor``: a floor is simulated and takes most of the time.
    """
    for name, draw in CONFIDENCES.items():
        for size in SIZES:
            for error in TRUE_ERRORS:
                rng = np.random.default_rng([size, int(1000 * error)])
                floors = error in with_floor
                rows = [_calibration(rng, draw, size, error, floors) for _ in range(sets)]
                found = np.array(rows)
                yield name, size, error, *found.mean(axis=0).tolist()


def _calibration(
    rng: np.random.Generator, draw: Draw, size: int, error: float, floors: bool
) -> tuple[bool, float, float]:
    confidence = draw(rng, size)
    right = (rng.random(size) < np.clip(confidence - error, 0, 1)).astype(np.float64)
    table = reliability(confidence, right, BINS, "quantile")
    low, high = true_error_interval(table)
    above = np.nan
    if floors:
        floor = noise_floor(confidence, BINS, "quantile")
        above = float(floor.is_exceeded_by(expected_error(table)))
    # What the confidences themselves fall short of the true chances by rounding is no error.
    covers = low - 1e-6 <= error <= high + 1e-6
    return covers, high - low, above


def seed_rows(sets: int) -> Iterator[tuple[str, int, float]]:
    """Distribution, number of pairs, coverage of the mean difference."""
    for name, draw in DIFFERENCES.items():
        for count in SEEDS:
            rng = np.random.default_rng([count, len(name)])
            hits = 0
            for _ in range(sets):
                found = interval_of_mean(draw(rng, count).tolist())
                # Equal differences have no interval and decide nothing.
                hits += not np.isfinite(found.low) or found.low <= 0 <= found.high
            yield name, count, hits / sets


def arm_rows(sets: int) -> Iterator[tuple[str, str, int, float, float]]:
    """Design, distribution, seeds, share of sets whose intervals all hold, and with an error."""
    for design, (adjust, baseline) in DESIGNS.items():
        for name, draw in ARM_VALUES.items():
            for count in SEEDS:
                rng = np.random.default_rng([count, len(name)])
                held = wrong = 0
                for _ in range(sets):
                    arms = [dict(enumerate(arm)) for arm in draw(rng, count).T.tolist()]
                    found = compare_arms(arms, baseline, adjust)
                    # Equal differences have no interval and decide nothing.
                    held += all(one.low is None or one.low <= 0 <= one.high for one in found)
                    wrong += any(one.decision != "undecided" for one in found)
                yield design, name, count, held / sets, wrong / sets


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--sets", type=int, default=1_000, help="simulated sets per row")
    parser.add_argument("--only", choices=list(TABLES), help="one table")
    asked = parser.parse_args()
    for name, table in TABLES.items():
        if asked.only in (None, name):
            table(asked.sets)


def _print_calibration(sets: int) -> None:
    print("| confidences | examples | true error | coverage | mean width | above the floor |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, size, error, covered, width, above in calibration_rows(sets):
        row = f"| {name} | {size:,} | {error:g} | {covered:.1%} | {width:.4f} | {above:.1%} |"
        print(row, flush=True)


def _print_seeds(sets: int) -> None:
    print("\n| differences | pairs | coverage |\n|---|---:|---:|")
    for name, count, covered in seed_rows(10 * sets):
        print(f"| {name} | {count} | {covered:.1%} |", flush=True)


def _print_arms(sets: int) -> None:
    print("\n| comparisons | arms | seeds | joint coverage | a false difference |")
    print("|---|---|---:|---:|---:|")
    for design, name, count, held, wrong in arm_rows(4 * sets):
        print(f"| {design} | {name} | {count} | {held:.1%} | {wrong:.1%} |", flush=True)


TABLES = {"calibration": _print_calibration, "seeds": _print_seeds, "arms": _print_arms}


if __name__ == "__main__":
    main()
