"""Statistics of replicates: intervals of a mean, paired comparisons."""

from reglab.core.statistics.intervals import LEVEL, Interval, bootstrap_mean, mean_interval
from reglab.core.statistics.replicates import aggregate, align

__all__ = ["LEVEL", "Interval", "aggregate", "align", "bootstrap_mean", "mean_interval"]
