"""The uploaded dataset of an experiment, on its way into an archive and out of it."""

from __future__ import annotations

import hashlib
import io

from reglab.api.context import Context
from reglab.api.schemas.datasets import DatasetRequest
from reglab.api.uploads import store_dataset
from reglab.core.errors import FieldProblemError
from reglab.core.exchange import archive
from reglab.core.exchange.documents import Checked
from reglab.core.spec.uploaded import Uploaded, UploadedFacts
from reglab.core.storage.dataset_files import packed_bytes
from reglab.core.submission.uploads import facts_of
from reglab.core.tables.address import PREFIX, head, unpack


def archived(shared: Context, spec: dict[str, object]) -> archive.ArchivedDataset | None:
    """The dataset that a spec names, or None if it is built in, or not stored any more."""
    dataset = spec.get("dataset")
    if not isinstance(dataset, dict) or dataset.get("name") != "uploaded":
        return None
    record = shared.storage.datasets.known(dataset["id"])
    if record is None:
        return None
    document = {"name": record.name, "description": record.description, "tags": record.tags}
    return archive.ArchivedDataset(document, packed_bytes(shared.storage.datasets, record))


def insert(
    shared: Context, found: archive.ArchivedDataset | None, checked: Checked, token_id: str | None
) -> str | None:
    """Store the dataset of an archive, and check the facts of the experiment's spec against it.

    Returns:
        The id of what was stored, or None if nothing was.

    Raises:
        ArchiveError: It is not that of the spec, or its facts are others.
        TableError: It cannot be read.
        ProblemError: It is larger than it may be.
    """
    dataset = checked.spec.dataset
    if not isinstance(dataset, Uploaded):
        if found is not None:
            raise archive.wrong(archive.DATASET, "The spec names no uploaded dataset.")
        return None
    if found is None:
        record, is_new = shared.storage.datasets.known(dataset.id), False
    else:
        data, asked = _asked(found, dataset.id)
        record, is_new = store_dataset(shared, io.BytesIO(data), asked, token_id)
    try:
        if record is not None and not _same(facts_of(record), dataset.facts):
            detail = "spec.dataset.facts: They are not those of the dataset."
            raise archive.wrong("experiment.json", detail)
    except FieldProblemError:
        if is_new:
            shared.storage.datasets.delete(dataset.id, force=True)
        raise
    return dataset.id if is_new else None


def _same(facts: UploadedFacts, others: UploadedFacts | None) -> bool:
    # The order of the classes numbers them, and equal mappings may differ in it.
    return others is not None and facts == others and list(facts.classes) == list(others.classes)


def _asked(found: archive.ArchivedDataset, identifier: str) -> tuple[bytes, DatasetRequest]:
    if PREFIX + hashlib.sha256(found.packed).hexdigest() != identifier:
        raise archive.wrong(archive.DATASET_BYTES, "It is not the dataset that the spec names.")
    try:
        data, target, options = unpack(identifier, found.packed)
        if head(target, options) + data != found.packed:
            raise ValueError("another first line is written for the same options")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        detail = f"Its first line is not that of a dataset: {error}."
        raise archive.wrong(archive.DATASET_BYTES, detail) from error
    try:
        asked = DatasetRequest.model_validate(
            {**found.document, "target": target, "options": options}
        )
    except ValueError as error:
        raise archive.wrong(archive.DATASET, f"It is not valid: {error}") from error
    return data, asked
