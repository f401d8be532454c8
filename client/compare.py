"""Several experiments side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reglab.client.errors import ClientError
from reglab.client.flow import Call, Flow
from reglab.client.models import ExperimentData
from reglab.client.submission import identifier, segment
from reglab.client.tables import Table, plain
from reglab.core.spec.metrics import ALWAYS

FINAL = ALWAYS
ECE = ("ece", "ece_low", "ece_high", "brier", "nll")
NOT_COMPARED = ("name", "tags", "seeds")


class Comparison(Table):
    """One row per run: experiment, sweep values, seed, state, final losses and accuracies, ECE.

    Attributes:
        differences: Fields in which the specs differ: dotted path -> value in each experiment.
    """

    differences: dict[str, list[Any]]

    def _repr_html_(self) -> str:
        from reglab.client.show import html_table

        return html_table(self)


def compare_flow(experiments: Sequence[Any]) -> Flow[Comparison]:
    """See ``Client.compare``."""
    if not experiments:
        raise ClientError("There is nothing to compare.", "Name one experiment or more.")
    rows: list[dict[str, Any]] = []
    specs = []
    for experiment in experiments:
        path = f"/v1/experiments/{segment(identifier(experiment))}"
        data = ExperimentData.read((yield Call("GET", path)))
        errors = {
            row["run_id"]: row
            for row in json.loads((yield Call("GET", f"{path}/ece")).content)["items"]
        }
        specs.append(_flat(data.spec))
        rows += _rows(data, errors)
    table = Comparison(Table.of_rows(rows))
    table.differences = _differences(specs)
    return table


def _rows(data: ExperimentData, errors: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for run in data.runs:
        final = (run.summary or {}).get("final", {})
        measured = errors.get(run.id, {})
        rows.append(
            {
                "experiment": data.label(),
                "experiment_id": data.id,
                "run": run.index,
                "seed": run.seed,
                **{path: plain(value) for path, value in run.params.items()},
                "state": run.state,
                **{name: final.get(name) for name in FINAL},
                **{name: measured.get(name) for name in ECE},
            }
        )
    return rows


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if not prefix and name in NOT_COMPARED:
            continue
        if isinstance(value, dict) and value and name != "sweep":
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _differences(specs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    paths = dict.fromkeys(path for spec in specs for path in spec)
    found = {path: [spec.get(path) for spec in specs] for path in paths}
    return {path: values for path, values in found.items() if any(v != values[0] for v in values)}
