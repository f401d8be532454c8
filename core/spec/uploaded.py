"""A dataset that a user uploaded: which rows and columns, and how they become numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from reglab.core.errors import FieldProblem, SpecError, suggestion
from reglab.core.spec.base import SpecModel, fault
from reglab.core.spec.dataset_base import NOISE, DatasetBase

# Inputs of a network after one-hot coding.
MOST_FEATURES = 20_000
MOST_NAMED = 5

ColumnKind = Literal["number", "category", "boolean", "text", "constant", "id-like"]
# What becomes inputs; the others say nothing that holds for new rows.
USABLE: frozenset[ColumnKind] = frozenset({"number", "category", "boolean"})
Name = Annotated[str, Field(min_length=1, max_length=200)]


class ColumnFacts(SpecModel):
    """What is known of a column since its upload."""

    name: Name = Field(description="The column's name.")
    kind: ColumnKind = Field(description="How its values are read.")
    missing: int = Field(default=0, ge=0, description="Number of rows without a value.")
    levels: dict[str, int] = Field(
        default_factory=dict,
        description="Of a category or boolean: each level with its number of rows, sorted.",
    )

    @property
    def width(self) -> int:
        """Inputs that it becomes, without the one that says where values are missing."""
        return len(self.levels) if self.kind == "category" else 1


class UploadedFacts(SpecModel):
    """What of an uploaded dataset decides the shapes of a run; filled in by the service."""

    rows: int = Field(ge=0, description="Number of rows, without those of `test_rows`.")
    test_rows: int = Field(default=0, ge=0, description="Rows that the file sets apart as test.")
    target: Name = Field(description="The column that is predicted.")
    classes: dict[str, int] = Field(
        description="Each class with its number of rows, in the order of the labels.",
        min_length=2,
    )
    image_shape: tuple[int, int] | None = Field(
        default=None, description="(rows, columns) where a row of the table is a grey image."
    )
    n_inputs: int | None = Field(
        default=None,
        ge=1,
        le=MOST_FEATURES,
        description="Number of unnamed numeric inputs, for arrays and images; null for a table.",
    )
    columns: list[ColumnFacts] = Field(
        default_factory=list, description="The columns of a table, the target's not among them."
    )


class TestPart(SpecModel):
    """Where the test rows come from; exactly one of the three."""

    size: float | None = Field(
        default=None, gt=0, lt=1, description="Share of the rows, drawn from the run's seed."
    )
    column: Name | None = Field(
        default=None,
        description="A column that holds 'train' or 'test', or a boolean that is true for test.",
    )
    file: bool = Field(
        default=False, description="Whether they are those that the uploaded file sets apart."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.size is not None) + (self.column is not None) + self.file != 1:
            raise fault(
                "size",
                "column",
                "file",
                detail="Test rows come from one place.",
                remedy="Give size, column or file, and only one of them.",
            )
        return self


# Texts of a column that say that a row is for testing, and for training.
TEST_WORDS, TRAIN_WORDS = frozenset({"test", "true", "1"}), frozenset({"train", "false", "0"})
Scale = Literal["standard", "minmax", "robust"]


class Uploaded(DatasetBase):
    """A table or images that a user uploaded, by the hash of their bytes."""

    # Which rows are for testing does not depend on what is done with their columns.
    training_only: ClassVar[frozenset[str]] = frozenset(
        {"train_size", *NOISE, "features", "drop", "scale", "categories", "missing"}
    )

    name: Literal["uploaded"] = Field(description="Name of the dataset.")
    id: str = Field(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="The id that uploading it gave; GET /v1/datasets lists them.",
        examples=["sha256:" + 64 * "0"],
    )
    target: Name | None = Field(
        default=None, description="The column to predict; null is the one chosen at upload."
    )
    features: list[Name] | None = Field(
        default=None, min_length=1, description="The columns to use; null is all of them."
    )
    drop: list[Name] = Field(default_factory=list, description="Columns not to use.")
    test: TestPart = Field(
        default_factory=lambda: TestPart(size=0.2), description="Which rows are for testing."
    )
    stratify: bool = Field(
        default=True,
        description="Draw rows per class, so that shares of classes stay; groups are drawn whole.",
    )
    groups: Name | None = Field(
        default=None,
        description="A column, e.g. of patients, whose rows stay together in training or test.",
    )
    split_seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="Draws the rows in place of the run's seed, so that all runs share them.",
    )
    train_size: int | None = Field(
        default=None,
        ge=2,
        le=10_000_000,
        description="Number of training rows, drawn; null is all that are not for testing.",
    )
    scale: Scale | None = Field(
        default="standard", description="How numbers are scaled, by the training rows alone."
    )
    categories: Literal["one_hot"] = Field(
        default="one_hot", description="How categories become numbers."
    )
    missing: Literal["refuse", "median", "indicator"] = Field(
        default="refuse",
        description="What to do where a value is missing: refuse; put the training rows' median "
        "or commonest level; the same with a column that says where it was done.",
    )
    facts: UploadedFacts | None = Field(
        default=None,
        description="Filled in by the service from the upload.",
        json_schema_extra={"readOnly": True},
    )

    def __hash__(self) -> int:
        # Lists have no hash, and equal specs have one id.
        return hash(self.id)

    @model_validator(mode="after")
    def _fits_facts(self) -> Self:
        if self.groups is not None and self.test.size is None:
            raise fault(
                "groups",
                "test",
                detail="Groups are kept together where rows for testing are drawn, and test.size "
                "is not set.",
                remedy="Set groups to null, or test to a size.",
            )
        if self.facts is not None:
            self._check_target(self.facts)
            self._check_columns(self.facts)
            self._check_test(self.facts)
            self._check_sizes(self.facts)
        return self

    @property
    def is_resolved(self) -> bool:
        """Whether the shapes are known: the service has filled in the facts."""
        return self.facts is not None

    @property
    def is_drawn(self) -> bool:  # type: ignore[override]
        """Whether the test rows are drawn from the run's seed."""
        return self.test.size is not None and self.split_seed is None

    @property
    def draws_training(self) -> bool:
        """Whether the training rows are."""
        drawn = self.test.size is not None or self.train_size is not None
        return drawn and self.split_seed is None

    @property
    def n_features(self) -> int:  # type: ignore[override]
        """Inputs of the network, after one-hot coding."""
        facts = self._known
        if facts.n_inputs is not None:
            return facts.n_inputs
        columns = self.used_columns()
        flags = sum(column.missing > 0 for column in columns) if self.missing == "indicator" else 0
        return flags + sum(column.width for column in columns)

    @property
    def n_classes(self) -> int:  # type: ignore[override]
        """Number of classes."""
        return len(self._known.classes)

    @property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """One name per class, as the target has them."""
        return tuple(self._known.classes)

    @property
    def image_shape(self) -> tuple[int, int] | None:  # type: ignore[override]
        """(rows, columns) of an image, or None."""
        return self._known.image_shape

    @property
    def n_test(self) -> int:
        """Number of test rows; with groups the most that there are."""
        facts = self._known
        if self.test.file:
            return facts.test_rows
        if self.test.column is not None:
            levels = self._levels(self.test.column)
            return sum(n for level, n in levels.items() if level.lower() in TEST_WORDS)
        assert self.test.size is not None
        return max(1, round(self.test.size * facts.rows))

    @property
    def n_train(self) -> int:
        """Number of training rows."""
        if self.train_size is not None:
            return self.train_size
        return self._pool()

    def used_columns(self) -> list[ColumnFacts]:
        """The columns that become inputs, in the order of the table; none of unnamed inputs."""
        apart = {self.test.column, self.groups, *self.drop}
        return [
            column
            for column in self._known.columns
            if column.name not in apart and (self.features is None or column.name in self.features)
        ]

    @property
    def _known(self) -> UploadedFacts:
        if self.facts is None:
            raise ValueError("The facts of this dataset have not been filled in.")
        return self.facts

    def _pool(self) -> int:
        """Rows that can be trained on."""
        return self._known.rows - (0 if self.test.file else self.n_test)

    def _levels(self, name: str) -> dict[str, int]:
        return next(column.levels for column in self._known.columns if column.name == name)

    def _check_target(self, facts: UploadedFacts) -> None:
        if self.target not in (None, facts.target):
            raise fault(
                "target",
                detail=f"The target that was chosen at upload is '{facts.target}'.",
                remedy="Leave it out, or upload the data with the other target.",
            )

    def _check_columns(self, facts: UploadedFacts) -> None:
        known = {column.name for column in facts.columns}
        given: dict[str, list[str]] = {
            "groups": [self.groups] if self.groups else [],
            "drop": self.drop,
        }
        given["features"] = self.features or []
        given["test.column"] = [self.test.column] if self.test.column else []
        for path, names in given.items():
            for name in names:
                if name not in known:
                    remedy = f"Columns: {_listed(sorted(known))}." if known else "Leave it out."
                    raise fault(
                        path,
                        detail=f"There is no column '{name}'.",
                        remedy=suggestion(name, known) + remedy,
                    )
        if facts.n_inputs is not None:
            return
        columns = self.used_columns()
        if not columns:
            raise fault("features", "drop", detail="No column is left.", remedy="Use at least one.")
        unusable = [column for column in columns if column.kind not in USABLE]
        if unusable:
            named = _listed(f"'{column.name}' ({column.kind})" for column in unusable)
            listed = ", ".join(f'"{column.name}"' for column in unusable)
            raise fault(
                "drop",
                "features",
                detail=f"Nothing that holds for new rows can be learned from {named}.",
                remedy=f"Add to drop: {listed}.",
            )
        missing = [column for column in columns if column.missing]
        if missing and self.missing == "refuse":
            named = _listed(f"'{column.name}' ({column.missing})" for column in missing)
            raise fault(
                "missing",
                detail=f"Rows without a value: {named}.",
                remedy="Choose 'median' or 'indicator', or add the columns to drop.",
            )
        if self.n_features > MOST_FEATURES:
            raise fault(
                "drop",
                "features",
                detail=f"The columns become {self.n_features} inputs.",
                remedy=f"Use at most {MOST_FEATURES}: drop categories of many levels.",
            )

    def _check_test(self, facts: UploadedFacts) -> None:
        if self.test.file and not facts.test_rows:
            raise fault(
                "test.file",
                detail="The uploaded file sets no test rows apart.",
                remedy="Give test.size or test.column.",
            )
        if self.test.column is not None:
            levels = {level.lower() for level in self._levels(self.test.column)}
            if not levels & TEST_WORDS or not levels <= TEST_WORDS | TRAIN_WORDS:
                raise fault(
                    "test.column",
                    detail=f"'{self.test.column}' does not say which rows are for testing.",
                    remedy="Name a column of 'train' and 'test', or of booleans.",
                )

    def _check_sizes(self, facts: UploadedFacts) -> None:
        pool = self._pool()
        if pool < 2 or self.n_test < 1:
            raise fault(
                "test",
                detail=f"It leaves {pool} rows to train on, and {self.n_test} to test.",
                remedy="Leave at least 2 and 1.",
            )
        if self.train_size is not None and self.train_size > pool:
            raise fault(
                "train_size",
                detail=f"Only {pool} of {facts.rows} rows can be trained on.",
                remedy=f"Use at most {pool}, or null.",
            )


def check_facts(specs: Iterable[Any]) -> None:
    """Raise SpecError if the shapes of a spec (``.dataset``) are not known."""
    for spec in specs:
        if not spec.dataset.is_resolved:
            detail = "An uploaded dataset has no facts here."
            remedy = "Name it in dataset of the spec, not in a sweep; the service fills them in."
            raise SpecError(FieldProblem("dataset.facts", detail, remedy))


def _listed(names: Iterable[str], most: int = MOST_NAMED) -> str:
    """At most so many names, and how many there are besides."""
    each = list(names)
    more = f" and {len(each) - most} more" if len(each) > most else ""
    return ", ".join(each[:most]) + more
