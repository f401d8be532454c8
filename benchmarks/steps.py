"""(a) Microseconds per training step of the article's workloads, four implementations in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.timing import Times, interleaved, once, pinned
from benchmarks.workloads import Workload, article_workloads

# Absolute goals in microseconds, and the share of JAX's and of the NumPy loop's step.
GOALS = (20.0, 40.0, 145.0, 100.0, 2800.0)
JAX_GOAL = 0.75
NUMPY_GOALS = (1 / 7, 1 / 7, 1 / 7, 1 / 7, 1 / 3)
# JAX trains a sweep of this many runs at a time under vmap.
SWEEP = 9
# A timed call lasts about this long, so that what a call costs by itself hardly counts.
CALL_SECONDS = 0.05


def measure(repeats: int, images: str | None = None, echo: Callable[[str], None] = print) -> Any:
    """A row per workload: times of each implementation, compile times, and ratios."""
    rows = []
    with pinned():
        for at, workload in enumerate(article_workloads(images)):
            row = _row(workload, repeats)
            row["goal"] = GOALS[at]
            row["numpy_goal"] = NUMPY_GOALS[at]
            row["jax_goal"] = JAX_GOAL
            rows.append(row)
            times = "  ".join(f"{n} {v['median']:,.1f}" for n, v in row["microseconds"].items())
            echo(f"  {row['workload']}: {times} us per step")
    return rows


def _row(workload: Workload, repeats: int) -> dict[str, Any]:
    calls, steps, compiled = _prepare(workload)
    times = interleaved(calls, repeats)
    found = {name: times[name].summary(1e-6, steps[name]) for name in calls}
    # JAX is given the better of its two forms.
    best = min(("jax", "jax_sweep"), key=lambda name: found[name]["median"])
    ours = found["reglab"]["median"]
    return {
        "workload": workload.name,
        "steps_per_epoch": workload.steps_per_epoch,
        "microseconds": found,
        "jax_best": best,
        "compile_seconds": compiled,
        "to_jax": ours / found[best]["median"],
        "to_numpy": ours / found["numpy"]["median"],
        "to_torch": ours / found["torch"]["median"],
        "repeats": repeats,
        "stolen": _stolen(times),
    }


def _prepare(
    workload: Workload,
) -> tuple[dict[str, Callable[[], object]], dict[str, int], dict[str, float]]:
    """Warm calls, how many steps each makes, and what the first call of a compiled one took."""
    from benchmarks.baselines import jax_scan, numpy_loop, reglab_engine, torch_eager

    calls: dict[str, Callable[[], object]] = {}
    steps, compiled = {}, {}
    for name, module in (("reglab", reglab_engine), ("numpy", numpy_loop), ("torch", torch_eager)):
        train = module.prepare(workload)
        compiled[name] = once(lambda train=train: train(1))[0]
        epochs = _epochs(lambda train=train: train(1))
        calls[name] = lambda train=train, epochs=epochs: train(epochs)
        steps[name] = epochs * workload.steps_per_epoch
    # JAX compiles for a number of epochs: as many as reglab's engine trains in a call.
    for name, runs in (("jax", 1), ("jax_sweep", SWEEP)):
        epochs = max(1, steps["reglab"] // workload.steps_per_epoch // (2 * runs))
        calls[name] = jax_scan.prepare(workload, epochs, runs)
        compiled[name] = once(calls[name])[0]
        steps[name] = epochs * runs * workload.steps_per_epoch
    return calls, steps, compiled


def _epochs(epoch: Callable[[], object]) -> int:
    seconds = min(once(epoch)[0] for _ in range(3))
    return max(1, round(CALL_SECONDS / seconds))


def _stolen(times: dict[str, Times]) -> float:
    """The largest share of wall time in which an implementation was kept from its core."""
    return max(each.stolen() for each in times.values())
