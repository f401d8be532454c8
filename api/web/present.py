"""What the page of an experiment hands to its modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.colors import to_hex

from reglab.api.web.compare import MAX_POINTS, MAX_RUNS, Compared
from reglab.core.figures.critical_difference import MOST_RANKED
from reglab.core.figures.style import (
    CLASS_COLOURS,
    GREY,
    PALETTE,
    PAPERS,
    sequence,
    time_map,
)
from reglab.core.spec import labels, point_key
from reglab.core.storage import ExperimentRecord, RunRecord

TIME_COLOURS = 24
# The figures' colours, which are seen on the paper of either theme.
SERIES = {theme: list(PALETTE) for theme in PAPERS}
PALETTES = {"series": SERIES, "classes": CLASS_COLOURS, "grey": GREY}


def run_rows(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """One JSON row per run; runs that differ in their seed alone share a group."""
    keys = [point_key(run.params) for run in runs]
    groups = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    names = labels([run.params for run in runs], unswept="no sweep")
    return [
        {
            "id": run.id,
            "experiment_id": run.experiment_id,
            "index": run.index,
            "label": label,
            "group": groups[key],
            "seed": run.seed,
            "params": run.params,
            "state": run.state,
            "epoch": run.epoch,
            "epochs": run.spec["training"]["epochs"],
            "progress": run.progress,
            "dropout": run.spec["regularization"]["dropout"],
            "layers": len(run.spec["model"]["hidden"]) + 1,
            "probabilities": run.spec["model"]["loss"] != "squared",
            "boundary": run.spec["probes"]["boundary"] is not None,
            "spectrum": run.spec["probes"]["spectrum"] is not None,
        }
        for run, label, key in zip(runs, names, keys, strict=True)
    ]


def experiment_data(record: ExperimentRecord, runs: Sequence[RunRecord]) -> dict[str, Any]:
    """The data block of an experiment's page."""
    rows = run_rows(runs)
    return {
        "id": record.id,
        "name": record.name,
        "state": record.state,
        "tags": record.tags,
        "runs": rows,
        "colours": group_colours(1 + max((row["group"] for row in rows), default=0)),
        "timeColours": time_colours(),
    }


def compare_data(points: Sequence[Compared]) -> dict[str, Any]:
    """The data block of a comparison: every sweep point is a group."""
    several = len({point.experiment.id for point in points}) > 1
    rows = [
        {
            "id": run.id,
            "experiment_id": run.experiment_id,
            "index": run.index,
            "group": at,
            "label": point.label,
            "section": (point.experiment.name or "Unnamed") if several else "",
            "state": run.state,
        }
        for at, point in enumerate(points)
        for run in point.runs
    ]
    sizes = {point.experiment.id: sum(point.experiment.counts.values()) for point in points}
    limits = {"points": MAX_POINTS, "runs": MAX_RUNS, "ranked": MOST_RANKED}
    return {"runs": rows, "sizes": sizes, "limits": limits, "colours": group_colours(len(points))}


def group_colours(count: int) -> dict[str, list[str]]:
    """A colour a group in each theme: told apart if few, ordered if many."""
    if count <= len(PALETTE):
        return {theme: colours[:count] for theme, colours in SERIES.items()}
    return {theme: [to_hex(colour) for colour in sequence(count, theme)] for theme in PAPERS}


def time_colours() -> dict[str, list[str]]:
    """Colours from early to late in each theme."""
    shares = [at / (TIME_COLOURS - 1) for at in range(TIME_COLOURS)]
    return {theme: [to_hex(time_map(theme)(at)) for at in shares] for theme in PAPERS}
