"""Masked language modelling on the Python language reference that the standard library ships.

After BERT (Devlin et al., 2019): a share of the words is selected; of these 80 % are replaced by
[MASK], 10 % by another word and 10 % stay; the network predicts them from what is around. An
example is the window about one selected word, each place one-hot.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import platform
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset, Examples
from reglab.core.datasets.images import SPLIT_SEED
from reglab.core.elementary import log
from reglab.core.errors import DatasetUnavailableError, FieldProblem, SpecError
from reglab.core.spec import MaskedText

title = "Masked text of the Python language reference"
source = "pydoc_data.topics of the Python standard library"
licence = "PSF License Version 2"
FILE = "pydoc_data/topics.py (text of all topics)"
UNKNOWN, MASK = 0, 1
SPECIAL = ("[UNK]", "[MASK]")
TOKEN = re.compile(r"[a-z]+|[.,]")
TEST_SHARE = 0.25
# Beyond the ends of a topic: no place of the window is lit.
NOTHING = -1


@dataclass(frozen=True)
class Corpus:
    """Token numbers of both parts, topics parted by ``NOTHING``; names of the K tokens."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    words: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Masker:
    """Makes examples from a text.

    Attributes:
        text: Token numbers.
        eligible: Positions that may be selected: known words.
        count: How many are selected.
        spec: Shares of masked and replaced words, and the number of tokens.
    """

    text: NDArray[np.int64]
    eligible: NDArray[np.int64]
    count: int
    spec: MaskedText

    def draw(self, rng: np.random.Generator) -> Examples:
        """Windows (count, d) one-hot float32 and the words (count,) that were there.

        Draws ``count`` positions without replacement, then what happens to each (uniform: below
        ``masked`` a mask, below ``masked + replaced`` another word), then the other words.
        """
        chosen = rng.choice(self.eligible, self.count, replace=False)
        fate = rng.random(self.count)
        tokens = self.spec.n_classes
        other = rng.integers(len(SPECIAL), tokens - 1, self.count)
        right = self.text[chosen]
        # A different word: the numbers from the right one on move up by one.
        other += other >= right
        seen = self.text.copy()
        masked, replaced = self.spec.masked, self.spec.masked + self.spec.replaced
        seen[chosen[fate < masked]] = MASK
        swapped = (fate >= masked) & (fate < replaced)
        seen[chosen[swapped]] = other[swapped]
        return one_hot_windows(seen, chosen, self.spec.context, tokens), right


def one_hot_windows(
    text: NDArray[np.int64], positions: NDArray[np.int64], context: int, tokens: int
) -> NDArray[np.float32]:
    """(n, (2 * context + 1) * tokens) float32; places beyond the text or NOTHING stay zero."""
    padded = np.pad(text, context, constant_values=NOTHING)
    offsets = np.arange(2 * context + 1)
    windows = padded[positions[:, None] + offsets]
    x = np.zeros((len(positions), len(offsets) * tokens), np.float32)
    rows, places = np.nonzero(windows != NOTHING)
    x[rows, places * tokens + windows[rows, places]] = 1
    return x


def check(spec: MaskedText) -> None:
    """Raise DatasetUnavailableError without the module, SpecError if the text is too short."""
    corpus = read(spec.n_classes)
    for field, text, size in (
        ("train_size", corpus.train, spec.train_size),
        ("test_size", corpus.test, spec.test_size),
    ):
        most = int(len(_eligible(text)) * spec.selected)
        if size > most:
            raise SpecError(
                FieldProblem(
                    f"dataset.{field}",
                    f"Got {size}, but {spec.selected:.0%} of the words of this part are {most}.",
                    f"Use at most {most}, or a larger dataset.selected.",
                )
            )


def digests(spec: MaskedText) -> dict[str, str]:
    """Of the text, which differs between versions of Python."""
    return {FILE: read(spec.n_classes).sha256}


def load(spec: MaskedText, rng: np.random.Generator) -> Dataset:
    """Draw the training masks, then the test masks, from ``rng``; ``redraw`` masks anew."""
    check(spec)
    corpus = read(spec.n_classes)
    train, test = (
        masker_of(spec, corpus.train, spec.train_size),
        masker_of(spec, corpus.test, spec.test_size),
    )
    x_train, y_train = train.draw(rng)
    x_test, y_test = test.draw(rng)
    return Dataset(
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        n_classes=spec.n_classes,
        image_shape=None,
        class_names=corpus.words,
        provenance={
            "source": f"{source} {platform.python_version()}",
            "licence": licence,
            "files": digests(spec),
            "unigram_loss": _unigram_loss(train.text, y_test, spec.n_classes),
        },
        redraw=train.draw,
    )


@functools.cache
def read(tokens: int) -> Corpus:
    """Both parts of the text, with the most frequent words of the training part as vocabulary."""
    try:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    except ImportError as error:
        problem = FieldProblem(
            "dataset.name",
            "'masked_text' is not available: this Python lacks the module pydoc_data.topics.",
            "Install the whole standard library (on Debian the package python3, not -minimal).",
        )
        raise DatasetUnavailableError(problem) from error
    names = sorted(topics)
    digest = hashlib.sha256("\0".join(topics[name] for name in names).encode()).hexdigest()
    documents = [TOKEN.findall(topics[name].lower()) for name in names]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(documents))
    limit, taken, test = TEST_SHARE * sum(map(len, documents)), 0, set()
    for at in order:
        if taken < limit:
            test.add(int(at))
            taken += len(documents[at])
    train = [document for at, document in enumerate(documents) if at not in test]
    held = [document for at, document in enumerate(documents) if at in test]
    counts = Counter(word for document in train for word in document)
    # Ties by spelling, so that the vocabulary does not depend on the order of counting.
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: tokens - len(SPECIAL)]
    words = (*SPECIAL, *frequent)
    number = {word: at for at, word in enumerate(words)}
    return Corpus(_encode(train, number), _encode(held, number), words, digest)


def _encode(documents: list[list[str]], number: dict[str, int]) -> NDArray[np.int64]:
    text: list[int] = []
    for document in documents:
        text += [number.get(word, UNKNOWN) for word in document]
        text += [NOTHING] * MaskedText.context
    return np.array(text, np.int64)


def _eligible(text: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero(text >= len(SPECIAL))


def masker_of(spec: MaskedText, text: NDArray[np.int64], count: int) -> Masker:
    """Of the text's beginning, so that ``count`` words are the share ``selected``."""
    eligible = _eligible(text)[: int(np.ceil(count / spec.selected))]
    return Masker(text[: eligible[-1] + 1], eligible, count, spec)


def _unigram_loss(text: NDArray[np.int64], labels: NDArray[np.int64], tokens: int) -> float:
    """Cross-entropy (nats) of predicting the training text's word frequencies, plus one each."""
    counts = np.bincount(text[text >= len(SPECIAL)], minlength=tokens)[len(SPECIAL) :] + 1.0
    return float(-np.mean(log(counts / counts.sum())[labels - len(SPECIAL)]))
