"""Statistics of replicates: intervals of a mean, curves over seeds, comparisons of arms."""

from reglab.core.statistics.arms import ArmAdjustment, ArmDifference, Decision, compare_arms
from reglab.core.statistics.intervals import (
    LEVEL,
    Interval,
    are_equal,
    interval_of_mean,
    mean_interval,
    share_interval,
)
from reglab.core.statistics.multiple import Adjustment, adjusted
from reglab.core.statistics.over_datasets import (
    Estimate,
    Profile,
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
)
from reglab.core.statistics.paired import (
    LEAST_PAIRS,
    McNemar,
    PairedDifference,
    compare_pairs,
    effect_interval,
    equivalence_p,
    mcnemar,
    t_test,
)
from reglab.core.statistics.ranks import Ranks, rank_arms
from reglab.core.statistics.replicates import aggregate, align

__all__ = [
    "LEAST_PAIRS",
    "LEVEL",
    "Adjustment",
    "ArmAdjustment",
    "ArmDifference",
    "Decision",
    "Estimate",
    "Interval",
    "McNemar",
    "PairedDifference",
    "Profile",
    "Ranks",
    "adjusted",
    "aggregate",
    "align",
    "are_equal",
    "compare_arms",
    "compare_pairs",
    "effect_interval",
    "equivalence_p",
    "interquartile_mean",
    "interval_of_mean",
    "mcnemar",
    "mean_interval",
    "performance_profile",
    "probability_of_improvement",
    "rank_arms",
    "share_interval",
    "t_test",
]
