"""Figures: each in every format, from stored results alone, readable and the same twice."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from pypdf import PdfReader

from reglab.core.figures import REGISTRY, Style, render
from reglab.core.figures.base import Figure
from reglab.core.figures.style import CLASS_COLOURS, PALETTE, TIME_MAP
from reglab.core.presets import PRESETS
from reglab.core.spec import merge
from tests.harness.inline import SMALL

QUICK = {
    "augmentation": {"training": {"epochs": 4, "eval_every": 1}},
    "l2": {"training.epochs": 120},
    "l1": {"training.epochs": 120},
    "dropout": {"training.epochs": 80},
    "label-smoothing": {"training.epochs": 5},
    "early-stopping": {"training": {"epochs": 60, "eval_every": 5}},
}
ARTICLE = [name for name, figure in REGISTRY.items() if figure.article_number]


@pytest.fixture(scope="module")
def experiments(trained):
    """The six presets, shortened, on data that is always at hand."""
    ids = {}
    for name, changes in QUICK.items():
        preset = PRESETS[name]
        overrides = dict(changes)
        if preset.substitute:
            sizes = {"train_size": 200, "test_size": 500}
            overrides["dataset"] = {"name": preset.substitute, **sizes}
        ids[name] = trained.finished({"preset": name, "overrides": overrides})["id"]
    return ids


def path_of(experiments, name):
    owners = [experiments[p.name] for p in PRESETS.values() if name in p.figures]
    return f"/v1/experiments/{owners[0]}/figures/{name}", {"with": owners[1:]}


def runs_of(trained, experiments, name):
    owners = [experiments[p.name] for p in PRESETS.values() if name in p.figures]
    return [run for owner in owners for run in trained.storage.results.experiment(owner)]


def test_there_are_ten_article_figures():
    assert sorted(REGISTRY[name].article_number for name in ARTICLE) == list(range(1, 11))


@pytest.mark.parametrize("name", ARTICLE)
def test_article_figures_come_in_three_formats(trained, experiments, name):
    path, query = path_of(experiments, name)
    png = trained.http.get(f"{path}.png", params=query)
    assert png.status_code == 200, png.text
    image = Image.open(io.BytesIO(png.content))
    assert min(image.size) > 300
    pixels = np.asarray(image.convert("RGB"), dtype=np.uint32)
    assert len(np.unique(pixels @ np.array([1, 256, 256**2], np.uint32))) > 50
    svg = trained.http.get(f"{path}.svg", params=query)
    assert svg.headers["content-type"] == "image/svg+xml"
    assert ET.fromstring(svg.content).tag.endswith("svg")
    pdf = trained.http.get(f"{path}.pdf", params=query)
    assert len(PdfReader(io.BytesIO(pdf.content)).pages) == 1


@pytest.mark.parametrize("name", ARTICLE)
def test_captions_carry_numbers(trained, experiments, name):
    path, query = path_of(experiments, name)
    rows = trained.http.get(path.rsplit("/", 1)[0], params=query).json()["items"]
    row = next(row for row in rows if row["name"] == name)
    assert row["available"]
    assert any(character.isdigit() for character in row["caption"])
    if PRESETS["augmentation"].substitute and "mnist" in row["caption"]:
        assert "in place of" in row["caption"]


def test_general_figures_say_whether_they_can_be_drawn(trained, experiments):
    rows = trained.get(f"/experiments/{experiments['dropout']}/figures")["items"]
    drawn = {row["name"] for row in rows if row["available"]}
    assert {"curves", "reliability", "ece", "boundaries", "weights"} <= drawn
    for row in rows:
        reply = trained.http.get(
            f"/v1/experiments/{experiments['dropout']}/figures/{row['name']}.png"
        )
        assert reply.status_code == (200 if row["available"] else 409)
        assert row["available"] or row["reason"] in reply.json()["detail"]


def test_a_known_etag_is_304_and_styles_differ(trained, experiments):
    path, _ = path_of(experiments, "fig09-early-stopping")
    first = trained.http.get(f"{path}.png")
    again = trained.http.get(f"{path}.png", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    small, wide, dark = (
        trained.http.get(f"{path}.png", params=p)
        for p in ({"dpi": 72}, {"width": 10, "dpi": 72}, {"theme": "dark"})
    )
    sizes = [Image.open(io.BytesIO(r.content)).size for r in (small, wide)]
    assert sizes[0] == (504, 316)
    assert sizes[1][0] == 720
    corner = Image.open(io.BytesIO(dark.content)).convert("RGB").getpixel((2, 2))
    assert max(corner) < 60
    assert trained.http.get(f"{path}.png", params={"dpi": 5}).status_code == 422
    assert trained.http.get(f"{path}.gif").status_code == 404
    assert "Known" in trained.http.get(f"{path}x.png").json()["detail"]


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_equal_results_give_equal_bytes(trained, experiments, form):
    runs = runs_of(trained, experiments, "fig07-calibration")
    figure = REGISTRY["fig07-calibration"]
    assert render(figure, figure.measure(runs), Style(), form) == render(
        figure, figure.measure(runs), Style(), form
    )


def drawn(trained, experiments, name):
    figure: Figure = REGISTRY[name]
    runs = runs_of(trained, experiments, name)
    return figure.draw(figure.measure(runs), Style()), runs


def test_decay_figures_are_grids_of_nine_by_rising_strength(trained, experiments):
    for name, symbol in (("fig02-l2-boundaries", "λ₂"), ("fig03-l1-boundaries", "λ₁")):
        canvas, _ = drawn(trained, experiments, name)
        panels = [axes for axes in canvas.axes if axes.get_title().startswith(symbol)]
        values = [float(axes.get_title().split("=")[1]) for axes in panels]
        assert len(values) == 9
        assert values == sorted(values)
        assert panels[0].get_subplotspec().get_gridspec().get_geometry() == (3, 3)
        points = sum(
            len(c.get_offsets()) for c in panels[0].collections if len(c.get_offsets()) > 1
        )
        assert points == 250


def test_weights_share_one_symmetric_scale(trained, experiments):
    canvas, runs = drawn(trained, experiments, "fig04-weights")
    images = [axes.images[0] for axes in canvas.axes if axes.images]
    assert len(images) == 3
    limits = {image.get_clim() for image in images}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high
    plain = next(run for run in runs if run.spec.regularization.l2 == 0)
    np.testing.assert_array_equal(images[0].get_array(), plain.arrays["param.W1"].T)


def test_calibration_has_its_equality_line_and_fifteen_bins(trained, experiments):
    canvas, _ = drawn(trained, experiments, "fig07-calibration")
    reliability = canvas.axes[1]
    lines = {line.get_label(): line for line in reliability.lines}
    np.testing.assert_array_equal(lines["equality"].get_xdata(), lines["equality"].get_ydata())
    assert len(lines["network"].get_xdata()) == 15


def test_early_stopping_marks_the_least_test_loss(trained, experiments):
    canvas, runs = drawn(trained, experiments, "fig09-early-stopping")
    dashed = next(line for line in canvas.axes[0].lines if line.get_linestyle() == "--")
    curves = runs[0].curves
    assert dashed.get_xdata()[0] == curves["epoch"][curves["test_loss"].argmin()]


def test_spectrum_colours_match_in_both_panels(trained, experiments):
    canvas, runs = drawn(trained, experiments, "fig10-spectrum")
    left, right = canvas.axes[:2]
    lines = [line for line in left.lines if line.get_label() != "isotropic"]
    assert len(lines) == len(runs[0].arrays["spectrum.epochs"])
    marks = right.collections[0].get_facecolors()
    for line, mark in zip(lines, marks, strict=True):
        np.testing.assert_allclose(to_rgb(line.get_color()), mark[:3], atol=1e-6)
    isotropic = next(line for line in left.lines if line.get_label() == "isotropic")
    np.testing.assert_allclose(isotropic.get_ydata(), np.arange(1, 785) / 784)
    reds, blues = TIME_MAP(0.0), TIME_MAP(1.0)
    assert reds[0] > reds[2]
    assert blues[2] > blues[0]


def _seen_by(rgb, kind):
    """Machado, Oliveira and Fernandes (2009), full severity, on linear RGB."""
    matrices = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                   [-0.011820, 0.042940, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
    }  # fmt: skip
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.clip(np.array(matrices[kind]) @ linear, 0, 1)


@pytest.mark.parametrize("kind", ["protan", "deutan", "tritan"])
def test_colours_stay_apart_for_the_colour_blind(kind):
    for colours in (CLASS_COLOURS, PALETTE[:4]):
        seen = [_seen_by(np.array(to_rgb(colour)), kind) for colour in colours]
        for i, one in enumerate(seen):
            for other in seen[:i]:
                assert np.abs(one - other).max() > 0.1


def test_replicates_are_drawn_with_a_band(trained):
    made = trained.finished(merge(SMALL, {"seeds": [0, 1, 2]}))
    runs = trained.storage.results.experiment(made["id"])
    canvas = REGISTRY["curves"].draw(REGISTRY["curves"].measure(runs), Style())
    assert canvas.axes[0].collections
