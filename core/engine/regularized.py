"""The examples of each epoch: shuffled, and as regularizers change them."""

from __future__ import annotations

import numpy as np

from reglab.core.datasets.base import Dataset
from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.epoch import EpochExamples
from reglab.core.engine.inputs import Inputs
from reglab.core.engine.row_order import order_within_batches
from reglab.core.regularizers import NO_MASKS, Epoch, Masks, Regularizer, Sizes
from reglab.core.regularizers.shift import shift_images
from reglab.core.spec import RunSpec


class RegularizedExamples:
    """Draws the examples and masks of one epoch after another.

    Args:
        spec: The resolved spec.
        data: The training data.
        train: Its inputs.
        regularizers: What acts on targets, inputs and activations.
        streams: Random generators by name.

    Attributes:
        vary: Whether the inputs differ from epoch to epoch.
        offset: The mean (d,) that was subtracted from the inputs, if images are augmented: they are
            augmented as they were before. Else None.
    """

    def __init__(
        self,
        spec: RunSpec,
        data: Dataset,
        train: Inputs,
        regularizers: list[Regularizer],
        streams: dict[str, np.random.Generator],
    ) -> None:
        self._data, self._train, self._streams = data, train, streams
        self._regularizers = regularizers
        self._changing = [one for one in regularizers if one.changes_inputs]
        self._drawing = [one for one in regularizers if one.stream]
        self._batch_size = spec.training.batch_size
        examples = len(data.y_train)
        batches = spec.training.batches(examples)
        self._sizes = Sizes(examples, batches, tuple(spec.model.hidden))
        self._image_shape = np.array(data.image_shape or (0, 0), np.int64)
        self._targets = self._make_targets(data.y_train)
        self._still = np.zeros((batches, 2), np.int64)
        augmentation = spec.regularization.augmentation
        self.vary = any(one.changes_inputs or one.shifts_inputs for one in regularizers)
        needs_images = augmentation is not None and augmentation.needs_images
        self.offset = data.offset if needs_images else None

    def of_next_epoch(self) -> tuple[EpochExamples, Masks]:
        """The examples of the next epoch in its order, and its masks."""
        shifts, masks = self._draw()
        order = self._streams["batches"].permutation(self._sizes.examples)
        inputs, targets = self._train, self._targets
        if self._changing or self.offset is not None:
            inputs, targets = self._lay_out(order, shifts)
            order = np.arange(len(order))
        if self.offset is not None:
            shifts = self._still
        places = order
        if inputs.is_sparse:
            places = order_within_batches(order, inputs.row_order, self._batch_size)
        examples = EpochExamples(
            inputs, targets, order, places, shifts, self._image_shape, self._batch_size
        )
        return examples, masks

    def _draw(self) -> tuple[I64, Masks]:
        """Shifts of the images (batches, 2), and masks of the hidden activations."""
        shifts, masks = self._still, NO_MASKS
        for one in self._drawing:
            moved = one.shifts(self._stream_of(one), self._sizes)
            masked = one.activations(self._stream_of(one), self._sizes)
            assert moved is None or shifts is self._still, "One regularizer shifts images."
            assert masked is None or masks is NO_MASKS, "One regularizer masks activations."
            shifts, masks = moved if moved is not None else shifts, masked or masks
        return shifts, masks

    def _lay_out(self, order: I64, shifts: I64) -> tuple[Inputs, F32]:
        """Inputs and targets in the epoch's order, as regularizers change them.

        Centred images are also shifted here; shifts are otherwise left to the compiled loop.
        """
        x, targets = self._data.x_train, self._targets
        for one in self._changing:
            drawn = one.examples(self._stream_of(one), self._data)
            if drawn is not None:
                x, targets = drawn[0], self._make_targets(drawn[1])
        rows = x[order] if self.offset is None else x[order] + self.offset
        epoch = Epoch(rows, targets[order], self._batch_size, self._data.image_shape)
        # An image is augmented as it is; what drops inputs sets those of the network to zero.
        for one in self._changing:
            if one.stream == "augmentation":
                epoch = one.inputs(self._stream_of(one), epoch)
        if self.offset is not None:
            of_each = np.repeat(shifts, self._batch_size, axis=0)[: len(rows)]
            shift_images(epoch.images(), of_each)
            epoch.inputs[:] -= self.offset
        for one in self._changing:
            if one.stream != "augmentation":
                epoch = one.inputs(self._stream_of(one), epoch)
        return Inputs.of(epoch.inputs, backward=True), epoch.targets

    def _make_targets(self, labels: I64) -> F32:
        targets = np.eye(self._data.n_classes, dtype=np.float32)[labels]
        for one in self._regularizers:
            targets = one.targets(targets)
        return np.ascontiguousarray(targets)

    def _stream_of(self, regularizer: Regularizer) -> np.random.Generator:
        assert regularizer.stream is not None
        return self._streams[regularizer.stream]
