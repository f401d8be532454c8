"""The checks of `make lint` that are our own find what they look for."""

from __future__ import annotations

import pytest

from tests import structure
from tests.lint import words

RULED_OUT = words.ruled_out(words.GLOSSARY.read_text())


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("page.md", "A mini-batch.\n\n```\nminibatch\n```\n", 1),
        ("page.md", "```\nminibatch\n```\nMinibatches, minibatch.\n", 4),
        ("code.py", '"""Fine.\n\nTwo data sets.\n"""\n', 3),
        ("code.py", "x = 1  # a mini-batch\n", 1),
        ("code.py", 'x = f"{y}, a minibatch"\n', 1),
        ("page.html", "<p>{{ minibatch }}\nThe behavior</p>\n", 2),
        ("script.js", "// A mini-batch.\n", 1),
        ("page.md", "Ten seconds a step.\n", 1),
    ],
)
def test_other_words_are_found_in_prose(tmp_path, name, text, line):
    file = tmp_path / name
    file.write_text(text)
    found = [at for at, part in words.prose(file) if list(words.problems(part, RULED_OUT))]
    assert found == [line]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "Ten seconds per step. `minibatch` is a name; so is page.color.\n"),
        ("code.py", "minibatch = config = 1\nx = 'minibatch'\n"),
        ("page.html", '<p style="color: red">{% if login %}</p>\n'),
    ],
)
def test_code_is_not_prose(tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text)
    assert not [part for _, part in words.prose(file) if list(words.problems(part, RULED_OUT))]


def test_a_page_of_an_extension_lists_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(structure, "PAGES", tmp_path)
    assert structure.files_of("dataset") == []
    new = "`core/datasets/new.py` (new file):\n\n```python\nx = 1\n```\n"
    changed = "`core/spec/dataset.py`, after the line `y`:\n\n```python\nz\n```\n"
    (tmp_path / "dataset.md").write_text(f"Not `core/x.py`.\n\n{new}\n{changed}")
    assert structure.files_of("dataset") == ["core/datasets/new.py", "core/spec/dataset.py"]
