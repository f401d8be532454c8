"""Masked text: masking word by word, whole trainings against the oracle, torch's embeddings."""

from __future__ import annotations

import hashlib
import pydoc_data.topics
import re
import sys
from collections import Counter

import numpy as np
import pytest

from reglab.core import datasets
from reglab.core.datasets.masked_text import MASK, NOTHING, UNKNOWN, masker_of, read
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.errors import DatasetUnavailableError, SpecError
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.presets import build
from reglab.core.spec import MaskedText, expand
from tests.harness.training import moons, run, small, spec, through_storage
from tests.unit.engine import oracle

PLACES, TOKENS = 7, 512
SPEC = MaskedText(name="masked_text", train_size=200, test_size=100, selected=0.2)
MASKING = {"regularization.augmentation": "masking"}
SWEEP = {"regularization.augmentation": [{"name": "masking"}]}


def wanted(**changes):
    dataset = {"name": "masked_text", "train_size": 60, "test_size": 40}
    return spec({"dataset": dataset, "model.hidden": [5], "training.epochs": 4} | changes)


def load(seed=0, asked=SPEC):
    return datasets.load(asked, stream(seed, "data"))


def tokens_of(x):
    """Windows (n, 7) of token numbers; NOTHING where no place is lit."""
    places = x.reshape(len(x), PLACES, TOKENS)
    assert set(np.unique(places.sum(axis=2))) <= {0.0, 1.0}
    return np.where(places.any(axis=2), places.argmax(axis=2), NOTHING)


def slow_draw(masker, rng):
    """Word by word, from the definition, with the draws that the loader documents."""
    asked = masker.spec
    chosen = rng.choice(masker.eligible, masker.count, replace=False)
    fate = rng.random(masker.count)
    other = rng.integers(2, TOKENS - 1, masker.count)
    seen = [int(word) for word in masker.text]
    for k, position in enumerate(chosen):
        right = int(masker.text[position])
        if fate[k] < asked.masked:
            seen[position] = MASK
        elif fate[k] < asked.masked + asked.replaced:
            seen[position] = [word for word in range(2, TOKENS) if word != right][other[k] - 2]
    windows = []
    for position in chosen:
        places = range(position - 3, position + 4)
        windows.append([seen[at] if 0 <= at < len(seen) else NOTHING for at in places])
    return np.array(windows), masker.text[chosen]


def test_vocabulary_is_the_most_frequent_words_of_a_part_of_the_reference():
    corpus = read(TOKENS)
    topics = pydoc_data.topics.topics
    joined = "\0".join(topics[name] for name in sorted(topics))
    assert corpus.sha256 == hashlib.sha256(joined.encode()).hexdigest()
    words = Counter(re.findall(r"[a-z]+|[.,]", joined.lower()))
    total = int((corpus.train != NOTHING).sum() + (corpus.test != NOTHING).sum())
    assert total == sum(words.values())
    assert (corpus.test != NOTHING).sum() / total == pytest.approx(0.25, abs=0.1)
    assert corpus.words[:2] == ("[UNK]", "[MASK]")
    assert len(corpus.words) == len(set(corpus.words)) == TOKENS
    assert {"the", "class", "function", "."} <= set(corpus.words)
    counts = np.bincount(corpus.train[corpus.train >= 2], minlength=TOKENS)[2:]
    assert (np.diff(counts) <= 0).all()
    assert MASK not in corpus.train


@pytest.mark.parametrize("seed", [0, 1])
def test_masking_agrees_with_the_slow_one(seed):
    masker = masker_of(SPEC, read(TOKENS).train, 200)
    x, y = masker.draw(np.random.default_rng(seed))
    windows, words = slow_draw(masker, np.random.default_rng(seed))
    np.testing.assert_array_equal(tokens_of(x), windows)
    np.testing.assert_array_equal(y, words)


def test_shares_are_those_asked_for():
    asked = MaskedText(name="masked_text", train_size=5000, test_size=100, selected=0.2)
    data = load(asked=asked)
    middle = tokens_of(data.x_train)[:, 3]
    masked, same = np.mean(middle == MASK), np.mean(middle == data.y_train)
    assert masked == pytest.approx(0.8, abs=0.02)
    assert same == pytest.approx(0.1, abs=0.015)
    assert 1 - masked - same == pytest.approx(0.1, abs=0.015)
    assert data.y_train.min() >= 2
    masker = masker_of(asked, read(TOKENS).train, 5000)
    assert len(masker.eligible) == 25_000
    assert (masker.text[masker.eligible] > UNKNOWN).all()


def test_redrawn_masks_are_new_and_the_test_masks_stay():
    data, again = load(3), load(3)
    np.testing.assert_array_equal(data.x_train, again.x_train)
    assert not np.array_equal(data.x_train, load(4).x_train)
    x, y = data.redraw(np.random.default_rng(9))
    assert x.shape == data.x_train.shape
    assert not np.array_equal(y, data.y_train)
    text = data.provenance["files"]
    assert list(text.values()) == [read(TOKENS).sha256]


@pytest.mark.parametrize("resampled", [False, True])
def test_training_agrees_with_the_oracle(resampled):
    asked = wanted(**(MASKING if resampled else {}))
    data = datasets.load(asked.dataset, stream(3, "data"))
    trainer = Trainer(asked, data, 3)
    run(trainer)
    masker = masker_of(asked.dataset, read(TOKENS).train, 60)
    batches = stream(3, "batches")

    def redraw(_, rng, inputs, targets, batch, shape):
        order = batches.permutation(60)
        windows, words = slow_draw(masker, rng)
        x = np.zeros((60, PLACES, TOKENS))
        for row, place in np.ndindex(windows.shape):
            if windows[row, place] != NOTHING:
                x[row, place, windows[row, place]] = 1
        return x.reshape(60, -1)[order], np.eye(TOKENS)[words][order]

    expected = oracle.train(asked, data, 3, 4, redraw if resampled else None)
    for weights, (w, _) in zip(trainer.network().weights, expected, strict=True):
        np.testing.assert_allclose(weights, w, atol=2e-5)


def test_resumes_to_the_same_bits():
    asked = wanted(**MASKING)
    data = datasets.load(asked.dataset, stream(3, "data"))
    saved = []
    first = Trainer(asked, data, 3)
    first.on_epoch = lambda epoch: saved.append(first.checkpoint())
    _, theta = run(first)
    _, same = run(Trainer(asked, data, 3, through_storage(saved[1])))
    np.testing.assert_array_equal(theta, same)


def test_network_is_an_embedding_a_place_in_torch():
    torch = pytest.importorskip("torch")
    asked = wanted()
    data = datasets.load(asked.dataset, stream(3, "data"))
    trainer = Trainer(asked, data, 3)
    run(trainer)
    network = trainer.network()
    windows = torch.from_numpy(tokens_of(data.x_test))
    total = torch.from_numpy(network.biases[0].copy()).expand(len(windows), -1).clone()
    for place in range(PLACES):
        table = torch.from_numpy(network.weights[0][place * TOKENS : (place + 1) * TOKENS].copy())
        lit = (windows[:, place] != NOTHING)[:, None]
        total += torch.nn.functional.embedding(windows[:, place].clamp(min=0), table) * lit
    logits = torch.tanh(total) @ torch.from_numpy(network.weights[1].copy()) + torch.from_numpy(
        network.biases[1].copy()
    )
    np.testing.assert_allclose(network.logits(data.x_test), logits.numpy(), atol=1e-5)


def test_unigram_loss_is_that_of_counting():
    data = load()
    text = masker_of(SPEC, read(TOKENS).train, 200).text
    counts = Counter(int(word) for word in text if word >= 2)
    total = sum(counts.values()) + 510
    expected = np.mean([-np.log((counts[int(word)] + 1) / total) for word in data.y_test])
    assert data.provenance["unigram_loss"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dataset.train_size": 20_000}, "Use at most"),
        ({"dataset.masked": 0.95}, "at most 1"),
        ({"dataset": {"name": "two_moons"}}, "needs the dataset 'masked_text'"),
        ({"regularization.early_stopping": {}}, "cannot be held out"),
    ],
)
def test_bad_specs_are_refused(changes, says):
    with pytest.raises(SpecError) as caught:
        check_all({"sweep": SWEEP} | changes)
    assert says in str([f"{p.detail} {p.remedy}" for p in caught.value.problems])


def check_all(changes):
    for each in expand(build("masked-text", changes)):
        datasets.check(each.spec.dataset)


def test_a_python_without_the_text_says_what_to_install(monkeypatch):
    read.cache_clear()
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(DatasetUnavailableError, match="standard library"):
        datasets.check(SPEC)
    rows = {row["name"]: row for row in datasets.catalog()}
    assert not rows["masked_text"]["available"]
    monkeypatch.undo()
    datasets.check(SPEC)


def test_figure_and_caption():
    runs = small(
        "masked-text",
        {
            "dataset": {"train_size": 100, "test_size": 60},
            "model.hidden": [6],
            "training": {"epochs": 4, "batch_size": 20, "eval_every": 1},
            "seeds": [0],
        },
    )
    figure = REGISTRY["masked-text"]
    assert figure.reason(runs) is None
    assert "masking" in figure.reason(runs[:2])
    text = figure.caption(figure.measure(runs))
    assert f"fixed: least {runs[0].curves['test_loss'].min():.2f}" in text
    assert f"resampled: least {runs[2].curves['test_loss'].min():.2f}" in text
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")
    assert runs[0].arrays["test.labels"].dtype == np.uint16
    assert moons().redraw is None
