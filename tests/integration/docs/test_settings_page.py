"""The reference of settings names every variable that something reads."""

from __future__ import annotations

import re

from docs._ext.settings_page import page
from reglab.core.settings.known import known_variables


def test_every_variable_is_listed_once():
    found = re.findall(r"^\| `(REGLAB_\w+)` \| \S", page(), re.MULTILINE)
    assert sorted(found) == sorted(known_variables())
