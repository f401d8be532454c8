"""Experiment specs as Pydantic models; needs nothing but Pydantic, so clients can share it."""

from reglab.core.spec.base import SpecModel, dotted, field_problems
from reglab.core.spec.dataset import (
    DATASET_NAMES,
    DatasetSpec,
    Digits,
    FashionMnist,
    Mnist,
    Mnist5k,
    TwoMoons,
)
from reglab.core.spec.experiment import (
    ExperimentSpec,
    Model,
    Optimizer,
    RunSpec,
    Schedule,
    Training,
)
from reglab.core.spec.probes import (
    Binning,
    BoundaryProbe,
    CalibrationProbe,
    McDropoutProbe,
    Probes,
    SpectrumProbe,
    TemperatureProbe,
    WeightsProbe,
)
from reglab.core.spec.regularization import EarlyStopping, Regularization, ShiftAugmentation
from reglab.core.spec.sweep import (
    MAX_RUNS,
    ResolvedRun,
    count_runs,
    expand,
    merge,
    parse_spec,
)

__all__ = [
    "DATASET_NAMES",
    "MAX_RUNS",
    "Binning",
    "BoundaryProbe",
    "CalibrationProbe",
    "DatasetSpec",
    "Digits",
    "EarlyStopping",
    "ExperimentSpec",
    "FashionMnist",
    "McDropoutProbe",
    "Mnist",
    "Mnist5k",
    "Model",
    "Optimizer",
    "Probes",
    "Regularization",
    "ResolvedRun",
    "RunSpec",
    "Schedule",
    "ShiftAugmentation",
    "SpecModel",
    "SpectrumProbe",
    "TemperatureProbe",
    "Training",
    "TwoMoons",
    "WeightsProbe",
    "count_runs",
    "dotted",
    "expand",
    "field_problems",
    "merge",
    "parse_spec",
]
