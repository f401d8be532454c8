"""What a finished run was measured by: calibration, boundary, weights, spectrum, predictions."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from reglab.client.models import Reply
from reglab.client.packages import need
from reglab.client.tables import Table


class Arrays(Reply):
    """An answer whose numeric fields NumPy arrays can hold."""

    array_fields: ClassVar[dict[str, str]] = {}

    def arrays(self) -> dict[str, Any]:
        """The numeric fields as NumPy arrays, in the dtypes that the server keeps."""
        numpy = need("numpy", "arrays()")
        return {
            name: numpy.asarray(getattr(self, name), dtype=dtype)
            for name, dtype in self.array_fields.items()
            if getattr(self, name) is not None
        }


class CalibrationBin(Reply):
    """One bin of a reliability table."""

    bin: int = Field(description="Index of the bin from 0, in order of confidence.")
    count: int = Field(description="Test examples in the bin.")
    lower: float = Field(description="Smallest confidence, or left edge.")
    upper: float = Field(description="Largest confidence, or right edge.")
    confidence: float = Field(description="Mean confidence.")
    accuracy: float = Field(description="Share of right answers.")
    gap: float = Field(description="Confidence minus accuracy.")
    chance_low: float = Field(description="Lower end of a calibrated network's accuracies.")
    chance_high: float = Field(description="Upper end.")


class ErrorCdf(Arrays):
    """Cumulative distribution of the confidence of wrong answers."""

    array_fields: ClassVar = {"confidence": "float64", "share": "float64"}

    confidence: list[float] = Field(description="Sorted confidences, (E,).")
    share: list[float] = Field(description="Share of errors up to it, (E,).")


class Calibration(Reply):
    """Reliability of one run on its test set."""

    run_id: str = Field(description="The run.")
    binning: str = Field(description="'quantile' or 'uniform'.")
    bins: int = Field(description="Requested number of bins.")
    table: list[CalibrationBin] = Field(description="One row per bin that is not empty.")
    ece: float = Field(description="Expected calibration error.")
    ece_low: float = Field(description="Lower end of a 95 % interval of the true error.")
    ece_high: float = Field(description="Upper end.")
    ece_floor: float = Field(description="Mean ECE of a calibrated network.")
    ece_floor_high: float = Field(description="Its 95th percentile.")
    ece_above_floor: bool = Field(description="Whether the ECE is above that percentile.")
    mce: float = Field(description="Maximum calibration error.")
    confidence_on_errors: ErrorCdf = Field(
        description="Distribution of the confidence in wrong answers."
    )

    def to_table(self) -> Table:
        """The bins as a table."""
        return Table.of_rows([row.model_dump() for row in self.table])

    def to_pandas(self) -> Any:
        """The bins as a ``pandas.DataFrame``."""
        return self.to_table().to_pandas()

    def to_polars(self) -> Any:
        """The bins as a ``polars.DataFrame``."""
        return self.to_table().to_polars()

    def arrays(self) -> dict[str, Any]:
        """The bins' columns as NumPy arrays."""
        return self.to_table().arrays()


class Boundary(Arrays):
    """Probability of class 1 over the plane, with the training points."""

    array_fields: ClassVar = {
        "x": "float32",
        "y": "float32",
        "probability": "float32",
        "points": "float32",
        "labels": "int64",
    }

    run_id: str = Field(description="The run.")
    x: list[float] = Field(description="Grid coordinates, (R,).")
    y: list[float] = Field(description="Grid coordinates, (R,).")
    probability: list[list[float]] = Field(description="p(class 1), (R, R); row i has y[i].")
    quantity: str = Field("probability of class 1", description="What 'probability' holds.")
    points: list[list[float]] = Field(description="Training points, (N, 2).")
    labels: list[int] = Field(description="Their labels as trained, (N,).")
    dropout_seed: int | None = Field(None, description="Seed of the one network with dropout on.")
    epoch: int | None = Field(None, description="Epoch of the snapshot; None: trained.")
    snapshot_epochs: list[int] = Field([], description="Epochs for which a boundary is stored.")


class WeightMatrix(Reply):
    """One weight matrix."""

    layer: int = Field(description="Index of the layer, from 0 at the input.")
    shape: tuple[int, int] = Field(description="(n_in, n_out).")
    sparsity: float = Field(description="Share of |w| <= threshold.")
    norm: float = Field(description="Root of the sum of squares.")
    largest: float = Field(description="Largest |w|.")
    values: list[list[float]] = Field(description="W, (n_in, n_out).")

    def array(self) -> Any:
        """W as a NumPy array, (n_in, n_out) float32."""
        return need("numpy", "array()").asarray(self.values, dtype="float32")


class Weights(Reply):
    """Weight matrices of a run."""

    run_id: str = Field(description="The run.")
    threshold: float = Field(description="Magnitude up to which an entry counts as zero.")
    matrices: list[WeightMatrix] = Field(description="The requested matrices.")

    def arrays(self) -> dict[str, Any]:
        """``{"W0": (n_in, n_out) float32, ...}``."""
        return {f"W{matrix.layer}": matrix.array() for matrix in self.matrices}

    def to_table(self) -> Table:
        """Sparsity and norms, one row per layer."""
        rows = []
        for matrix in self.matrices:
            row = matrix.model_dump(exclude={"values", "shape"})
            rows.append(row | {"n_in": matrix.shape[0], "n_out": matrix.shape[1]})
        return Table.of_rows(rows)


class Spectrum(Arrays):
    """Change of the first layer along the principal axes of the training set, over time."""

    array_fields: ClassVar = {
        "epochs": "int64",
        "eigenvalues": "float64",
        "energy": "float64",
        "cumulative": "float64",
        "isotropic": "float64",
    }

    run_id: str = Field(description="The run.")
    epochs: list[int] = Field(description="Times, (T,).")
    eigenvalues: list[float] = Field(
        description="Variance of the training inputs along each axis (divided by N - 1), falling, "
        "(d,)."
    )
    energy: list[list[float]] = Field(description="E_k(t) = |dW(t) v_k|^2, (T, d).")
    cumulative: list[list[float]] = Field(description="Share of the first k components, (T, d).")
    isotropic: list[float] = Field(description="k / d, (d,).")


class Predictions(Arrays):
    """What a run predicts on its test set, dropout off."""

    array_fields: ClassVar = {"labels": "int64", "predicted": "int64", "probabilities": "float64"}

    run_id: str = Field(description="The run.")
    labels: list[int] = Field(description="True classes, (N,).")
    predicted: list[int] = Field(description="Most probable class of each input, (N,).")
    probabilities: list[list[float]] = Field(description="Probabilities, (N, K).")


class Prediction(Arrays):
    """Class probabilities of new inputs."""

    array_fields: ClassVar = {
        "predicted": "int64",
        "probabilities": "float64",
        "dropout_mean": "float64",
        "dropout_std": "float64",
    }

    run_id: str = Field(description="The run.")
    predicted: list[int] = Field(description="Most probable class of each input, (N,).")
    classes: list[str] = Field(
        description="Names of the classes, (K,), or none where the dataset does not tell."
    )
    probabilities: list[list[float]] = Field(description="Probabilities with dropout off, (N, K).")
    dropout_mean: list[list[float]] | None = Field(
        None, description="Mean of the probabilities over networks with dropout on, (N, K)."
    )
    dropout_std: list[list[float]] | None = Field(
        None, description="Standard deviation over them, (N, K)."
    )
