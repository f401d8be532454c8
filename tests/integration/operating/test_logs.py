"""Every line of every process is one JSON object that names what it is about, and no secret."""

from __future__ import annotations

import json
import logging
import warnings

import pytest
import structlog

from reglab.core.process import logs
from reglab.core.settings import SettingsError
from tests.harness.inline import SMALL


def test_own_records_and_those_of_libraries_look_alike(log_lines):
    with structlog.contextvars.bound_contextvars(run_id="r", request_id="q"):
        structlog.get_logger("reglab.api").info("stored", count=3)
        logging.getLogger("celery.worker").info("Task %s received", "x")
        logging.getLogger("somebody").warning("odd\nthing")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
    found = log_lines()
    assert [line["logger"] for line in found] == [
        "reglab.api", "celery.worker", "somebody", "py.warnings",
    ]  # fmt: skip
    for line in found:
        assert (line["run_id"], line["request_id"], line["service"]) == ("r", "q", "test")
        assert line["timestamp"].endswith("Z")
    assert found[0]["count"] == 3
    assert found[1]["event"] == "Task x received"
    assert found[2]["event"] == "odd\nthing"


@pytest.mark.parametrize("log_lines", [{"REGLAB_LOG_LEVEL": "warning"}], indirect=True)
def test_levels(log_lines):
    structlog.get_logger("reglab.api").info("no")
    logging.getLogger("reglab.worker").info("no")
    logging.getLogger("matplotlib").info("no")
    structlog.get_logger("reglab.api").warning("yes")
    assert [line["event"] for line in log_lines()] == ["yes"]


def test_faults_carry_a_trace_without_the_values_of_variables(log_lines):

    def handle(body: str) -> None:
        raise ValueError("broken")

    for log in (structlog.get_logger("reglab.api"), logging.getLogger("reglab.worker")):
        try:
            handle("secret-token")
        except ValueError as error:
            log.error("fault", exc_info=error)  # noqa: TRY400 # as the service logs it
    for line in log_lines():
        assert line["exception"][0]["exc_value"] == "broken"
        assert line["exception"][0]["frames"][-1]["name"] == "handle"
        assert "secret-token" not in json.dumps(line)


def test_unknown_settings_are_refused():
    for name in ("REGLAB_LOG_LEVEL", "REGLAB_LOG_FORMAT"):
        with pytest.raises(SettingsError, match=f"{name}: Got 'loud'"):
            logs.configure("test", {name: "loud"})


def test_a_request_is_logged_without_body_token_cookie_or_query(inline, log_lines):
    secrets = {"token": "rg_secret-token", "cookie": "secret-cookie", "query": "secret-query"}
    headers = {"Authorization": f"Bearer {secrets['token']}", "Cookie": f"s={secrets['cookie']}"}
    document = SMALL | {"name": "secret-name", "dataset": {"name": "secret-dataset"}}
    path = f"/v1/experiments?force={secrets['query']}"
    for body in (document, SMALL):
        inline.http.post(path, json=body, headers=headers)
    lines = [line for line in log_lines() if line["event"] == "request"]
    assert [line["path"] for line in lines] == ["/v1/experiments"] * 2
    assert "secret" not in json.dumps(log_lines())
