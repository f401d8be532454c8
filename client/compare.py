"""Several experiments side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reglab.client.arms import arm_table, comparison_rows
from reglab.client.errors import ClientError
from reglab.client.flow import Call, Flow
from reglab.client.latex import latex_table
from reglab.client.models import ExperimentData
from reglab.client.submission import identifier, segment
from reglab.client.tables import Table, plain
from reglab.core.spec.metrics import ALWAYS

FINAL = ALWAYS
ECE = ("ece", "ece_low", "ece_high", "brier", "nll")
NOT_COMPARED = ("name", "tags", "seeds")
# Sentences and ids are too wide for a printed table.
NOT_PRINTED = ("experiment_id", "reason", "text")


class Comparison(Table):
    """Experiments side by side: one row per run, or one row per comparison of two arms.

    Of runs: experiment, sweep values, seed, state, final losses and accuracies, ECE. Of arms: the
    arms a and b, n, difference (b minus a) with its simultaneous interval, p-values, effect size,
    decision, reason and text.

    Attributes:
        differences: Fields in which the specs differ: dotted path -> value in each experiment.
        arms: One row per arm; empty where runs are compared.
        ranks: Friedman's test of the arms; empty where runs are compared.
        varied: What the seeds of the arms vary.
    """

    differences: Mapping[str, list[Any]]
    arms: Table
    ranks: Mapping[str, Any]
    varied: str = ""

    def to_latex(self) -> str:
        """Tables for a paper, with the rules of the package booktabs: the arms, and this one."""
        rows = {name: values for name, values in self.items() if name not in NOT_PRINTED}
        if not self.arms.height:
            return latex_table(rows)
        arms = {name: values for name, values in self.arms.items() if name != "id"}
        return f"% {self.varied}\n{latex_table(arms)}\n\n{latex_table(rows)}"

    def _repr_html_(self) -> str:
        from reglab.client.show import html_table

        return html_table(self.arms) + html_table(self) if self.arms.height else html_table(self)


def compare_flow(
    experiments: Sequence[Any], baseline: Any | None, asked: Mapping[str, Any]
) -> Flow[Comparison]:
    """See ``Client.compare``; ``asked`` is of arms, None where it is left out."""
    if not experiments:
        raise ClientError("There is nothing to compare.", "Name one experiment or more.")
    ids = [identifier(each) for each in experiments]
    of_arms = baseline is not None or any(value is not None for value in asked.values())
    rows: list[dict[str, Any]] = []
    specs = []
    # Of one experiment several sweep points may be arms, as in 'id:0' and 'id:3'.
    for one in dict.fromkeys(each.partition(":")[0] for each in ids) if of_arms else ids:
        path = f"/v1/experiments/{segment(one)}"
        data = ExperimentData.read((yield Call("GET", path)))
        specs.append(_flat(data.spec))
        if not of_arms:
            table = json.loads((yield Call("GET", f"{path}/ece")).content)["items"]
            rows += _rows(data, {row["run_id"]: row for row in table})
    document: dict[str, Any] = {}
    if of_arms:
        query = {"ids": ",".join(ids), "baseline": baseline and identifier(baseline), **asked}
        document = (yield Call("GET", "/v1/compare", params=query)).json()
        rows = comparison_rows(document)
    found = Comparison(Table.of_rows(rows))
    found.differences = _differences(specs)
    found.arms = arm_table(document) if document else Table({})
    found.ranks = document.get("ranks", {})
    found.varied = document.get("varied", "")
    return found


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
