"""Claims about the boundaries and the confidence that weight decay leaves on two moons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import scipy  # its stats, slow to import, are loaded at first use
from numpy.typing import NDArray

from reglab.core.claims.base import Claim, Control, PerSeed, Runs, Section
from reglab.core.claims.complexity import right_on_arcs, surplus_regions
from reglab.core.claims.controls import method_off, tables, with_arrays, with_results
from reglab.core.claims.label_smoothing import overconfidence
from reglab.core.claims.regions import above, below
from reglab.core.claims.select import Family, Floats, Key, family, taken
from reglab.core.claims.weight_decay import (
    L1,
    L2,
    ends_of,
    final,
    flipped_moons,
    over_strengths,
)
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.weights import squared_norm
from reglab.core.results import RunResult

BOTH = Section("L1 against L2", "decays", ("l2", "l1"))


def _at_mildest(measure: Callable[[RunResult], float], path: str, runs: Runs) -> PerSeed:
    table, mildest, _ = ends_of(path, runs)
    return {seed: measure(run) for seed, run in table[mildest].items()}


def _decided(run: RunResult) -> NDArray[np.bool_]:
    return np.asarray(run.arrays["boundary.p"] > 0.5)


def _differ(one: RunResult, other: RunResult) -> float:
    """Share of the plotted square on which two networks decide differently."""
    return float(np.mean(_decided(one) != _decided(other)))


def _sides(runs: Runs) -> tuple[Family, list[Key], list[Key]]:
    """Runs of both decays, and the strengths above zero of L2 and of L1."""
    table = family(runs, L2, L1, where=flipped_moons)
    l2 = sorted(key for key in table if key[0] > 0 and key[1] == 0)
    l1 = sorted(key for key in table if key[1] > 0 and key[0] == 0)
    if len(l2) < 2 or not l1:
        raise NotMeasurableError(
            "It needs two experiments on the same data, with several strengths of L2 and with L1 "
            "decay, and a boundary probe: draw on both together, as of the presets 'l2' and 'l1'."
        )
    return table, l2, l1


def _equally_accurate(l2: Floats, l1: Floats) -> tuple[int, int]:
    """Positions of the strengths whose accuracies (seeds, V) are nearest on the mean."""
    gaps = np.abs(l2.mean(axis=0)[:, None] - l1.mean(axis=0))
    at = np.unravel_index(int(gaps.argmin()), gaps.shape)
    return int(at[0]), int(at[1])


def _differ_more(runs: Runs) -> PerSeed:
    table, l2, l1 = _sides(runs)
    seeds = sorted(set.intersection(*(set(table[key]) for key in (*l2, *l1))))
    if len(seeds) < 2:
        raise NotMeasurableError("Strengths are chosen on the other seeds: it needs at least two.")
    scores = [
        np.array([[final(table[key][seed], "test_accuracy") for key in keys] for seed in seeds])
        for keys in (l2, l1)
    ]
    found = {}
    for row, seed in enumerate(seeds):
        one, other = _equally_accurate(*(np.delete(each, row, axis=0) for each in scores))
        chosen = table[l2[one]][seed]
        beside = [l2[at] for at in (one - 1, one + 1) if 0 <= at < len(l2)]
        nearest = min(_differ(chosen, table[key][seed]) for key in beside)
        found[seed] = _differ(chosen, table[l1[other]][seed]) - nearest
    return found


def _l2_in_place(runs: Runs) -> Runs:
    """Runs with L1 decay have the results of the L2 strength of the same rank."""
    strengths: dict[str, dict[str, set[float]]] = {}
    donors: dict[tuple[str, float, int], RunResult] = {}
    for run in runs:
        (l2, l1), rest = taken(run, (L2, L1))
        sides = strengths.setdefault(rest, {"l2": set(), "l1": set()})
        if l2 > 0 and l1 == 0:
            sides["l2"].add(l2)
            donors[rest, l2, run.seed] = run
        elif l1 > 0 and l2 == 0:
            sides["l1"].add(l1)
    found = []
    for run in runs:
        (l2, l1), rest = taken(run, (L2, L1))
        ranked = sorted(strengths[rest]["l2"])
        if l1 > 0 and l2 == 0 and ranked:
            rank = sorted(strengths[rest]["l1"]).index(l1)
            donor = donors.get((rest, ranked[min(rank, len(ranked) - 1)], run.seed))
            found += [with_results(run, donor)] if donor else []
        else:
            found.append(run)
    return found


def _with_norm(runs: Runs) -> PerSeed:
    _, gaps = over_strengths(overconfidence, L2, runs)
    _, norms = over_strengths(lambda run: sum(map(squared_norm, run.weights())), L2, runs)
    return {
        seed: float(scipy.stats.spearmanr(norms[seed], row).statistic)
        if np.ptp(row) and np.ptp(norms[seed])
        else 0.0
        for seed, row in gaps.items()
    }


def _other_weights(runs: Runs) -> Runs:
    found = []
    for table in tables(runs, L2):
        values = sorted(table)
        for seed in sorted({seed for row in table.values() for seed in row}):
            order = np.random.default_rng(seed).permutation(len(values))
            for value, at in zip(values, order, strict=True):
                run, donor = table[value].get(seed), table[values[at]].get(seed)
                if run is not None and donor is not None:
                    names = [name for name in donor.arrays if name.startswith("param.")]
                    found.append(with_arrays(run, {name: donor.arrays[name] for name in names}))
    return found


def _claims(path: str, symbol: str) -> tuple[Claim, ...]:
    kind = path.split(".")[1]
    section = Section(f"{kind.upper()} weight decay", kind, (kind,))
    return (
        section.claim(
            "separates-cleanly",
            f"The mildest {kind.upper()} decay separates the moons cleanly: its boundary runs "
            "between the two half circles.",
            "share of the two half circles without noise that the network assigns to their class, "
            f"at the least {symbol} > 0",
            above(0.99, "At most one point in a hundred is on the wrong side.", most=1.0),
            partial(_at_mildest, right_on_arcs, path),
            method_off(path),
        ),
        section.claim(
            "no-islands",
            f"The mildest {kind.upper()} decay leaves no islands: each class is one region.",
            f"regions of the plotted square beyond one per class, at the least {symbol} > 0",
            below(1.0, "On the mean fewer than one, the least that there can be."),
            partial(_at_mildest, surplus_regions, path),
            method_off(path),
        ),
    )


CLAIMS = (
    *_claims(L2, "λ₂"),
    *_claims(L1, "λ₁"),
    Section("L2 weight decay", "l2", ("l2",)).claim(
        "large-weights",
        "Overconfidence comes with large weights: the larger they are, the more the confidence "
        "exceeds the accuracy.",
        "Spearman's rho over λ₂ of the squared norm of all weights with mean test confidence minus "
        "test accuracy",
        above(0.5, "Cohen (1988) calls a correlation of 0.5 large.", most=1.0),
        _with_norm,
        Control("the weights of another strength, drawn at random", _other_weights),
    ),
    BOTH.claim(
        "differ",
        "At equal accuracy the boundaries of L1 and L2 decay differ, more than those of "
        "neighbouring strengths of L2.",
        "share of the plotted square on which networks of L1 and L2 decay decide differently, at "
        "the strengths of most equal test accuracy on the other seeds, minus that of two "
        "neighbouring λ₂",
        above(0.0),
        _differ_more,
        Control("L2 networks in place of those of L1", _l2_in_place),
    ),
)
