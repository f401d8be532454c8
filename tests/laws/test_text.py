"""Names of every kind are shown as they are, and never run, wherever they come out."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from reglab.client.cli import app
from reglab.client.text import FORMULA, UNSEEN, for_cell, for_html, for_markup, for_terminal
from tests.harness.fuzz import inputs, tell
from tests.harness.inline import SMALL

NASTY = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "[/bold] x",
    "[red]x[/]",
    "[link=https://x.example]y[/link]",
    '=HYPERLINK("https://x.example","y")',
    "+1+1",
    "@SUM(A1)",
    "-2+3",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\u202egnp.exe",
    "$x^2$ and $",
    "$\\frac{1}{0}$",
    "100 % _ %s %(x)s",
    "..",
    "a/b?c#d&e=f",
    "'; DROP TABLE experiments; --",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }} {% x %}",
    "é 漢字 🎉 עברית",
    "x" * 200,
    "\\ \\[ \\n",
    "`rm -rf`$(x)",
]
NAMES = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60),
    st.tuples(st.sampled_from(NASTY), st.sampled_from(NASTY)).map(lambda two: "".join(two)[:200]),
)


@inputs(200)
@given(text=NAMES)
def test_each_target_has_its_function(text):
    assert html.unescape(for_html(text)) == text
    assert not re.search("[<>\"']", for_html(text))
    assert not UNSEEN.search(for_terminal(text))
    from rich.text import Text

    assert Text.from_markup(for_markup(text)).plain.replace("\u200b", "") == for_terminal(
        text
    ).replace("\u200b", "")
    assert not str(for_cell(text)).startswith(FORMULA)
    tell("texts", "nasty" if text in NASTY else "any")


@pytest.fixture(scope="module")
def made(trained):
    return trained.finished(SMALL | {"seeds": [0, 1]})


@inputs(40)
@given(name=NAMES)
def test_every_answer_of_the_server(trained, made, name):
    http, path = trained.http, f"/v1/experiments/{made['id']}"
    reply = http.patch(path, json={"name": name, "tags": [name[:64] or "t"]})
    if reply.status_code != 200:
        assert reply.status_code in (400, 422)
        tell("names", "refused")
        return
    stored = http.get(path).json()["name"]
    assert stored == name
    for page in (f"/experiments/{made['id']}", "/experiments", f"/compare?e={made['id']}"):
        answer = http.get(page)
        assert answer.status_code in (200, 404, 422), page
        assert "<img src=x" not in answer.text
        assert "<script>alert" not in answer.text
    report = http.get("/v1/report", params={"experiment": made["id"]}).text
    assert "<img src=x" not in report
    assert "<script>alert" not in report
    svg = http.get(f"{path}/figures/curves.svg")
    assert svg.status_code == 200
    found = http.get("/v1/experiments", params={"q": name[:200], "limit": 200}).json()["items"]
    assert not name or made["id"] in {item["id"] for item in found}
    others = [item for item in found if name and name.lower() not in item["name"].lower()]
    assert not others
    exported = http.get(f"{path}/export")
    disposition = exported.headers["content-disposition"]
    assert disposition.isascii()
    assert made["id"] in disposition
    tell("names", "stored")


@inputs(30)
@given(name=NAMES)
def test_every_table_of_the_client(name):
    from reglab.client.tables import Table

    table = Table({name or "x": [name, "b"], "n": [1, 2.5]})
    rows = list(csv.reader(io.StringIO(csv_of(table), newline="")))
    assert not any(
        cell.startswith(FORMULA[:4]) and not is_number(cell) for row in rows for cell in row
    )
    shown = table._repr_html_()
    assert "<img" not in shown
    assert "<script" not in shown


def csv_of(table):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        return table.save_csv(Path(folder) / "t.csv").read_bytes().decode()


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", NASTY)
def test_every_command(http, service, monkeypatch, name):
    monkeypatch.setenv("REGLAB_URL", service.url)
    monkeypatch.setenv("COLUMNS", "100")
    made = finished_once(http)
    assert http.patch(f"experiments/{made}", json={"name": name}).status_code in (200, 400)
    stored = http.get(f"experiments/{made}").json()["name"]
    run = CliRunner()
    for command in (["list"], ["show"], ["curves"], ["ece"], ["claims"], ["figure"], ["compare"]):
        arguments = [*command, *([] if command == ["list"] else [made])]
        done = run.invoke(app, arguments)
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        assert "\x1b" not in done.output
        if command == ["show"]:
            assert for_terminal(stored)[:40].strip() in done.output.replace("\u200b", "")
        if command == ["ece"]:
            assert max(map(len, done.output.splitlines())) <= 200
    tell("commands", "fine")


_MADE: list[str] = []


def finished_once(http):
    if not _MADE:
        reply = http.post("experiments", json=SMALL)
        _MADE.append(reply.json()["id"])
        while http.get(f"experiments/{_MADE[0]}").json()["state"] not in ("succeeded", "failed"):
            pass
    return _MADE[0]
