"""--set is read by the field's type; --seeds has one meaning in every command."""

from __future__ import annotations

import pytest
import typer

from reglab.client.cli.reading import parse_changes, parse_seeds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("optimizer.schedule.lr=.1", 0.1),
        ("training.epochs=1e3", 1000),
        ("training.epochs=1.5", 1.5),
        ("dataset.train_size=1e2", 100),
        ("name=3e5", "3e5"),
        ("name=null", "null"),
        ("name=a=b", "a=b"),
        ('name="quoted"', "quoted"),
        ("tags=course", ["course"]),
        ("tags=1,true", ["1", "true"]),
        ("model.hidden=64,32", [64, 32]),
        ("model.hidden=64", [64]),
        ("model.hidden=[]", []),
        ("optimizer.decoupled=False", False),
        ("regularization.augmentation=shift", "shift"),
        ("regularization.augmentation=null", None),
        ('regularization.augmentation={"name": "shift"}', {"name": "shift"}),
        ("regularization.l2=0", 0),
        ("regularization.l2=nan", "nan"),
        ("sweep.regularization.dropout=0,.5", [0, 0.5]),
        ('sweep={"regularization.l2": [0]}', {"regularization.l2": [0]}),
        ("seeds=2", [0, 1]),
        ("seeds=[2]", [2]),
        ("of.a.newer.server=1", 1),
        ("of.a.newer.server=text", "text"),
    ],
)
def test_by_the_type_of_the_field(text, value):
    path = text.partition("=")[0]
    found = parse_changes([text])[path]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1", [0]),
        ("3", [0, 1, 2]),
        ("10-10", [10]),
        ("[10]", [10]),
        ("0,1", [0, 1]),
        ("4-6,9", [4, 5, 6, 9]),
    ],
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["0", "-1", "a", "1,", "5-3", "", "1.5", "9" * 5000])
def test_what_are_no_seeds(text):
    with pytest.raises(typer.BadParameter, match="seeds"):
        parse_seeds(text)


def test_seeds_are_counted_before_they_are_made():
    for text in ("0-1000000000", "1000000000", "0-999,5000-5001"):
        with pytest.raises(typer.BadParameter, match="at most 1,000"):
            parse_seeds(text)
    assert len(parse_seeds("1000")) == 1000


def test_nothing_is_said_twice():
    with pytest.raises(typer.BadParameter, match="twice"):
        parse_changes(["name=a", "name=b"])
