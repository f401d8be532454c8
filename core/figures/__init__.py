"""Figures as pure functions of stored results: a new one is a class and a line in ``REGISTRY``."""

from __future__ import annotations

from typing import Any

from reglab.core.figures.augmentation import Augmentation
from reglab.core.figures.augmentations import Augmentations
from reglab.core.figures.base import Drawable, Figure, FigureTooLargeError, Runs, prepare, render
from reglab.core.figures.batch_size import BatchSize
from reglab.core.figures.boundaries import (
    Boundaries,
    DropoutBoundaries,
    DropoutInstances,
    L1Boundaries,
    L2Boundaries,
)
from reglab.core.figures.calibration import Calibration, LabelSmoothing
from reglab.core.figures.claims import Claims
from reglab.core.figures.decay_methods import DecoupledDecay, ProximalL1
from reglab.core.figures.ensembles import Ensembles
from reglab.core.figures.linear_spectrum import LinearSpectrum
from reglab.core.figures.masked_text import MaskedText
from reglab.core.figures.reliability import Ece, Reliability
from reglab.core.figures.relu_scale import ReluScale
from reglab.core.figures.stopping import ValidationStopping
from reglab.core.figures.style import Style
from reglab.core.figures.temperature import TemperatureScaling
from reglab.core.figures.training import Curves, EarlyStopping, PlainSpectrum, Spectrum
from reglab.core.figures.weights import HiddenWeights, Weights

REGISTRY: dict[str, Figure[Any]] = {
    figure.name: figure
    for figure in (
        Augmentation(),
        L2Boundaries(),
        L1Boundaries(),
        HiddenWeights(),
        DropoutBoundaries(),
        DropoutInstances(),
        Calibration(),
        LabelSmoothing(),
        EarlyStopping(),
        Spectrum(),
        Curves(),
        Reliability(),
        Ece(),
        Boundaries(),
        Weights(),
        PlainSpectrum(),
        Claims(),
        ValidationStopping(),
        DecoupledDecay(),
        ProximalL1(),
        TemperatureScaling(),
        BatchSize(),
        Ensembles(),
        Augmentations(),
        ReluScale(),
        LinearSpectrum(),
        MaskedText(),
    )
}

__all__ = [
    "REGISTRY",
    "Drawable",
    "Figure",
    "FigureTooLargeError",
    "Runs",
    "Style",
    "prepare",
    "render",
]
