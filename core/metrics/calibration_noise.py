"""What chance contributes to an expected calibration error, and what it leaves of the true one.

The plug-in ECE of a perfectly calibrated network is above zero, since the accuracy of a bin differs
by chance from its mean confidence. The noise floor says by how much (consistency resampling:
Bröcker and Smith, 2007). For the same reason resampling the examples gives an interval of the wrong
quantity: the ECE plus its bias, twice. The interval here inverts a test of the true error instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from reglab.core.metrics.reliability import Reliability, expected_error, folded_mean

LEVEL = 0.95
RESAMPLES = 2000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseFloor:
    """The ECE of a perfectly calibrated network with given confidences.

    Attributes:
        mean: Its mean.
        high: Its 95th percentile.
    """

    mean: float
    high: float


def noise_floor(table: Reliability, seed: int = 0) -> NoiseFloor:
    """From 2,000 seeded sets of answers that are right as often as their confidence says.

    The right answers of a bin are binomial with its mean confidence, which overstates their
    variance a little where confidences within a bin differ much.
    """
    rng = np.random.default_rng(seed)
    chance = np.clip(table.confidence, 0, 1)
    right = rng.binomial(table.count, chance, (RESAMPLES, len(chance)))
    errors = np.abs(right - chance * table.count).sum(axis=1) / table.count.sum()
    return NoiseFloor(float(errors.mean()), float(np.quantile(errors, LEVEL)))


def true_error_interval(table: Reliability) -> tuple[float, float]:
    """Ends of a 95 % interval of the true error: the ECE with endless examples in the same bins.

    A true error e is in the interval unless the plug-in ECE would be as large (or as small) with a
    chance below 2.5 %, however e is spread over the bins. It is smallest if all bins have the same
    gap (|x + s Z| is convex in x), and largest if one bin has all of it or, where the accuracies
    then vary more, again if all have the same; these give the ends. The ECE is a sum of independent
    folded normal terms, taken as normal. The interval is extended to contain the plug-in ECE.
    ``python -m benchmarks.coverage`` measures how often it covers.
    """
    share = table.count / table.count.sum()
    z = float(ndtri((1 + LEVEL) / 2))
    found = expected_error(table)

    def deviations(gap: float) -> Floats:
        """Standard errors of the accuracies if each bin had this gap, towards its observed side."""
        accuracy = np.clip(table.confidence - np.sign(table.gap) * gap, 0, 1)
        return np.asarray(np.sqrt(accuracy * (1 - accuracy) / table.count))

    def evenly(error: float, sign: float) -> float:
        """The 97.5 % (or 2.5 %) point of the ECE if all bins have a gap of ``error``."""
        spread = deviations(error)
        means = folded_mean(np.full(len(share), error), spread)
        variances = np.maximum(error**2 + spread**2 - means**2, 0)
        return float(share @ means + sign * z * np.sqrt(share**2 @ variances))

    noise = deviations(0.0)
    excess = share @ folded_mean(np.zeros(len(share)), noise) + z * np.sqrt(share**2 @ noise**2)

    def largest(error: float) -> float:
        return max(error + float(excess), evenly(error, 1.0))

    low, high = 0.0, found
    if largest(0.0) < found:
        low = float(brentq(lambda error: largest(error) - found, 0.0, found))
    if evenly(1.0, -1.0) <= found:
        high = 1.0
    elif evenly(0.0, -1.0) < found:
        high = float(brentq(lambda error: evenly(error, -1.0) - found, 0.0, 1.0))
    return low, max(high, found)
