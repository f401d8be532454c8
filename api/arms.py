"""Which arms a request means: of ``GET /v1/compare?ids=`` and of its figures."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, NoReturn

from fastapi import Query

from reglab.api.context import Context, identifier
from reglab.api.problems import ProblemError
from reglab.core.errors import FieldProblem, NotComparableError, suggestion
from reglab.core.results import RunResult
from reglab.core.results.arms import METRIC, MOST_ARMS, Arm, ArmComparison, arms_of, compare
from reglab.core.spec import METRICS, At, point_key
from reglab.core.statistics import ArmAdjustment

# An experiment, and if not all of its sweep points, the index of a run of the one that is meant.
ADDRESS = re.compile(r"([^:]*)(?::(\d{1,9}))?")
NAMES = tuple(metric.name for metric in METRICS)


@dataclass(frozen=True)
class ArmQuery:
    """The query of a comparison of arms."""

    ids: Annotated[
        str | None,
        Query(
            max_length=2000,
            description=f"From two to {MOST_ARMS} arms, separated by commas: ids of experiments, "
            "each with all of its sweep points, or id:K for the sweep point of its run K.",
        ),
    ] = None
    baseline: Annotated[
        str | None,
        Query(
            max_length=100,
            description="One of the arms, which all others are compared with; all pairs without.",
        ),
    ] = None
    metric: Annotated[str, Query(max_length=100, description=f"One of {', '.join(NAMES)}.")] = (
        METRIC
    )
    adjust: Annotated[
        ArmAdjustment,
        Query(
            description="How p-values are corrected: 'holm' for any false difference, 'bh' for the "
            "share of false ones; 'dunnett' (with a baseline) and 'tukey' (all pairs) take one "
            "error of all arms, which need the same seeds."
        ),
    ] = "holm"
    margin: Annotated[
        float | None,
        Query(
            gt=0,
            allow_inf_nan=False,
            description="Differences below it do not matter: arms are tested for being equivalent.",
        ),
    ] = None
    at: Annotated[
        At,
        Query(
            description="'kept': of the network that was kept; 'last': of the last evaluation, "
            "which differs where early stopping restored an earlier network."
        ),
    ] = "kept"


def only_arms(query: ArmQuery) -> None:
    """Refuse what belongs to ``ids`` where they are not given."""
    of_arms = {"baseline": None, "metric": METRIC, "adjust": "holm", "margin": None}
    for name, default in of_arms.items():
        if getattr(query, name) != default:
            refuse(name, "It is of a comparison of arms.", "Name them: ids=A,B,C.")


def compared(shared: Context, query: ArmQuery) -> ArmComparison:
    """The comparison that is asked for, or a problem that names the field."""
    if query.metric not in NAMES:
        known = f"{suggestion(query.metric, NAMES)}Known: {', '.join(NAMES)}."
        refuse("metric", f"There is no metric '{query.metric[:60]}'.", known)
    arms, baseline = _chosen(shared, query)
    try:
        return compare(arms, query.metric, baseline, query.adjust, query.at, query.margin)
    except NotComparableError as error:
        raise ProblemError(409, "not-comparable", "Not comparable", error.problems) from error


def experiments_of(query: ArmQuery) -> list[str]:
    """The ids of the experiments that the arms are of, each once."""
    if query.ids is None:
        refuse("ids", "It is needed.", "Name the arms: ids=A,B,C.")
    return list(dict.fromkeys(_parsed("ids", text.strip())[0] for text in query.ids.split(",")))


def refuse(field: str, detail: str, remedy: str) -> NoReturn:
    """Answer 422 for one field."""
    raise ProblemError(422, "invalid", "Invalid request", FieldProblem(field, detail, remedy))


def _chosen(shared: Context, query: ArmQuery) -> tuple[list[Arm], int | None]:
    """The arms in the order in which they were named, and the position of the baseline."""
    texts = [part.strip() for part in (query.ids or "").split(",")]
    for text, often in Counter(texts).items():
        if often > 1:
            refuse("ids", f"'{text[:60]}' is there {often} times.", "Name each arm once.")
    wanted: dict[str, list[int | None]] = {}
    for text in texts:
        experiment, index = _parsed("ids", text)
        wanted.setdefault(experiment, []).append(index)
    names = {one: shared.storage.experiments.get(one).name or "Unnamed" for one in wanted}
    often_named = Counter(names.values())
    arms: list[Arm] = []
    holders: dict[str, int] = {}
    for experiment, indexes in wanted.items():
        every = shared.storage.results.experiment(experiment)
        name = names[experiment]
        # Equal names are told apart by the ends of their ids, which commands take, too.
        label = name if often_named[name] == 1 else f"{name} ({experiment[-6:]})"
        for arm in arms_of(experiment, label, _selected(every, experiment, indexes)):
            holders[arm.id] = len(arms)
            holders |= {f"{experiment}:{index}": len(arms) for index in arm.indexes}
            arms.append(arm)
    if not 2 <= len(arms) <= MOST_ARMS:
        remedy = f"Name from 2 to {MOST_ARMS} arms: experiments, or id:K for single sweep points."
        refuse("ids", f"Got {len(arms)} arm" + ("." if len(arms) == 1 else "s."), remedy)
    if query.baseline is None:
        return arms, None
    experiment, _ = _parsed("baseline", query.baseline)
    if query.baseline not in holders:
        known = [arm.id for arm in arms if arm.id.startswith(experiment)] or [
            arm.id for arm in arms
        ]
        detail = "It is none of the arms."
        if len(known) > 1 and experiment in wanted:
            detail = f"Of this experiment {len(known)} sweep points are compared."
        refuse("baseline", detail, f"Name one, such as {known[0]}.")
    return arms, holders[query.baseline]


def _parsed(field: str, text: str) -> tuple[str, int | None]:
    parts = ADDRESS.fullmatch(text)
    experiment = identifier(field, parts[1] if parts else text)
    return experiment, int(parts[2]) if parts and parts[2] else None


def _selected(
    every: list[RunResult], experiment: str, indexes: list[int | None]
) -> list[RunResult]:
    """The runs of these sweep points, all seeds of each."""
    if None in indexes:
        if len(indexes) > 1:
            refuse("ids", f"All sweep points of '{experiment}' and single ones.", "Name each once.")
        return every
    keys: list[str] = []
    for index in indexes:
        run = next((run for run in every if run.index == index), None)
        if run is None:
            refuse(
                "ids", f"'{experiment}' has no run {index}.", f"It has {len(every)} runs from 0."
            )
        key = point_key(run.params)
        if key in keys:
            refuse(
                "ids",
                f"Run {index} of '{experiment}' is of a sweep point named before.",
                "Name each once.",
            )
        keys.append(key)
    chosen = [run for run in every if point_key(run.params) in keys]
    # In the order in which they were named.
    return sorted(chosen, key=lambda run: keys.index(point_key(run.params)))
