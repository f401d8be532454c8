"""Statistics of replicates: intervals of a mean, curves over seeds, paired comparisons."""

from reglab.core.statistics.intervals import (
    LEVEL,
    Interval,
    bootstrap_mean,
    mean_interval,
    percentile_interval,
)
from reglab.core.statistics.paired import (
    McNemar,
    PairedDifference,
    compare_examples,
    compare_replicates,
    mcnemar,
)
from reglab.core.statistics.replicates import aggregate, align

__all__ = [
    "LEVEL",
    "Interval",
    "McNemar",
    "PairedDifference",
    "aggregate",
    "align",
    "bootstrap_mean",
    "compare_examples",
    "compare_replicates",
    "mcnemar",
    "mean_interval",
    "percentile_interval",
]
