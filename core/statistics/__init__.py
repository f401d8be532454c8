"""Statistics of replicates: intervals of a mean, paired comparisons."""

from reglab.core.statistics.intervals import LEVEL, Interval, bootstrap_mean, mean_interval

__all__ = ["LEVEL", "Interval", "bootstrap_mean", "mean_interval"]
