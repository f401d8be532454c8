"""The cases of claims about methods that the article only mentions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reglab.core.claims.laws import decayed
from reglab.core.results import RunResult
from tests.harness.synthetic import POINTS, curves, experiment, predictions
from tests.unit.claims.cases import Case, trained, turns

NEVER = 3
BLOCK = 200
SEEDS = 10


def stopped_after(length: int, runs: list[RunResult]) -> list[RunResult]:
    """All but the run that never stops cut to so many evaluations."""
    return [
        run
        if run.index == NEVER
        else replace(run, curves={name: column[:length] for name, column in run.curves.items()})
        for run in runs
    ]


def recovered(target: float, seed: int) -> list[RunResult]:
    """Test loss from 1 at the minimum to 2 at the end; stops keep 2 - target."""
    loss = np.linspace(2.0, 1.0, 21)
    whole = np.concatenate([loss, np.linspace(1.0, 2.0, POINTS - 21)])
    kept = np.where(np.arange(POINTS) == 20, 2.0 - target, whole)
    validation = np.abs(np.arange(POINTS) - 20.0)

    def parts(at, run):
        return curves(test_loss=whole if at == NEVER else kept, validation_loss=validation), {}

    return stopped_after(31, experiment("early-stopping-validation", seed, parts))


def time_share(target: float, seed: int) -> list[RunResult]:
    def parts(at, run):
        return curves(validation_loss=np.arange(POINTS)), {}

    length = round(target * (POINTS - 1)) + 1
    return stopped_after(length, experiment("early-stopping-validation", seed, parts))


def best_lambda(target: float, seed: int) -> list[RunResult]:
    """Adam + L2 is best at 1e-3, AdamW at 10^target times that; of five powers of ten."""

    def parts(at, run):
        l2 = run.spec.regularization.l2
        best = -3 + (target if run.spec.optimizer.decoupled else 0.0)
        return curves(test_loss=1 + abs(np.log10(l2) - best) if l2 else 9.0), {}

    return experiment("adamw", seed, parts)


def best_loss(target: float, seed: int) -> list[RunResult]:
    def parts(at, run):
        reg, better = run.spec.regularization, run.spec.optimizer.decoupled
        return curves(test_loss=1 - target * better + (reg.l2 != 0.01)), {}

    return experiment("adamw", seed, parts)


def zeros(target: float, seed: int) -> list[RunResult]:
    """None of the subgradient's weights is zero, of the proximal's the target."""

    def parts(at, run):
        share = target * (run.spec.regularization.l1_method == "proximal")
        weights = np.ones((20, 50), np.float32)
        weights.ravel()[: round(share * 1000)] = 0
        return curves(), {f"param.W{layer}": weights for layer in range(3)}

    return experiment("proximal-l1", seed, parts)


def l1_accuracy(target: float, seed: int) -> list[RunResult]:
    def parts(at, run):
        proximal = run.spec.regularization.l1_method == "proximal"
        return curves(test_accuracy=trained(0.8 + target * proximal)), {}

    return experiment("proximal-l1", seed, parts)


def split(confidence: float, accuracy: float, size: int = 3000) -> dict[str, np.ndarray]:
    """Logits of one confidence, right in this share of every hundred cases."""
    return predictions(np.full(size, confidence), np.arange(size) % 100 < round(100 * accuracy))


def calibrated(gap: float, scaled: float, seed: int, smoothing: float = 0.0) -> list[RunResult]:
    """Test gaps: ``gap`` as trained, about ``scaled`` once the temperature is fitted."""

    def parts(at, run):
        eps = run.spec.regularization.label_smoothing
        if eps:
            test = split(0.7 + smoothing, 0.7)
            validation = split(0.7, 0.7 + 0.2 * (eps == 0.01))
        else:
            # The validation part fits T so that 0.9 becomes `fitted`.
            fitted = 0.7 + scaled
            test, validation = split(0.7 + gap, 0.7), split(0.7 + gap, fitted)
        return curves(), {
            **test,
            "validation.logits": validation["test.logits"],
            "validation.labels": validation["test.labels"],
        }

    return experiment("temperature-scaling", seed, parts)


def scaling_gain(target: float, seed: int) -> list[RunResult]:
    """A gap of 0.2, of which scaling leaves 0.2 - target; or of 0 made to -target."""
    gap, left = (0.2, 0.2 - target) if target > 0 else (0.1, 0.1 - target)
    return calibrated(gap, left, seed)


def against_smoothing(target: float, seed: int) -> list[RunResult]:
    left = 0.01 if target > 0 else 0.01 - target
    return calibrated(0.2, left, seed, smoothing=max(target, 0.0) + 0.01)


def by_batch(target: float, seed: int) -> list[RunResult]:
    """Accuracy rises (1), falls (-1) with the batch size, or is constant (0)."""
    return experiment(
        "batch-size", seed, lambda at, _: (curves(test_accuracy=0.8 + 0.01 * target * at), {})
    )


def member(target: float, seed: int) -> list[RunResult]:
    """Right on the first half of every seed's block, but on its own block otherwise.

    There it is wrong on a further ``target`` of all examples, or right on so many more.
    """
    size = BLOCK * SEEDS
    right = np.arange(size) % BLOCK < BLOCK // 2
    count, own = round(abs(target) * size), seed * BLOCK
    first = own if target > 0 else own + BLOCK // 2
    right[first : first + count] = target < 0
    arrays = predictions(np.full(size, 0.9), np.ones(size, bool))
    logits = arrays["test.logits"].copy()
    # The wrong answers are all class 1, and every label is 0.
    logits[~right] = logits[~right][:, [1, 0, *range(2, 10)]]
    arrays |= {"test.logits": logits}
    return experiment("ensembles", seed, lambda at, _: (curves(), arrays | mc(1.0)))


def mc(nll: float) -> dict[str, np.ndarray]:
    return {"mc_dropout.scores": np.array([[0.5, 9.0, 0.1], [0.5, nll, 0.1]])}


def mc_gain(target: float, seed: int) -> list[RunResult]:
    arrays = split(0.8, 1.0)
    own = -np.log(0.8)
    return experiment("ensembles", seed, lambda at, _: (curves(), arrays | mc(own - target)))


def least_gain(target: float, seed: int) -> list[RunResult]:
    def parts(at, run):
        name = getattr(run.spec.regularization.augmentation, "name", None)
        gain = {"rotation": target + 0.02, "scaling": target, "elastic": target + 0.1}
        return curves(test_accuracy=0.8 + gain.get(name, 0.0)), {}

    return experiment("augmentations", seed, parts)


def off_the_law(target: float, seed: int) -> list[RunResult]:
    eigenvalues, epochs = np.array([2.0, 0.5, 0.01]), np.array([0, 1, 4, 20])

    def parts(at, run):
        lr = run.spec.optimizer.schedule.lr
        error = np.abs(1 - lr * eigenvalues) ** epochs[:, None]
        error[2, 1] *= 1 + target
        return curves(), {
            "components.error": error,
            "components.epochs": epochs,
            "components.eigenvalues": eigenvalues,
        }

    return experiment("linear-spectrum", seed, parts)


def norms(change: float, off: float, seed: int, of: str = "relu") -> list[RunResult]:
    """Layers that follow the law but at one time, and outputs that change so much.

    These are of one activation; of the other, ReLU follows the law and tanh does not.
    """
    steps = np.arange(0, 80_000, 8000)

    def parts(at, run):
        activation = run.spec.model.activation
        amount = off if activation == of else {"relu": 0.0, "tanh": 0.3}[activation]
        moved = change if activation == of else {"relu": 0.0, "tanh": 0.1}[activation]
        arrays = {
            "norms.steps": steps,
            "norms.weights": np.column_stack([np.full(10, 60.0), np.zeros(10)]),
            "norms.biases": np.zeros((10, 2)),
            "norms.change": np.array([0.0, moved]),
        }
        made = RunResult("", 0, {}, seed, run.spec, {}, arrays)
        first = decayed(made)
        first[4] += amount * 60.0
        return curves(), arrays | {"norms.weights": np.column_stack([first, np.zeros(10)])}

    return experiment("relu-scale", seed, parts)


def unseen(rise: float, gain: float, seed: int) -> list[RunResult]:
    """Fixed masks have a least loss of 4 and end ``rise`` higher; resampled ones are better."""

    def parts(at, run):
        fixed = run.spec.regularization.augmentation is None
        loss = np.linspace(6.0, 4.0 - gain * (not fixed), POINTS)
        if fixed:
            loss[50:] = np.linspace(4.0, 4.0 + rise, POINTS - 50)
        return curves(test_loss=loss), {}

    return experiment("masked-text", seed, parts)


METHOD_CASES = {
    "validation-stopping-near-oracle": Case(recovered, 0.9, 0.2, turns(0.9, 0.1)),
    "validation-stopping-saves-time": Case(time_share, 0.2, 0.8, turns(0.2, 0.8)),
    "adamw-other-strength": Case(best_lambda, 2.0, 0.0, turns(2.0, 0.0)),
    "adamw-better-at-best": Case(best_loss, 0.1, -0.1, turns(0.1, -0.1)),
    "proximal-exact-zeros": Case(zeros, 0.9, 0.1, turns(0.9, 0.1)),
    "proximal-same-accuracy": Case(l1_accuracy, 0.0, 0.05, turns(0.0, 0.02)),
    "temperature-calibrates": Case(scaling_gain, 0.15, -0.05, turns(0.15, -0.15)),
    "temperature-beats-smoothing": Case(against_smoothing, 0.1, -0.1, turns(0.1, -0.1)),
    "batch-size-small-is-accurate": Case(by_batch, -1.0, 1.0, turns(-1.0, 0.0)),
    "ensembles-more-accurate": Case(member, 0.02, -0.02, turns(0.02, -0.02)),
    "ensembles-mc-dropout-likelihood": Case(mc_gain, 0.2, -0.2, turns(0.2, -0.2)),
    "augmentations-all-help": Case(least_gain, 0.02, -0.02, turns(0.02, -0.02)),
    "linear-closed-form": Case(off_the_law, 0.005, 0.05, turns(0.0, 0.02)),
    "relu-outputs-stay": Case(lambda t, seed: norms(t, 0.0, seed), 1e-5, 1e-2, turns(0.0, 2e-4)),
    "relu-balance": Case(lambda t, seed: norms(0.0, t, seed), 0.005, 0.1, turns(0.0, 0.04)),
    "relu-tanh-does-not": Case(
        lambda t, seed: norms(0.0, t, seed, "tanh"), 0.3, 0.005, turns(0.0, 0.04)
    ),
    "masked-text-resampling-helps": Case(
        lambda t, seed: unseen(0.5, t, seed), 0.5, -0.5, turns(0.5, -0.5)
    ),
    "masked-text-fixed-overfits": Case(
        lambda t, seed: unseen(t, 0.1, seed), 0.5, 0.0, turns(0.2, 0.0)
    ),
}
