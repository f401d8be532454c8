"""How long an experiment will take, before it is submitted.

A model of the arithmetic (multiply-adds of forward and backward pass, the optimizer's passes over
memory, augmentation, evaluations, probes), scaled by what the last runs of this service took.
A run with early stopping counts with all its epochs: it may end sooner, and nobody knows when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from reglab.core.spec import ResolvedRun, RunSpec
from reglab.core.spec.optimizer import WHOLE_GRADIENT_SECONDS

# One core with AVX2, one thread: fitted to the five workloads of the article.
FLOPS_A_SECOND = 30e9
ACTIVATION_SECONDS = 1e-9
STEP_SECONDS = 2e-6
START_SECONDS = 0.15
# What an epoch and an evaluation cost beside their arithmetic: permuting, packing, storing.
EPOCH_SECONDS = 8e-6
EVALUATION_SECONDS = 90e-6
# The kernels skip dark pixels: about a fifth are lit.
LIT_PIXELS = 0.2
# A changed input value; the epoch's examples are rewritten in NumPy.
AUGMENTATION_SECONDS = {
    "shift": 2e-9,
    "mixup": 4e-9,
    "masking": 4e-9,
    "cutout": 16e-9,
    "gaussian_noise": 20e-9,
    "elastic": 100e-9,
    "scaling": 150e-9,
    "rotation": 180e-9,
}
# An input value that may be dropped, a parameter of a layer with a largest norm, and a logit whose
# confidence is penalized.
DROP_SECONDS = 4e-9
MAX_NORM_SECONDS = 0.8e-9
CONFIDENCE_SECONDS = 10e-9
# An eigendecomposition of d x d takes so many times d ** 3 multiply-adds.
EIGEN_FLOPS = 25
# Of a very short run the start is most of the time, which says nothing about training.
SHORTEST_SECONDS = 0.5


@dataclass(frozen=True)
class Estimate:
    """What an experiment will cost.

    Attributes:
        runs: Number of runs.
        epochs: Of all runs together.
        steps: Total number of updates of all runs.
        longest_seconds: Time of the longest run.
        cpu_seconds: Time of all runs together, one core each.
        seconds: Time until all runs have ended if no other runs are queued.
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
        steps=sum(run.spec.steps() for run in runs),
        longest_seconds=max(each),
        cpu_seconds=sum(each),
        seconds=max(*each, sum(each) / max(slots, 1)),
        slots=slots,
        measured_runs=len(usable),
    )


def model_seconds(spec: RunSpec) -> float:
    """Seconds of one run on one core, by the model."""
    widths = spec.widths()
    lit = LIT_PIXELS if spec.dataset.image_shape else 1.0
    inputs = [lit * widths[0], *widths[1:-1]]
    weights = sum(n_in * n_out for n_in, n_out in zip(inputs, widths[1:], strict=True))
    batch = min(spec.training.batch_size, spec.train_count())
    forward = 2 * weights / FLOPS_A_SECOND + sum(spec.model.hidden) * ACTIVATION_SECONDS
    step = STEP_SECONDS + 3 * batch * forward
    if spec.optimizer.sam is not None:
        step += 3 * batch * forward + spec.parameter_count() * WHOLE_GRADIENT_SECONDS
    if spec.regularization.max_norm is not None:
        step += spec.parameter_count() * MAX_NORM_SECONDS
    if spec.regularization.confidence_penalty:
        step += batch * spec.dataset.n_classes * CONFIDENCE_SECONDS
    step += spec.optimizer.update_seconds(spec.parameter_count())
    examples = spec.dataset.n_train + spec.dataset.n_test
    epoch = EPOCH_SECONDS + spec.steps_per_epoch() * step
    epoch += spec.train_count() * _augmentation(spec)
    evaluations = spec.training.evaluations() * (EVALUATION_SECONDS + examples * forward)
    if spec.optimizer.average is not None:
        evaluations *= 2
    return START_SECONDS + spec.training.epochs * epoch + evaluations + _probes(spec, forward)


def _augmentation(spec: RunSpec) -> float:
    """Seconds an example."""
    wanted = spec.regularization.augmentation
    drop = DROP_SECONDS * spec.dataset.n_features if spec.regularization.dropout_input else 0.0
    if wanted is None:
        return drop
    changed = getattr(wanted, "probability", 1.0) * spec.dataset.n_features
    # The filter that smooths a field is as wide as its sigma.
    wider = 1 + getattr(wanted, "sigma", 0.0) / 8
    return drop + changed * wider * AUGMENTATION_SECONDS[wanted.name]


def _probes(spec: RunSpec, forward: float) -> float:
    """Seconds of all that is measured beyond the curves, given those of one example's forward."""
    probes, d, width = spec.probes, spec.dataset.n_features, spec.widths()[1]
    flops = 0.0
    seconds = 0.0
    if probes.boundary:
        grids = 1 + probes.boundary.dropout_instances + probes.boundary.snapshots
        seconds += grids * probes.boundary.resolution**2 * forward
    if probes.mc_dropout:
        seconds += probes.mc_dropout.samples * spec.dataset.n_test * forward
    for probe in (probes.spectrum, probes.components):
        if probe:
            flops += EIGEN_FLOPS * d**3 + probe.snapshots * 2 * d * d * width
            flops += probe.snapshots * 2 * d * spec.dataset.n_train
    return seconds + flops / FLOPS_A_SECOND
