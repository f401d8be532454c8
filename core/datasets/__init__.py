"""Datasets by name: a new one is a module here and a model in ``core.spec.dataset``."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

import numpy as np

from reglab.core.datasets.base import Dataset, Loader
from reglab.core.datasets.label_noise import with_label_noise
from reglab.core.errors import DatasetUnavailableError
from reglab.core.spec import DATASETS
from reglab.core.spec.dataset import DatasetBase

REGISTRY = {name: cast(Loader, import_module(f"{__name__}.{name}")) for name in DATASETS}

__all__ = ["REGISTRY", "Dataset", "Loader", "catalog", "check", "digests", "load"]


def load(spec: DatasetBase, rng: np.random.Generator) -> Dataset:
    """The dataset of a run; ``rng`` is the run's data stream.

    Raises:
        DatasetUnavailableError: Its files are missing; the message names the remedy.
    """
    data = _loader(spec).load(spec, rng)
    return with_label_noise(data, spec.label_noise, rng) if spec.label_noise else data


def check(spec: DatasetBase) -> None:
    """Raise DatasetUnavailableError (or SpecError) if ``load`` would; may download files once."""
    _loader(spec).check(spec)


def digests(spec: DatasetBase) -> dict[str, str]:
    """The sha256 of every file that ``load`` would read here, by name; as in its provenance."""
    return _loader(spec).digests(spec)


def catalog() -> list[dict[str, Any]]:
    """One JSON row per dataset: what it is, and whether it is available here, else why not."""
    return [_describe(name) for name in REGISTRY]


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
