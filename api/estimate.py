"""How long an experiment will take, before it is submitted.

A model of the arithmetic (multiply-adds of forward and backward pass, the optimizer's passes over
memory, evaluations), scaled by what the last runs of this service really took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from reglab.core.spec import ResolvedRun, RunSpec

# One core with AVX2, one thread: fitted to the five workloads of the article.
FLOPS_A_SECOND = 30e9
ACTIVATION_SECONDS = 1e-9
PARAMETER_SECONDS = {"sgd": 0.1e-9, "adam": 0.65e-9}
STEP_SECONDS = 2e-6
START_SECONDS = 0.15
# The kernels skip dark pixels: about a fifth are lit.
LIT_PIXELS = 0.2
# Of a very short run the start is most of the time, which says nothing about training.
SHORTEST_SECONDS = 0.5


@dataclass(frozen=True)
class Estimate:
    """What an experiment will cost.

    Attributes:
        runs: Number of runs.
        epochs: Of all runs together.
        steps: Updates of all runs together.
        longest_seconds: Time of the longest run.
        cpu_seconds: Time of all runs together, one core each.
        seconds: Time until all have ended, if nothing else waits.
        slots: Runs that the living workers train at once; 0 if no worker is alive.
        measured_runs: Finished runs that the model was scaled by; 0 means the model alone.
    """

    runs: int
    epochs: int
    steps: int
    longest_seconds: float
    cpu_seconds: float
    seconds: float
    slots: int
    measured_runs: int


def estimate(
    runs: Sequence[ResolvedRun], history: Sequence[tuple[RunSpec, float]], slots: int
) -> Estimate:
    """Estimate the runs of an experiment.

    Args:
        runs: As ``expand`` made them.
        history: Specs of finished runs, and the seconds each took.
        slots: Runs that can be trained at once.
    """
    usable = [(spec, seconds) for spec, seconds in history if seconds >= SHORTEST_SECONDS]
    scale = median(seconds / model_seconds(spec) for spec, seconds in usable) if usable else 1.0
    # Replicates share one spec object, so that a thousand seeds are modelled once.
    by_spec = {id(run.spec): scale * model_seconds(run.spec) for run in runs}
    each = [by_spec[id(run.spec)] for run in runs]
    return Estimate(
        runs=len(runs),
        epochs=sum(run.spec.training.epochs for run in runs),
        steps=sum(run.spec.training.epochs * batches(run.spec) for run in runs),
        longest_seconds=max(each),
        cpu_seconds=sum(each),
        seconds=max(*each, sum(each) / max(slots, 1)),
        slots=slots,
        measured_runs=len(usable),
    )


def batches(spec: RunSpec) -> int:
    """Updates an epoch; the last short batch counts."""
    return -(-spec.dataset.train_size // spec.training.batch_size)


def model_seconds(spec: RunSpec) -> float:
    """Seconds of one run on one core, by the model."""
    widths = spec.widths()
    lit = LIT_PIXELS if spec.dataset.image_shape else 1.0
    inputs = [lit * widths[0], *widths[1:-1]]
    weights = sum(n_in * n_out for n_in, n_out in zip(inputs, widths[1:], strict=True))
    parameters = sum((a + 1) * b for a, b in pairwise(widths))
    batch = min(spec.training.batch_size, spec.dataset.train_size)
    forward = 2 * weights / FLOPS_A_SECOND + sum(spec.model.hidden) * ACTIVATION_SECONDS
    step = STEP_SECONDS + 3 * batch * forward + parameters * PARAMETER_SECONDS[spec.optimizer.name]
    looks = 2 + spec.training.epochs // spec.training.eval_every
    examples = spec.dataset.train_size + spec.dataset.test_size
    updates = spec.training.epochs * batches(spec)
    return START_SECONDS + updates * step + looks * examples * forward
