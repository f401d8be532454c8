"""The facts of uploaded datasets, filled into a submission before it is validated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reglab.core.errors import FieldProblem, SpecError
from reglab.core.spec.uploaded import ColumnFacts, UploadedFacts
from reglab.core.storage import DatasetRecord
from reglab.core.tables import TableFacts

FactsOf = Callable[[str], UploadedFacts | None]


def facts_of(record: DatasetRecord) -> UploadedFacts:
    """What of a stored dataset decides the shapes of a run.

    Raises:
        SpecError: It has no target, or one that is no class.
    """
    found = TableFacts.model_validate(record.facts)
    target = found.target
    if target is None or target.classes is None:
        detail = (
            "It has no target." if target is None else f"Its target '{target.name}' is a number."
        )
        remedy = "Upload it with a target that has classes."
        raise SpecError(FieldProblem("dataset.id", detail, remedy))
    rows = found.n - found.test_rows
    unnamed = found.image_shape is not None or found.reading.get("format") == "npz"
    columns = [
        ColumnFacts(
            name=column.name,
            kind=column.kind,
            missing=column.missing,
            levels=dict(zip(column.levels or [], column.counts or [], strict=True)),
        )
        for column in ([] if unnamed else found.features)
    ]
    shape = found.image_shape
    return UploadedFacts(
        rows=rows,
        test_rows=found.test_rows,
        target=target.name,
        classes={each.label: each.count for each in target.classes},
        image_shape=(shape[0], shape[1]) if shape and len(shape) == 2 else None,
        n_inputs=found.n_features if unnamed else None,
        columns=columns,
    )


def no_uploads(_: str) -> UploadedFacts | None:
    """Of a service, or a script, that stores none."""
    return None


def with_facts(document: dict[str, Any], facts_of: FactsOf) -> dict[str, Any]:
    """The document with the facts of each uploaded dataset that it names.

    Args:
        document: A spec as it came; parts of the wrong type are left to its validation.
        facts_of: The facts of a dataset by its id, or None if it is not stored here.

    Raises:
        SpecError: A dataset is not stored here, or the facts that are given are not its own.
    """
    sweep = document.get("sweep")
    for path in sweep if isinstance(sweep, dict) else ():
        if path == "dataset.id" or path.startswith("dataset.facts"):
            detail = "The facts of the dataset would be another's."
            remedy = "Submit one experiment per dataset; /v1/compare compares them."
            raise SpecError(FieldProblem(f"sweep.{path}", detail, remedy))
    if "dataset" not in document:
        return document
    return {**document, "dataset": _filled(document["dataset"], facts_of)}


def _filled(value: Any, facts_of: FactsOf) -> Any:
    if not isinstance(value, dict) or value.get("name") != "uploaded":
        return value
    identifier = value.get("id")
    if not isinstance(identifier, str):
        return value
    facts = facts_of(identifier)
    if facts is None:
        remedy = "Upload it with POST /v1/datasets; GET /v1/datasets lists those that are."
        detail = f"There is no dataset {identifier[:80]} here."
        raise SpecError(FieldProblem("dataset.id", detail, remedy))
    own = facts.model_dump(mode="json")
    if value.get("facts") not in (None, own):
        remedy = "Leave them out; the service fills them in."
        raise SpecError(FieldProblem("dataset.facts", "They are not those of the dataset.", remedy))
    return {**value, "facts": own}
