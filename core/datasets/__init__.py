"""Datasets by name: a new one is a module here and a model in ``core.spec.dataset``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import numpy as np

from reglab.core.datasets import uploaded
from reglab.core.datasets.base import Dataset, Loader
from reglab.core.datasets.label_noise import with_label_noise
from reglab.core.errors import DatasetUnavailableError, FieldProblem
from reglab.core.spec import DATASETS
from reglab.core.spec.dataset_base import DatasetBase
from reglab.core.spec.uploaded import Uploaded
from reglab.core.tables import Table

REGISTRY = {name: cast(Loader, import_module(f"{__name__}.{name}")) for name in DATASETS}
TableOf = Callable[[str], Table]

__all__ = ["REGISTRY", "Dataset", "Loader", "catalog", "check", "digests", "load", "no_uploads"]


def no_uploads(identifier: str) -> Table:
    """Where no uploaded data can be read, raises DatasetUnavailableError."""
    remedy = "Train it with a server and worker that store the data."
    raise DatasetUnavailableError(
        FieldProblem("dataset.id", f"{identifier} is not stored here.", remedy)
    )


def load(spec: DatasetBase, rng: np.random.Generator, table_of: TableOf = no_uploads) -> Dataset:
    """The dataset of a run.

    Args:
        spec: Which, and how.
        rng: The run's data stream.
        table_of: Reads the table of an uploaded dataset by its id.

    Raises:
        DatasetUnavailableError: Its files are missing; the message names the remedy.
    """
    if isinstance(spec, Uploaded):
        data = uploaded.load(spec, rng, table_of(spec.id))
    else:
        data = _loader(spec).load(spec, rng)
    if not spec.label_noise:
        return data
    return with_label_noise(data, spec.label_noise, spec.label_noise_kind, rng)


def check(spec: DatasetBase) -> None:
    """Raise DatasetUnavailableError (or SpecError) if ``load`` would; may download files once."""
    if not isinstance(spec, Uploaded):
        _loader(spec).check(spec)


def digests(spec: DatasetBase) -> dict[str, str]:
    """The sha256 of every file that ``load`` would read here, by name; as in its provenance."""
    return uploaded.digests(spec) if isinstance(spec, Uploaded) else _loader(spec).digests(spec)


def catalog() -> list[dict[str, Any]]:
    """One JSON row per dataset: what it is, and whether it is available here, else why not."""
    return [_describe(name) for name in DATASETS]


def _loader(spec: DatasetBase) -> Loader:
    name: str = spec.name  # type: ignore[attr-defined]
    return REGISTRY[name]


def _describe(name: str) -> dict[str, Any]:
    loader, model = REGISTRY[name], DATASETS[name]
    row: dict[str, Any] = {
        "name": name,
        "title": loader.title,
        "n_features": model.n_features,
        "n_classes": model.n_classes,
        "image_shape": list(model.image_shape) if model.image_shape else None,
        "source": loader.source,
        "licence": loader.licence,
        "available": True,
        "reason": None,
    }
    try:
        loader.check(model.model_validate({"name": name}))
    except DatasetUnavailableError as error:
        row |= {"available": False, "reason": str(error)}
    return row
