"""The reference page shows what was measured."""

from __future__ import annotations

import pytest

from benchmarks import results, tables


def test_the_page_shows_the_results_file():
    found = results.load()
    assert found["steps"]
    assert tables.block(found) in tables.PAGE.read_text()
    assert (results.FOLDER / "table.md").read_text() == tables.markdown(found) + "\n"


def test_the_page_is_updated_between_its_markers(tmp_path):
    found = results.load()
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    tables.update(found, page)
    assert page.read_text() == f"before\n{tables.block(found)}\nafter\n"
    page.write_text("no markers")
    with pytest.raises(ValueError, match="needs the lines"):
        tables.update(found, page)


def test_a_missed_goal_is_called_missed():
    assert tables.verdict(0.5, 0.75) == "0.50 (≤ 0.75)"
    assert tables.verdict(0.8, 0.75) == "0.80 (missed: 0.75)"


def test_results_are_written_whole_and_rounded(tmp_path):
    path = tmp_path / "folder" / "results.json"
    results.save({"a": [1.23456789, {"b": 2}]}, path)
    assert results.load(path) == {"a": [1.235, {"b": 2}]}
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]
