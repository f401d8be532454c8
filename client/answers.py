"""What is measured of a run's test answers without bins."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from reglab.client.measures import Arrays
from reglab.client.models import Reply
from reglab.client.packages import need
from reglab.client.tables import Table


class CorpStep(Reply):
    """One step of the isotonic fit of accuracy to confidence."""

    lower: float = Field(description="Smallest confidence of the step.")
    upper: float = Field(description="Largest confidence.")
    count: int = Field(description="Test examples on the step.")
    confidence: float = Field(description="Mean confidence.")
    accuracy: float = Field(description="Share of right answers.")


class ConsistencyBand(Arrays):
    """Where 95 % of the steps of a calibrated network are, place by place."""

    array_fields: ClassVar = {"confidence": "float64", "low": "float64", "high": "float64"}

    confidence: list[float] = Field(description="Confidences of test examples, ascending, (P,).")
    low: list[float] = Field(description="Lower ends, (P,).")
    high: list[float] = Field(description="Upper ends, (P,).")


class Corp(Reply):
    """Reliability without bins, and the parts of the Brier score of the confidence."""

    run_id: str = Field(description="The run.")
    steps: list[CorpStep] = Field(description="By rising confidence; the accuracy rises, too.")
    band: ConsistencyBand = Field(description="The consistency band.")
    smooth_ece: float = Field(description="SmoothECE.")
    score: float = Field(description="Mean squared difference of confidence and right (1 or 0).")
    miscalibration: float = Field(description="MCB of the score.")
    discrimination: float = Field(description="DSC of the score, which is subtracted.")
    uncertainty: float = Field(description="UNC of the score.")

    def to_table(self) -> Table:
        """The steps as a table."""
        return Table.of_rows([step.model_dump() for step in self.steps])

    def to_pandas(self) -> Any:
        """The steps as a ``pandas.DataFrame``."""
        return self.to_table().to_pandas()


class Selective(Arrays):
    """Risk over coverage: errors if only the surest answers are given."""

    array_fields: ClassVar = {"coverage": "float64", "risk": "float64", "threshold": "float64"}

    run_id: str = Field(description="The run.")
    coverage: list[float] = Field(description="Share of the examples that are answered, (P,).")
    risk: list[float] = Field(description="Share of wrong answers among them, (P,).")
    threshold: list[float] = Field(description="Smallest confidence among them, (P,).")
    aurc: float = Field(description="Area under the curve.")
    least_aurc: float = Field(description="The least area with as many errors.")
    excess_aurc: float = Field(description="aurc - least_aurc.")


class ClassRow(Reply):
    """How one class is answered."""

    label: int = Field(description="The class.")
    count: int = Field(description="Test examples of the class.")
    answers: int = Field(description="Test examples that are answered so.")
    recall: float | None = Field(description="Share of its examples that are answered so.")
    precision: float | None = Field(description="Share of right ones among such answers.")
    f1: float | None = Field(description="2 TP / (2 TP + FP + FN).")
    reason: str | None = Field(None, description="Why a number is None.")


class Confusion(Reply):
    """Which classes are taken for which on the test set."""

    run_id: str = Field(description="The run.")
    matrix: list[list[int]] = Field(description="Examples by class (rows) and answer, (K, K).")
    classes: list[ClassRow] = Field(description="One row per class.")
    accuracy: float = Field(description="Share of right answers.")
    balanced_accuracy: float = Field(description="Mean recall of the classes with an example.")
    macro_f1: float = Field(description="Mean F1 of the classes with an example or an answer.")

    def array(self) -> Any:
        """The matrix as a NumPy array, (K, K) int64."""
        return need("numpy", "array()").asarray(self.matrix, dtype="int64")

    def to_table(self) -> Table:
        """The classes as a table."""
        return Table.of_rows([row.model_dump() for row in self.classes])

    def to_pandas(self) -> Any:
        """The classes as a ``pandas.DataFrame``."""
        return self.to_table().to_pandas()
