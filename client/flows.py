"""Operations of a client that end in an experiment or a run; both clients wrap what they return."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from reglab.client.errors import InvalidValueError
from reglab.client.flow import Call, Flow
from reglab.client.models import ExperimentData, ExperimentPage, RunData
from reglab.client.submission import Spec, identifier, prepare, segment

PAGE = 100
KEY = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")


def submit(
    spec: Spec, overrides: Mapping[str, Any] | None, key: str | None
) -> Flow[ExperimentData]:
    """See ``Client.submit``."""
    # One key for all tries: a submission whose answer was lost is not made twice.
    headers = {"Idempotency-Key": _checked(key) if key else str(uuid.uuid4())}
    laid = prepare(spec, overrides)
    call = Call("POST", "/v1/experiments", json=laid.document, headers=headers)
    made = ExperimentData.read((yield call))
    return made.model_copy(update={"dropped": (*laid.dropped, *made.dropped)})


def get(experiment: Any) -> Flow[ExperimentData]:
    """See ``Client.get``."""
    call = Call("GET", f"/v1/experiments/{segment(identifier(experiment))}")
    return ExperimentData.read((yield call))


def get_run(run: Any) -> Flow[RunData]:
    """See ``Client.run``."""
    return RunData.read((yield Call("GET", f"/v1/runs/{segment(identifier(run))}")))


def import_archive(content: bytes) -> Flow[ExperimentData]:
    """See ``Client.import_experiment``."""
    headers = {"Content-Type": "application/zip"}
    call = Call("POST", "/v1/experiments/import", content=content, headers=headers)
    return ExperimentData.read((yield call))


def page(filters: Mapping[str, Any], cursor: str | None, size: int) -> Flow[ExperimentPage]:
    """One page of a listing."""
    query = {**filters, "cursor": cursor, "limit": min(PAGE, size)}
    return ExperimentPage.read((yield Call("GET", "/v1/experiments", params=query)))


def _checked(key: Any) -> str:
    if not (isinstance(key, str) and KEY.fullmatch(key)):
        raise InvalidValueError(
            "key",
            f"Got {key!r}.",
            "Give from 1 to 255 visible ASCII characters, as no header holds others.",
        )
    return key
