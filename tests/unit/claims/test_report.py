"""Claims in the figure, the report and the document."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from reglab.api.routers.claims import ClaimRow
from reglab.core import claims
from reglab.core.claims.base import Outcome
from reglab.core.claims.document import markdown
from reglab.core.claims.regions import above, below, within
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.figures.claims import margins
from reglab.core.figures.report import Picture, render_report
from tests.unit.claims.cases import CASES, around

CHOSEN = {
    "l2-test-accuracy": "holds",
    "dropout-test-loss": "fails",
    "augmentation-test-accuracy": "undecided",
}


@pytest.fixture(scope="module")
def runs():
    made = []
    for name, kind in CHOSEN.items():
        case = CASES[name]
        targets = case.undecided if kind == "undecided" else around(getattr(case, kind))
        made += [run for seed, target in enumerate(targets) for run in case.build(target, seed)]
    return made


@pytest.fixture
def only_chosen(monkeypatch):
    """The runs lack what other claims would read."""
    registry = {name: claims.REGISTRY[name] for name in CHOSEN}
    monkeypatch.setattr(claims, "REGISTRY", registry)


@pytest.fixture
def rows(runs, only_chosen):
    absent = Outcome(claims.REGISTRY["l2-test-accuracy"], reason="It needs other runs.")
    outcomes = [*claims.evaluate(runs), absent]
    return [ClaimRow.of(outcome).model_dump() for outcome in outcomes]


@pytest.mark.parametrize(
    ("region", "value", "expected"),
    [
        (above(1), (3, 2, 4), (2, 1, 3)),
        (below(1), (3, 2, 4), (-2, -3, -1)),
        (within(0, 4), (3, 1, 3.5), (1, 0.5, 2)),
        (within(0, 4), (5, 4.5, 6), (-1, -2, -0.5)),
    ],
)
def test_margins_are_positive_where_the_claim_holds(region, value, expected):
    claim = claims.Claim("x", "X.", "S", "s", region, (), lambda runs: {})
    assert margins(Outcome(claim, *value)) == pytest.approx(expected)


def test_the_figure_has_a_row_a_claim_and_counts_verdicts(runs, only_chosen):
    figure = REGISTRY["claims"]
    assert figure.reason(runs) is None
    caption = figure.caption(figure.measure(runs))
    assert "6 to 10 seeds: 1 supported, 1 not supported, 1 undecided" in caption
    drawn = figure.draw(figure.measure(runs), Style())
    (axes,) = drawn.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(claims.REGISTRY)
    texts = " ".join(text.get_text() for text in axes.texts)
    assert "0.05 [0.048, 0.052], needs > 0" in texts
    image = Image.open(
        io.BytesIO(render(figure, figure.measure(runs), Style(theme="dark"), dpi=60))
    )
    assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_no_figure_without_a_claim(only_chosen):
    assert "No claim" in REGISTRY["claims"].reason([])


def test_the_report_has_a_section_where_claims_were_measured(rows):
    picture = Picture("claims", "Three claims.", b"png")
    page = render_report([], [], (), rows, picture)
    table = page[page.index('id="claims"') :]
    for row in rows[:3]:
        assert row["text"] in table
        assert f"{row['value']:.4g}" in table
    cells = re.findall(r'<td class="(supported|not_supported|undecided)">', table)
    assert sorted(cells) == ["not_supported", "supported", "undecided"]
    assert 'src="data:image/png;base64,cG5n" alt="Three claims."' in table
    assert "do not bear on" in table
    assert 'id="claims"' not in render_report([], [])


def test_the_document_has_every_claim_with_its_numbers(rows):
    text = markdown({"items": rows, "varied": "Seeds vary all.", "made_by": "4 runs by hand."})
    assert text.startswith(
        "Of 4 claims, 1 are supported, 1 are not supported, 1 are undecided, 0 do not "
        "discriminate, and 1 do not apply"
    )
    assert text.count("\n| `") == 3
    *_, absent, told = text.rstrip().split("\n\n")
    assert absent == "These runs do not bear on `l2-test-accuracy`."
    assert told == "Seeds vary all. 4 runs by hand."
    for row in rows[:3]:
        line = next(line for line in text.splitlines() if f"`{row['id']}`" in line)
        assert f"{row['value']:.4g}" in line
        assert row["threshold"] in line
        assert line.count(" | ") == 9
        assert "fragile" not in line
    (fragile, *_) = [row | {"fragile": True} for row in rows]
    told = {"items": [fragile], "varied": "", "made_by": ""}
    assert "fragile: turns with the last bit" in markdown(told)
