"""Statistics of replicates: intervals of a mean, curves over seeds, paired comparisons."""

from reglab.core.statistics.intervals import (
    LEVEL,
    Interval,
    are_equal,
    interval_of_mean,
    mean_interval,
    share_interval,
)
from reglab.core.statistics.multiple import Adjustment, adjusted
from reglab.core.statistics.paired import (
    LEAST_PAIRS,
    McNemar,
    PairedDifference,
    compare_pairs,
    mcnemar,
)
from reglab.core.statistics.replicates import aggregate, align

__all__ = [
    "LEAST_PAIRS",
    "LEVEL",
    "Adjustment",
    "Interval",
    "McNemar",
    "PairedDifference",
    "adjusted",
    "aggregate",
    "align",
    "are_equal",
    "compare_pairs",
    "interval_of_mean",
    "mcnemar",
    "mean_interval",
    "share_interval",
]
