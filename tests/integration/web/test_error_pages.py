"""Faults as pages for people."""

from __future__ import annotations

import httpx

from tests.harness.serving import serving, settings_in


def test_a_fault_is_a_page_with_its_request_id(tmp_path, monkeypatch):
    with serving(settings_in(tmp_path)) as (address, app):
        monkeypatch.setattr(app.state.context.storage.experiments, "find", None)
        reply = httpx.get(
            f"{address}/experiments",
            headers={"Accept": "text/html", "X-Request-ID": "abc-1"},
            # Logs that nobody configured draw every variable of every frame.
            timeout=240,
        )
    assert reply.status_code == 500
    assert reply.headers["content-type"].startswith("text/html")
    assert "abc-1" in reply.text
