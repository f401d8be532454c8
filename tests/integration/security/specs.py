"""Specs drawn from the models themselves: every field that there is, extremes included."""

from __future__ import annotations

import io
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reglab.core.spec import ExperimentSpec
from reglab.core.tables import ReadOptions, address

# Where a field has no bound of its own.
WIDE = 1e12
# Sizes cost time and change nothing else; everything beside them is left as it was drawn.
CUTS = {
    "train_size": 60,
    "test_size": 40,
    "epochs": 2,
    "resolution": 12,
    "dropout_instances": 3,
    "samples": 5,
    "snapshots": 6,
}
WIDTH = 12
# What specs on uploaded data are about, and its target.
TABLE = "age,soil,wet,plot,y\n" + "".join(
    ",".join(
        [
            "" if at % 9 == 4 else str(at % 13),
            "sand" if at % 3 else "loam",
            "true" if at % 5 else "false",
            "north" if at % 2 else "south",
            "yes" if at % 7 > 2 else "no",
        ]
    )
    + "\n"
    for at in range(60)
)
TARGET = "y"
TABLE_ID = address(io.BytesIO(TABLE.encode()), TARGET, ReadOptions())


def experiments() -> st.SearchStrategy[dict[str, Any]]:
    """Documents of experiments, cut to a size that trains at once; most fit together."""
    drawn = documents(ExperimentSpec, without=("sweep", "seeds", "name", "tags"))
    return st.tuples(drawn, st.integers(0, 4), st.integers(0, 2**63 - 1)).map(
        lambda found: (mended if found[1] else dict)(cut(found[0])) | {"seeds": [found[2]]}
    )


def documents(
    model: type[BaseModel], without: tuple[str, ...] = ()
) -> st.SearchStrategy[dict[str, Any]]:
    """JSON documents of a model; optional fields may be left out."""
    required, optional = {}, {}
    for name, field in model.model_fields.items():
        if name not in without:
            place = required if field.is_required() else optional
            place[name] = of_field(field)
    return st.fixed_dictionaries(required, optional=optional)


def of_field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return of_type(field.annotation, field.metadata)


def of_type(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        found = [part for one in more for part in getattr(one, "metadata", [one])]
        return of_type(inner, metadata + found)
    if origin in (Union, types.UnionType):
        return st.one_of(*(of_type(one, metadata) for one in get_args(annotation)))
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if origin is list:
        return st.lists(of_type(get_args(annotation)[0], []), max_size=4)
    if origin is dict:
        return st.dictionaries(*(of_type(one, []) for one in get_args(annotation)), max_size=4)
    if origin is tuple:
        return st.tuples(*(of_type(one, []) for one in get_args(annotation)))
    if annotation is str:
        return texts(metadata)
    if annotation is type(None):
        return st.none()
    if annotation is bool:
        return st.booleans()
    if annotation in (int, float):
        return numbers(annotation, metadata)
    return documents(annotation)


def texts(metadata: list[Any]) -> st.SearchStrategy[str]:
    """Of the pattern, or within the bounds of length; often names of ``TABLE``."""
    patterns = [found for one in metadata if (found := getattr(one, "pattern", None))]
    if patterns:
        return st.from_regex(patterns[0], fullmatch=True)
    low, high = 0, 40
    for one in metadata:
        low, high = getattr(one, "min_length", low), getattr(one, "max_length", high)
    return st.sampled_from(TABLE.partition("\n")[0].split(",")) | st.text(
        min_size=low, max_size=min(high, 40)
    )


def numbers(kind: type, metadata: list[Any]) -> st.SearchStrategy[Any]:
    """Within the bounds, and often at them; small whole numbers where there is no bound."""
    low, high, open_low, open_high = -WIDE, WIDE, False, False
    for one in metadata:
        if isinstance(one, at.Ge | at.Gt):
            low, open_low = getattr(one, "ge", getattr(one, "gt", None)), isinstance(one, at.Gt)
        elif isinstance(one, at.Le | at.Lt):
            high, open_high = getattr(one, "le", getattr(one, "lt", None)), isinstance(one, at.Lt)
    if kind is int:
        return st.integers(int(low) if low != -WIDE else 1, int(high)) | st.integers(
            max(1, int(low) if low != -WIDE else 1), min(int(high), 64)
        )
    bounds = {"exclude_min": open_low, "exclude_max": open_high}
    common = st.sampled_from([0.0, 1e-30, 1e-8, 1e-3, 0.1, 0.5, 0.99, 1.0, 10.0, 1e3]).filter(
        lambda value: (
            low <= value <= high
            and (value > low or not open_low)
            and (value < high or not open_high)
        )
    )
    return common | st.floats(low, high, allow_nan=False, **bounds)


def cut(value: Any, name: str = "") -> Any:
    """The same document with small sizes."""
    if isinstance(value, dict):
        return {key: cut(inner, key) for key, inner in value.items()}
    if name == "hidden":
        return [min(abs(width), WIDTH) for width in value]
    if name in CUTS and isinstance(value, int):
        return min(value, CUTS[name])
    return value


def mended(document: dict[str, Any]) -> dict[str, Any]:
    """What contradicts itself is left out, so that the rest is tried."""
    data = document["dataset"]["name"]
    data_sizes = {"train_size": 60, "test_size": 40}
    found = document | {"dataset": data_sizes | document["dataset"]}
    if data == "uploaded":
        kept = ("name", "stratify", "split_seed", "scale", "label_noise")
        table = {name: document["dataset"][name] for name in kept if name in document["dataset"]}
        found["dataset"] = table | {"id": TABLE_ID, "missing": "indicator"}
    if data == "masked_text":
        # Its shares of masked and replaced words must not exceed the whole.
        found["dataset"] |= {"masked": 0.5, "replaced": 0.5}
    model = dict(found.get("model", {}))
    regularization = dict(found.get("regularization", {}))
    probes = dict(found.get("probes", {}))
    images = data not in ("two_moons", "masked_text", "uploaded")
    augmentation = (regularization.get("augmentation") or {}).get("name")
    fits = {"masking": data == "masked_text", "gaussian_noise": True, "mixup": True, None: True}
    if not fits.get(augmentation, images):
        regularization.pop("augmentation")
    if not model.get("hidden", [1]):
        regularization.pop("dropout", None)
        probes |= {"mc_dropout": None, "norms": None}
    if model.get("loss") == "squared":
        probes |= {"calibration": None, "temperature": None, "mc_dropout": None}
    else:
        probes["components"] = None
    if data != "two_moons":
        probes["boundary"] = None
    if augmentation == "masking":
        regularization.pop("early_stopping", None)
        probes["temperature"] = None
    for part in (regularization.get("early_stopping"), probes.get("temperature")):
        if part is not None:
            part["validation_size"] = 0.25
    return found | {"model": model, "regularization": regularization, "probes": probes}
