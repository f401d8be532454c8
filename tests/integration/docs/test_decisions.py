"""Every decision record has a number, a date and a status in one form, and is in the index."""

from __future__ import annotations

import re

from docs._ext.decisions import FOLDER, index, records


def test_every_record_is_in_the_index():
    files = sorted(path.name for path in FOLDER.glob("[0-9]*.md"))
    assert [record.path.name for record in records()] == files
    assert re.findall(r"\((\d{3}-[\w-]+\.md)\)", index()) == files


def test_numbers_are_unique_and_those_referred_to_exist():
    found = records()
    numbers = [record.number for record in found]
    assert len(set(numbers)) == len(numbers)
    assert all(set(record.others) <= set(numbers) for record in found)
