"""What chance contributes to an expected calibration error, and what it leaves of the true one.

The plug-in ECE of a perfectly calibrated network is above zero, since the accuracy of a bin differs
by chance from its mean confidence. The noise floor says by how much (consistency resampling:
Bröcker and Smith, 2007). For the same reason resampling the examples gives an interval of the wrong
quantity: the ECE plus its bias, twice. The interval here inverts a test of the true error instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its stats, slow to import, are loaded at first use
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from reglab.core.metrics.binning import bin_edges
from reglab.core.metrics.reliability import Reliability, expected_error
from reglab.core.spec import Binning
from reglab.core.statistics import LEVEL

RESAMPLES = 2000
PRECISION = 1e-3
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

    def is_exceeded_by(self, ece: float) -> bool:
        """Whether an ECE is above the 95th percentile by more than the simulation's precision."""
        return ece > self.high * (1 + PRECISION)


def noise_floor(confidence: Floats, bins: int, binning: Binning, seed: int = 0) -> NoiseFloor:
    """From 2,000 seeded sets of answers that are right as often as their confidence says.

    The right answers of a bin are drawn from the binomial distribution with the mean and variance
    of that sum: n p = sum c and n p (1 - p) = sum c (1 - c) for its confidences c.

    Args:
        confidence: (N,) in [0, 1].
        bins: As of the ECE.
        binning: Likewise.
        seed: Of the answers.
    """
    ordered = np.clip(np.sort(confidence), 0, 1)
    starts = np.unique(bin_edges(ordered, bins, binning))[:-1]
    mean, square = (np.add.reduceat(values, starts) for values in (ordered, ordered**2))
    chance = np.divide(square, mean, out=np.zeros_like(mean), where=mean > 0)
    count = np.maximum(
        np.rint(np.divide(mean, chance, out=np.ones_like(mean), where=chance > 0)), 1
    )
    rounding = np.sqrt(np.divide(mean, count * chance, out=np.ones_like(mean), where=chance > 0))
    rng = np.random.default_rng(seed)
    right = rng.binomial(count.astype(np.int64), np.minimum(chance, 1), (RESAMPLES, len(starts)))
    errors = np.abs((right - count * chance) * rounding).sum(axis=1) / len(ordered)
    return NoiseFloor(float(errors.mean()), float(np.quantile(errors, LEVEL)))


def accuracy_bands(table: Reliability) -> tuple[Floats, Floats]:
    """Ends (M,) of where at least 95 % of a calibrated network's accuracies are, bin by bin.

    The right answers of a bin are binomial if all have its mean confidence, and vary less if not
    (Hoeffding, 1956).
    """
    fair = np.clip(table.confidence, 0, 1)
    low, high = (
        scipy.stats.binom.ppf(end, table.count, fair) / table.count
        for end in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    )
    return low, high


def true_error_interval(table: Reliability) -> tuple[float, float]:
    """Ends of a 95 % interval of the true error: the ECE with endless examples in the same bins.

    A true error e is in the interval unless the plug-in ECE would be as large, or as small, with a
    chance below 2.5 %, however e is spread over the bins. Its mean is at least e (Jensen) and at
    most e plus the mean noise, sum_m w_m s_m sqrt(2 / pi), for the standard errors s_m of the
    accuracies; its variance is at most sum_m w_m^2 s_m^2, and it is taken as normal. The s_m are
    those of gaps e of either sign, whichever are larger: for accuracies as for shares the variance
    depends on the truth (Wilson, 1927). ``python -m benchmarks.coverage`` measures that it covers.
    """
    share = table.count / table.count.sum()
    z = float(ndtri((1 + LEVEL) / 2))
    found = expected_error(table)

    def standard_errors(gap: float) -> Floats:
        accuracy = np.clip([table.confidence - gap, table.confidence + gap], 0, 1)
        return np.asarray(np.sqrt((accuracy * (1 - accuracy)).max(axis=0) / table.count))

    def largest(error: float) -> float:
        """The 97.5 % point of the ECE, at most."""
        noise = share * standard_errors(error)
        return float(error + np.sqrt(2 / np.pi) * noise.sum() + z * np.sqrt(np.sum(noise**2)))

    def smallest(error: float) -> float:
        """The 2.5 % point of the ECE, at least."""
        noise = share * standard_errors(error)
        return float(error - z * np.sqrt(np.sum(noise**2)))

    low, high = 0.0, 1.0
    if largest(0.0) < found:
        low = float(brentq(lambda error: largest(error) - found, 0.0, found))
    if smallest(1.0) > found:
        high = float(brentq(lambda error: smallest(error) - found, found, 1.0))
    return low, high
