"""The training loop: epochs in compiled calls, evaluations between, resumable at each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.datasets.identity_key import IdentityKey
from reglab.core.engine import optimizers
from reglab.core.engine.activations import CODES
from reglab.core.engine.arrays import F32, Bools
from reglab.core.engine.averaging import Averaging
from reglab.core.engine.blas import one_blas_thread
from reglab.core.engine.epoch import UpdateRule, train_epoch
from reglab.core.engine.evaluation import MEASURES
from reglab.core.engine.gradients import ClipNorm, SpareBiases
from reglab.core.engine.inputs import STRIP, Inputs
from reglab.core.engine.network import Network, initialize
from reglab.core.engine.optimizers.base import Parameters
from reglab.core.engine.packed import Packed, pack, pack_once
from reglab.core.engine.propagation import Architecture
from reglab.core.engine.random_streams import get_state, set_state, stream
from reglab.core.engine.records import Checkpoint, Evaluation
from reglab.core.engine.regularized import RegularizedExamples
from reglab.core.engine.schedules import Schedule
from reglab.core.engine.sharpness import Sam
from reglab.core.engine.stopping import Stopping, hold_out
from reglab.core.engine.workspace import aligned, make_workspace
from reglab.core.errors import FieldProblem, TrainingDivergedError
from reglab.core.regularizers import Penalty, Regularizer, active
from reglab.core.spec import RunSpec

EvaluatedSets = list[tuple[Inputs | Packed, NDArray[np.int64]]]
AVERAGE_COLUMNS = (
    "average_train_loss",
    "average_train_accuracy",
    "average_test_loss",
    "average_test_accuracy",
)


class Trainer:
    """Trains one run; iterate over it for its evaluations.

    Yields an ``Evaluation`` at epoch 0, every ``eval_every`` epochs and at the last. After each
    epoch, and after its evaluation was taken, calls ``on_epoch(epoch)``, from which
    ``checkpoint()`` may be called or an exception raised to stop. With early stopping the last
    epoch may come before ``training.epochs``, and ``network()`` is then the one to keep.

    Args:
        spec: The resolved spec.
        data: What to train on.
        seed: Seed of all random streams.
        checkpoint: Where to go on, from a trainer of the same spec, data and seed.

    Attributes:
        epoch: Epochs that are finished.
        step: Updates that are done.
        examples: Draws what each epoch trains on.
    """

    def __init__(
        self, spec: RunSpec, data: Dataset, seed: int, checkpoint: Checkpoint | None = None
    ) -> None:
        one_blas_thread()
        self.spec = spec
        self.data = data = hold_out(data, spec, seed)
        self.on_epoch: Callable[[int], None] | None = None
        self.epoch = 0
        self.step = 0
        regularizers = active(spec)
        names = {"batches"} | {one.stream for one in regularizers if one.stream}
        self._streams = {name: stream(seed, name) for name in sorted(names)}
        train = Inputs.of(data.x_train, backward=True, ordered=True)
        self._evaluated = _evaluated_sets(data, train)
        self.examples = RegularizedExamples(spec, data, train, regularizers, self._streams)
        self._rule = _update_rule(spec, regularizers)
        start = initialize(spec.widths(), stream(seed, "init"), spec.model)
        self._parameters = Parameters(
            theta=aligned(len(start)),
            gradient=aligned(len(start)),
            state=self._rule.optimizer.make_state(len(start)),
            moving=self._moving_strips(train),
        )
        self._theta[:] = start
        self._averaging = Averaging(spec, start) if spec.optimizer.average else None
        if self._averaging:
            following = self._rule.constraints + self._averaging.after_update()
            self._rule = self._rule._replace(constraints=following)
        widths = np.array(spec.widths(), np.int64)
        is_squared = spec.model.loss == "squared"
        self._architecture = Architecture(
            widths, CODES[spec.model.activation], is_squared, spec.regularization.confidence_penalty
        )
        batch = min(spec.training.batch_size, len(data.y_train))
        self._workspace = make_workspace(spec.widths(), batch)
        stopping = spec.regularization.early_stopping
        self._stopping = Stopping(stopping) if stopping else None
        self._last: Evaluation | None = None
        if checkpoint is not None:
            self._restore(checkpoint)

    def __iter__(self) -> Iterator[Evaluation]:
        """Train from the current epoch to the last.

        Raises:
            TrainingDivergedError: A parameter or loss became NaN or infinite; names the epoch.
        """
        if self.epoch == 0:
            yield self._evaluate_and_judge()
        training = self.spec.training
        while self.epoch < training.epochs and not self.stopped:
            self.train_epoch()
            if training.is_evaluated(self.epoch):
                yield self._evaluate_and_judge()
            if self.on_epoch is not None:
                self.on_epoch(self.epoch)
        best = self._stopping.restored() if self._stopping else None
        if best is not None:
            self._theta[:] = best

    @property
    def stopped(self) -> bool:
        """Whether early stopping has ended the training."""
        return self._stopping is not None and self._stopping.stopped

    def train_epoch(self) -> None:
        """Train one epoch, without evaluating the network.

        Raises:
            TrainingDivergedError: A parameter became NaN or infinite; names the epoch.
        """
        examples, masks = self.examples.of_next_epoch()
        self.step = train_epoch(
            self._architecture, self._parameters, self._rule, examples, masks, self._workspace,
            self.step,
        )  # fmt: skip
        self.epoch += 1
        if self._averaging is not None:
            self._averaging.end_epoch(self.epoch, self._theta)
        if not np.isfinite(self._theta).all():
            raise self._diverged("a parameter is not finite")

    def evaluate(self) -> Evaluation:
        """Loss and accuracy on the training, the test and, if any, the validation set."""
        found = Evaluation(self.epoch, self.step, *self._measure(self._theta, self._evaluated))
        if self._averaging is None:
            return found
        both = self._measure(self._averaging.theta, self._evaluated[:2])
        named: dict[str, Any] = dict(zip(AVERAGE_COLUMNS, both, strict=True))
        return replace(found, **named)

    def _measure(self, theta: F32, sets: EvaluatedSets) -> list[float]:
        """Loss and accuracy on each of some sets."""
        network, measure = self._network_of(theta), MEASURES[self.spec.model.loss]
        numbers = [
            number for inputs, labels in sets for number in measure(network.logits(inputs), labels)
        ]
        if not np.isfinite(numbers).all():
            raise self._diverged("the loss is not finite")
        return numbers

    def final(self) -> Evaluation:
        """The evaluation of the network that a finished training ends with.

        After early stopping with ``restore_best`` that of the best epoch, else of the last.
        """
        if self._stopping and self._stopping.best and self._stopping.restored() is not None:
            return self._stopping.best
        return self._last or self.evaluate()

    def summary(self) -> dict[str, Any]:
        """The trainer's part of a finished run's summary."""
        found: dict[str, Any] = {"final": self.final().document(), "steps": self.step}
        if self._stopping:
            found["early_stopping"] = self._stopping.summary(self.epoch)
        return found

    def network(self) -> Network:
        """The network as it is now (a copy)."""
        return self._network_of(self._theta.copy())

    def checkpoint(self) -> Checkpoint:
        """A copy of the state after the last finished epoch."""
        arrays = {"theta": self._theta.copy()}
        assert "theta" not in self._parameters.state._fields
        arrays |= {name: one.copy() for name, one in self._parameters.state._asdict().items()}
        streams = {name: get_state(generator) for name, generator in self._streams.items()}
        state = {"epoch": self.epoch, "step": self.step, "streams": streams}
        if self._stopping:
            arrays |= self._stopping.arrays()
            state["stopping"] = self._stopping.state()
        if self._averaging:
            arrays |= self._averaging.arrays()
            state["averaging"] = self._averaging.state()
        return Checkpoint(arrays, state)

    @property
    def _theta(self) -> F32:
        return self._parameters.theta

    def _network_of(self, theta: F32) -> Network:
        return Network(tuple(self.spec.widths()), self.spec.model.activation, theta)

    def _evaluate_and_judge(self) -> Evaluation:
        self._last = evaluation = self.evaluate()
        if self._stopping:
            self._stopping.see(evaluation, self._theta)
        return evaluation

    def _restore(self, checkpoint: Checkpoint) -> None:
        self._theta[:] = checkpoint.arrays["theta"]
        for name, array in self._parameters.state._asdict().items():
            array[:] = checkpoint.arrays[name]
        self.epoch, self.step = checkpoint.state["epoch"], checkpoint.state["step"]
        for name, state in checkpoint.state["streams"].items():
            set_state(self._streams[name], state)
        if self._stopping:
            self._stopping.restore(checkpoint.arrays, checkpoint.state["stopping"])
        if self._averaging:
            self._averaging.restore(checkpoint.arrays, checkpoint.state["averaging"])

    def _moving_strips(self, train: Inputs) -> Bools:
        """Strips of inputs whose weights training can move, (ceil(d / W),).

        Weights of inputs that are always zero stay as they are, unless they decay or the inputs
        change.
        """
        decays = any(self._rule.penalty) or self._rule.constraints
        if decays or self.examples.vary:
            return np.ones(-(-self.spec.widths()[0] // STRIP), np.bool_)
        return np.asarray(train.strip_nonzero.any(axis=1))

    def _diverged(self, what: str) -> TrainingDivergedError:
        return TrainingDivergedError(
            FieldProblem(
                "optimizer.schedule.lr",
                f"Training diverged in epoch {self.epoch}: {what}.",
                "Use a smaller learning rate or weaker regularization.",
            )
        )


def _evaluated_sets(data: Dataset, train: Inputs) -> EvaluatedSets:
    """Inputs and labels of the training, the test and, if any, the validation set."""
    sets: EvaluatedSets = [
        (pack(train), data.y_train),
        (pack_once(IdentityKey(data.x_test)), data.y_test),
    ]
    if data.x_validation is not None and data.y_validation is not None:
        sets.append((pack(Inputs.of(data.x_validation, ordered=True)), data.y_validation))
    return sets


def _update_rule(spec: RunSpec, regularizers: list[Regularizer]) -> UpdateRule:
    """Optimizer, schedule, and what regularizers add to the updates."""
    penalties = [one.gradient() for one in regularizers]
    penalty = Penalty(
        l2=float(sum(one.l2 for one in penalties)), l1=float(sum(one.l1 for one in penalties))
    )
    constraints = [one.after_update() for one in regularizers]
    sam, longest = spec.optimizer.sam, spec.optimizer.clip_norm
    return UpdateRule(
        optimizer=optimizers.of(spec.optimizer),
        schedule=Schedule.of(spec),
        penalty=penalty,
        sharpness=() if sam is None else (Sam(sam.rho, aligned(spec.parameter_count())),),
        changes=() if longest is None else (ClipNorm(longest),),
        spared=() if spec.regularization.decay_biases or not any(penalty) else (SpareBiases(),),
        constraints=tuple(one for one in constraints if one is not None),
    )
