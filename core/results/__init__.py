"""The results of one run as plain arrays: what probes, figures, endpoints and claims read."""

from reglab.core.results.curves import CURVE_COLUMNS, FURTHER_COLUMNS, downsample
from reglab.core.results.run_result import RunResult, flat
from reglab.core.results.states import STATES, TERMINAL, State

__all__ = [
    "CURVE_COLUMNS",
    "FURTHER_COLUMNS",
    "STATES",
    "TERMINAL",
    "RunResult",
    "State",
    "downsample",
    "flat",
]
