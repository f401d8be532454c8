"""Every figure draws what its caption says of any experiment, or refuses with a reason."""

from __future__ import annotations

import itertools
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes

from reglab.core import claims
from reglab.core.claims.base import FAILED as CLAIM_FAILED
from reglab.core.errors import NotMeasurableError
from reglab.core.figures import REGISTRY, Style, prepare, render
from reglab.core.figures.base import FAILED
from reglab.core.figures.grouping import groups
from reglab.core.results import RunResult
from reglab.core.spec import expand, parse_spec, resolved
from tests.harness.fuzz import inputs, tell

SWEEPS = {
    "regularization.l2": [0.0, 0.01, 0.1],
    "regularization.l1": [0.0, 0.02],
    "regularization.dropout": [0.0, 0.4],
    "regularization.label_smoothing": [0.0, 0.05],
    "training.batch_size": [8, 16],
    "optimizer.schedule": [{"lr": 0.01 * at} for at in range(1, 19)],
}
ENDINGS = ("whole", "ragged", "wild", "single evaluation")


@st.composite
def experiments(draw):
    """A spec with up to two swept fields, and how its runs ended."""
    paths = draw(st.lists(st.sampled_from(sorted(SWEEPS)), max_size=2, unique=True))
    hidden = draw(st.sampled_from([[], [4], [4, 3]]))
    if not hidden:
        paths = [path for path in paths if path != "regularization.dropout"]
    loss = draw(st.sampled_from(["cross_entropy", "cross_entropy", "squared"]))
    images = draw(st.booleans())
    probes = {"calibration": None if loss == "squared" else {}, "spectrum": {"snapshots": 3}}
    if not images:
        probes["boundary"] = {"resolution": 8}
    document = {
        "dataset": {"name": "digits" if images else "two_moons", "train_size": 20, "test_size": 20},
        "model": {"hidden": hidden, "loss": loss},
        "optimizer": {"schedule": {"lr": 0.1}},
        "training": {"epochs": 12, "batch_size": 8},
        "probes": probes,
        "sweep": {path: SWEEPS[path] for path in paths},
        "seeds": list(range(draw(st.sampled_from([1, 2, 3, 6])))),
    }
    return document, draw(st.sampled_from(ENDINGS)), draw(st.integers(0, 2**32 - 1))


def results(document, ending, seed):
    """Finished runs of it with arrays of the right shapes; some of them did not finish."""
    rng = np.random.default_rng(seed)
    found = []
    for run in expand(parse_spec(document)):
        if rng.random() < 0.1:
            continue
        count = {"ragged": int(rng.integers(2, 13)), "single evaluation": 1}.get(ending, 13)
        scale = 10.0 ** rng.uniform(-12, 38, count) if ending == "wild" else np.ones(count)
        curves = {
            "epoch": np.arange(count),
            "step": np.arange(count) * 3,
            "train_loss": rng.uniform(0, 1, count) * scale,
            "test_loss": rng.uniform(0, 1, count) * scale,
            "train_accuracy": rng.uniform(0, 1, count),
            "test_accuracy": rng.uniform(0, 1, count),
        }
        params, arrays = resolved(run.spec, run.params), arrays_of(run.spec, rng, count)
        final = {name: float(column[-1]) for name, column in curves.items()}
        name, about = f"run-{run.index}", {"final": final}
        found.append(RunResult(name, run.index, params, run.seed, run.spec, curves, arrays, about))
    return found


def arrays_of(spec, rng, count):
    widths, size = spec.widths(), spec.dataset.test_size
    arrays = {
        "test.logits": rng.normal(size=(size, widths[-1])).astype(np.float32),
        "test.labels": rng.integers(0, widths[-1], size),
        "spectrum.epochs": np.array([1, 4, 12])[: max(1, min(3, count // 4))],
    }
    snapshots = len(arrays["spectrum.epochs"])
    arrays["spectrum.energy"] = rng.uniform(0, 1, (snapshots, widths[0]))
    for at, shape in enumerate(itertools.pairwise(widths)):
        arrays[f"param.W{at}"] = rng.normal(size=shape).astype(np.float32)
    if spec.probes.boundary:
        axis = np.linspace(-1, 2, 8)
        arrays |= {"boundary.x": axis, "boundary.y": axis, "boundary.p": rng.uniform(0, 1, (8, 8))}
        arrays["train.points"] = rng.normal(size=(spec.dataset.train_size, 2))
        arrays["train.labels"] = rng.integers(0, 2, spec.dataset.train_size)
    return arrays


def tried(figure, runs):
    try:
        return None, prepare(figure, runs)
    except NotMeasurableError as missing:
        return str(missing), None


def told(caption, total, counts, seeds):
    """The numbers of a caption are the experiment's."""
    for shown, whole in re.findall(r"(\d+)(?: of (\d+))? sweep points?", caption):
        assert int(whole or shown) == total, caption
    for least, most in re.findall(r"(\d+)(?: to (\d+))? seeds?\b", caption):
        assert min(counts) <= int(least) <= int(most or least) <= max(counts), caption
    for seed in re.findall(r"\bseed (\d+)", caption):
        assert int(seed) in seeds, caption


def can_be_read(axes):
    """Whether a scale with lines has numbers, itself or at a panel of its row that shares it."""
    if not axes.get_visible() or not axes.lines or not axes.axison or has_numbers(axes):
        return True
    shared = axes.get_shared_y_axes().get_siblings(axes)
    place = axes.get_subplotspec()
    row = [
        each
        for each in shared
        if place and each.get_subplotspec() and each.get_subplotspec().rowspan == place.rowspan
    ]
    return any(map(has_numbers, row)) or not any(
        each.yaxis.get_major_ticks() for each in {axes, *row}
    )


def has_numbers(axes):
    """Whether a tick of the vertical scale has its number; one is enough, each is slow to make."""
    ticks = axes.yaxis.get_major_ticks(1)
    return any(tick.label1.get_visible() or tick.label2.get_visible() for tick in ticks)


@inputs(40)
@given(experiments())
def test_every_figure_draws_what_it_says_or_refuses_with_a_reason(found):
    runs = results(*found)
    sets = [group.runs for group in groups(runs)]
    for figure in REGISTRY.values():
        reason, drawable = tried(figure, runs)
        assert reason != FAILED, (figure.name, found)
        if drawable is None:
            assert reason
            continue
        counts = [len(each) for each in sets]
        # A claim may be measurable on some of the seeds only.
        counts += [1] if figure.name == "claims" else []
        told(drawable.caption, len(sets), counts, {run.seed for run in runs})
        picture = figure.draw(drawable.found, Style())
        for axes in picture.axes:
            assert isinstance(axes, Axes)
            assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all(), figure.name
            assert can_be_read(axes), figure.name
        tell("figures", figure.name)


@inputs(15)
@given(experiments(), st.sampled_from([3.0, None]), st.sampled_from(["light", "dark"]))
def test_curves_become_pictures_at_every_width(found, width, theme):
    runs = results(*found)
    if runs:
        drawable = prepare(REGISTRY["curves"], runs)
        png = render(drawable.figure, drawable.found, Style(theme, width), dpi=50)
        assert png.startswith(b"\x89PNG")
        tell("pictures of curves", found[1])


@inputs(25)
@given(experiments())
def test_every_claim_has_a_value_or_a_reason(found):
    for outcome in claims.evaluate(results(*found)):
        assert outcome.reason != CLAIM_FAILED, (outcome.claim.id, found)
        assert outcome.value is not None or outcome.reason
        assert outcome.value is None or np.isfinite(outcome.value)
    tell("claims", found[1])
