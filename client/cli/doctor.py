"""What doctor looks at over HTTP and in this installation."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from reglab import __version__
from reglab.client.clients import Client
from reglab.client.errors import ClientError, DeniedError, ServerUnreachableError

DATA = "Set REGLAB_DATA_DIR on the server to a folder that has it."


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: 'ok', 'warning' (works, but not all of it), or 'fault'.
        detail: What was found.
        remedy: What to do; empty if nothing.
    """

    name: str
    state: Literal["ok", "warning", "fault"]
    detail: str
    remedy: str = ""


def check_client() -> list[Check]:
    """This installation."""
    extras = []
    for package in ("numpy", "pandas", "polars"):
        try:
            extras.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            extras.append(f"no {package}")
    python = f"reglab {__version__}, Python {platform.python_version()}"
    return [Check("client", "ok", f"{python}, {', '.join(extras)}")]


def check_server(client: Client) -> tuple[bool, list[Check]]:
    """Whether the server answers, and what it says of itself."""
    url = client.settings.url
    try:
        health = client.health()
    except ClientError as error:
        absent = isinstance(error, ServerUnreachableError)
        return not absent, [Check("server", "fault", error.message, error.remedy)]
    checks = [Check("server", "ok", f"{url} answers, reglab {health.version}")]
    if health.version != __version__:
        detail = f"The client is {__version__}, the server {health.version}."
        checks.append(Check("versions", "warning", detail, "Install the same version on both."))
    ready = client.readiness()
    state: Literal["ok", "fault"] = "ok" if ready.database == "ok" else "fault"
    checks.append(_part("database", ready.database, state, "See the server's log."))
    broker = "Check REGLAB_BROKER_URL on the server."
    checks.append(_part("broker", ready.broker, "warning", broker))
    start = "Start one: `reglab worker`, or `reglab serve` for both."
    checks.append(_part("worker", ready.worker, "warning", start))
    try:
        return True, checks + _datasets(client) + _threads(client)
    except DeniedError as error:
        return True, [*checks, Check("access", "fault", error.detail, error.remedy)]


def _part(name: str, said: str, otherwise: Literal["ok", "warning", "fault"], remedy: str) -> Check:
    return Check(name, "ok", said) if said == "ok" else Check(name, otherwise, said, remedy)


def _datasets(client: Client) -> list[Check]:
    checks = []
    for row in client.datasets("builtin"):
        if row.available:
            checks.append(Check(f"data: {row.name}", "ok", row.source))
        else:
            checks.append(Check(f"data: {row.name}", "warning", row.reason or "not there", DATA))
    return checks


def _threads(client: Client) -> list[Check]:
    probe = {
        "dataset": {"name": "two_moons"},
        "optimizer": {"schedule": {"lr": 0.1}},
        "training": {"epochs": 1, "batch_size": 32},
    }
    slots = client.estimate(probe).slots
    if slots:
        return [Check("threads", "ok", f"{slots} runs train at once, one thread each")]
    remedy = "Start a worker: `reglab worker`."
    return [Check("threads", "warning", "No living worker, so nothing trains.", remedy)]
