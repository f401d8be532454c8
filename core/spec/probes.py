"""What a run measures beyond its curves; null turns a probe off."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from reglab.core.spec.base import SpecModel

Binning = Literal["quantile", "uniform"]


def _share_or_count(size: float) -> float:
    if size >= 1 and size != int(size):
        raise ValueError("Give a share below 1 or a whole number of examples.")
    return size


# Training examples to hold out: below 1 a share of them, from 1 on a number.
ValidationSize = Annotated[float, Field(gt=0, le=50_000), AfterValidator(_share_or_count)]


class ProbeModel(SpecModel):
    """What a probe needs of the rest of the spec.

    Attributes:
        needs_loss: The value that ``model.loss`` must have, or None.
        needs_hidden_layer: Whether ``model.hidden`` must not be empty.
        needs_plane: Whether the data must have two features.
        needs_two_classes: Whether the data must have two classes.
    """

    needs_loss: ClassVar[str | None] = None
    needs_hidden_layer: ClassVar[bool] = False
    needs_plane: ClassVar[bool] = False
    needs_two_classes: ClassVar[bool] = False


class CalibrationProbe(ProbeModel):
    """Confidence against accuracy on the test set."""

    needs_loss: ClassVar[str | None] = "cross_entropy"

    bins: int = Field(default=15, ge=1, le=1000, description="Number M of bins.")
    binning: Binning = Field(
        default="quantile",
        description="'quantile': near-equal counts; 'uniform': equal widths on [0, 1].",
    )


class BoundaryProbe(ProbeModel):
    """Probability of the second of two classes on a grid over the plane."""

    needs_plane: ClassVar[bool] = True
    needs_two_classes: ClassVar[bool] = True

    resolution: int = Field(default=120, ge=8, le=512, description="Grid points per side.")
    padding: float = Field(
        default=0.5, ge=0, le=10, description="Margin around the training points, in data units."
    )
    dropout_instances: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Number of seeded networks with dropout on that are also evaluated.",
    )
    snapshots: int = Field(
        default=0,
        ge=0,
        le=200,
        description=(
            "Also keep the boundary at this many evaluated epochs, the start and then spaced "
            "logarithmically; 0 keeps the last only."
        ),
        examples=[24],
    )


class WeightsProbe(ProbeModel):
    """Weight matrices at the end of training, with their sparsity."""

    threshold: float = Field(
        default=1e-3, ge=0, description="Entries of at most this magnitude count as zero."
    )


class SpectrumProbe(ProbeModel):
    """Change of the first layer along the principal axes of the training set, over time."""

    snapshots: int = Field(
        default=24,
        ge=2,
        le=500,
        description="Number of snapshots, spaced logarithmically in epochs.",
    )
    parts: int | None = Field(
        default=None,
        ge=1,
        # Specs without it keep the content keys of a time when there was no such field.
        exclude_if=lambda value: value is None,
        description="Number of leading components. The test loss is then also measured with the "
        "first layer's change restricted to these components, and to all others.",
        examples=[10],
    )


class TemperatureProbe(ProbeModel):
    """Temperature scaling: one number, fitted on held-out training examples, divides the logits."""

    needs_loss: ClassVar[str | None] = "cross_entropy"

    validation_size: ValidationSize = Field(
        default=0.2,
        description=(
            "Training examples held out to fit the temperature on: below 1 a share of them, "
            "from 1 on a number."
        ),
        examples=[0.2, 500],
    )


class McDropoutProbe(ProbeModel):
    """Mean predictions of networks with dropout left on, over their number."""

    needs_loss: ClassVar[str | None] = "cross_entropy"
    needs_hidden_layer: ClassVar[bool] = True

    samples: int = Field(
        default=50, ge=1, le=1000, description="Number of seeded networks to average."
    )


class ComponentsProbe(ProbeModel):
    """Training error along the principal components of the training inputs, over time."""

    needs_loss: ClassVar[str | None] = "squared"

    snapshots: int = Field(
        default=40,
        ge=2,
        le=500,
        description="Number of snapshots, spaced logarithmically in epochs.",
    )


class NormsProbe(ProbeModel):
    """Norms of the layers over time, and the change of the outputs when two layers are rescaled."""

    needs_hidden_layer: ClassVar[bool] = True


class Probes(SpecModel):
    """The probes of a run."""

    calibration: CalibrationProbe | None = Field(
        default_factory=CalibrationProbe, description="Reliability table and calibration errors."
    )
    boundary: BoundaryProbe | None = Field(
        default=None, description="Decision boundary; needs data with two features."
    )
    weights: WeightsProbe | None = Field(
        default_factory=WeightsProbe, description="Weight matrices and sparsity."
    )
    spectrum: SpectrumProbe | None = Field(
        default=None, description="Spectral bias of the first layer."
    )
    temperature: TemperatureProbe | None = Field(
        default=None, description="Temperature scaling, fitted on held-out training examples."
    )
    mc_dropout: McDropoutProbe | None = Field(
        default=None, description="Predictions averaged over networks with dropout left on."
    )
    components: ComponentsProbe | None = Field(
        default=None, description="Error by principal component; needs squared loss."
    )
    norms: NormsProbe | None = Field(default=None, description="Norms of the layers over time.")

    def wanted(self) -> dict[str, ProbeModel]:
        """The probes that are on, by name."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: probe for name, probe in found.items() if probe is not None}

    @property
    def binning(self) -> CalibrationProbe:
        """The bins of calibration errors, also where the run itself measures none."""
        return self.calibration or CalibrationProbe()
