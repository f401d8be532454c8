"""The offline audit finds what it is there to find."""

from __future__ import annotations

from packaging.version import Version

from tests.integration.security import audit

KNOWN = {"h11": {"version": "0.16.0", "advisory": "CVE-2025-43859"}}


def test_this_checkout_is_sound(capsys):
    assert audit.main() == 0, capsys.readouterr().out


def test_a_weak_pin_is_told():
    pins = audit.pinned("h11==0.14.0\nanyio==4.0 ; python_full_version < '3.12'\n")
    assert list(audit.weak(pins, KNOWN)) == ["h11 is pinned to 0.14.0: CVE-2025-43859, use 0.16.0."]
    assert list(audit.weak(audit.pinned("h11==0.16.0"), KNOWN)) == []


def test_a_weak_bound_is_told():
    project = {"dependencies": ["h11>=0.14"], "optional-dependencies": {"x": ["h11", "h11>=0.16"]}}
    assert len(list(audit.weakly_bounded(project, KNOWN))) == 2


def test_what_is_not_pinned_is_told():
    pins = audit.pinned("a==1.0\nb==2.0")
    found = {"a": Version("1.0+cpu"), "b": Version("2.1"), "c": Version("3")}
    told = list(audit.unpinned(pins, found))
    assert [line.split()[0] for line in told] == ["b", "c"]
