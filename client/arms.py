"""Several arms by one metric, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from reglab.client.tables import Table, plain

Adjust = Literal["holm", "bh", "dunnett", "tukey"]


def arm_table(document: Mapping[str, Any]) -> Table:
    """A row per arm: its sweep values, seeds, mean with its own interval, and average rank."""
    over = document["over_datasets"]
    rows = []
    for at, arm in enumerate(document["arms"]):
        row = {"arm": arm["label"], "id": arm["id"]}
        row |= {path: plain(value) for path, value in arm["params"].items()}
        row |= {name: arm[name] for name in ("n", "mean", "low", "high", "rank")}
        if over is not None:
            row |= _estimate("interquartile_mean", over["interquartile_means"][at])
        rows.append(row)
    return Table.of_rows(rows)


def comparison_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A record per comparison of two arms, which are told by their labels."""
    labels = {arm["id"]: arm["label"] for arm in document["arms"]}
    over = document["over_datasets"]
    rows = []
    for at, one in enumerate(document["comparisons"]):
        values = dict(one)
        row = {name: labels[values.pop(name)] for name in ("a", "b")}
        row["n"] = len(values.pop("seeds"))
        if document["margin"] is None:
            values = {name: value for name, value in values.items() if "equivalent" not in name}
        if over is not None:
            values |= _estimate("improvement", over["improvements"][at])
        rows.append(row | values)
    return rows


def _estimate(name: str, found: Mapping[str, float]) -> dict[str, float]:
    return {name: found["value"], f"{name}_low": found["low"], f"{name}_high": found["high"]}
