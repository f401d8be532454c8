"""For ``reglab doctor``: checks database, broker, data and threads here; prints JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from reglab.api.run_queue import RunQueue
from reglab.core import datasets
from reglab.core.engine.blas import one_blas_thread
from reglab.core.errors import FieldProblemError
from reglab.core.settings import Settings
from reglab.core.storage import Storage
from reglab.core.storage.migrate import is_current

MIGRATE = "Run `reglab migrate`; `reglab serve` does it by itself."


def checks() -> list[dict[str, str]]:
    """One entry a thing: name, state ('ok', 'warning', 'fault'), detail, remedy."""
    try:
        settings = Settings.from_env()
    except FieldProblemError as error:
        first = error.problems[0]
        return [_check("settings", "fault", f"{first.path}: {first.detail}", first.remedy)]
    return [_database(settings), _broker(settings), *_data(), _threads()]


def _check(name: str, state: str, detail: str, remedy: str = "") -> dict[str, str]:
    return {"name": name, "state": state, "detail": detail, "remedy": remedy}


def _database(settings: Settings) -> dict[str, str]:
    storage = Storage.of(settings)
    where = storage.engine.url.render_as_string(hide_password=True)
    try:
        current = is_current(storage.engine)
    except Exception as error:
        remedy = "Check REGLAB_DATABASE_URL, and that the database runs."
        return _check("local database", "fault", f"{where}: {type(error).__name__}", remedy)
    finally:
        storage.close()
    if current:
        return _check("local database", "ok", where)
    return _check("local database", "warning", f"{where} is not migrated", MIGRATE)


def _broker(settings: Settings) -> dict[str, str]:
    if RunQueue(settings).reachable():
        return _check("local broker", "ok", "embedded" if not settings.broker_url else "reachable")
    remedy = "Check REGLAB_BROKER_URL, and that the broker runs."
    return _check("local broker", "fault", "REGLAB_BROKER_URL does not answer", remedy)


def _data() -> list[dict[str, str]]:
    found: list[dict[str, Any]] = datasets.catalog()
    return [
        _check(f"local data: {row['name']}", "ok", row["source"])
        if row["available"]
        else _check(f"local data: {row['name']}", "warning", row["reason"] or "not there")
        for row in found
    ]


def _threads() -> dict[str, str]:
    cores = os.cpu_count() or 1
    one_blas_thread()
    # Loads the BLAS library, without which there is nothing to look at.
    np.dot(np.ones((2, 2)), np.ones((2, 2)))
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    most = max((pool["num_threads"] for pool in pools), default=1)
    detail = f"{cores} cores, {most} BLAS thread a process"
    if most == 1:
        return _check("local threads", "ok", detail)
    return _check("local threads", "warning", detail, "Set OPENBLAS_NUM_THREADS=1.")


if __name__ == "__main__":
    json.dump(checks(), sys.stdout)
