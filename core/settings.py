"""Settings shared by the services, read from REGLAB_* environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import platformdirs

from reglab.core.errors import FieldProblem, ReglabError


class SettingsError(ReglabError):
    """A REGLAB_* variable has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Where things are and how long they may take.

    Attributes:
        home: Folder of the embedded database and broker.
        database_url: SQLAlchemy URL.
        broker_url: Celery broker URL; None means the embedded broker in ``home``.
        lease_seconds: How long a claim holds without a heartbeat.
        heartbeat_seconds: Time between heartbeats, and between writes of curves; also how soon a
            cancellation is seen.
        checkpoint_seconds: Time between checkpoints of a running training.
        sweep_seconds: Time between looks for expired leases and vanished messages.
        resend_seconds: How long a run may wait in the queue before its message is sent again.
        starving_seconds: How long runs may be queued beside a worker's free slots before it begins
            anew, as their messages do not reach it.
        max_attempts: How often a run may be started before it is failed for good.
        task_seconds: How long one attempt may take.
        grace_seconds: How much longer its process lives if it does not hear that.
    """

    home: Path
    database_url: str
    broker_url: str | None
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 0.5
    checkpoint_seconds: float = 5.0
    sweep_seconds: float = 2.0
    resend_seconds: float = 20.0
    starving_seconds: float = 120.0
    max_attempts: int = 3
    task_seconds: float = 21_000.0
    grace_seconds: float = 60.0

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment; creates the home folder where the database is embedded."""
        env = os.environ if env is None else env
        home = Path(env.get("REGLAB_HOME") or platformdirs.user_data_dir("reglab")).absolute()
        url = env.get("REGLAB_DATABASE_URL")
        broker = env.get("REGLAB_BROKER_URL") or None
        if broker and (password := env.get("REGLAB_BROKER_PASSWORD")):
            broker = _with_password(broker, password)
        if not url or not broker:
            home.mkdir(parents=True, exist_ok=True)
        return cls(
            home=home,
            database_url=url or f"sqlite:///{home / 'reglab.db'}",
            broker_url=broker,
            lease_seconds=_number(env, "REGLAB_LEASE_SECONDS", cls.lease_seconds),
            heartbeat_seconds=_number(env, "REGLAB_HEARTBEAT_SECONDS", cls.heartbeat_seconds),
            checkpoint_seconds=_number(env, "REGLAB_CHECKPOINT_SECONDS", cls.checkpoint_seconds),
            sweep_seconds=_number(env, "REGLAB_SWEEP_SECONDS", cls.sweep_seconds),
            resend_seconds=_number(env, "REGLAB_RESEND_SECONDS", cls.resend_seconds),
            starving_seconds=_number(env, "REGLAB_STARVING_SECONDS", cls.starving_seconds),
            max_attempts=int(_number(env, "REGLAB_MAX_ATTEMPTS", cls.max_attempts)),
            task_seconds=_number(env, "REGLAB_TASK_SECONDS", cls.task_seconds),
            grace_seconds=_number(env, "REGLAB_GRACE_SECONDS", cls.grace_seconds),
        )


def _with_password(url: str, password: str) -> str:
    """The address with a password, every character of which stands for itself."""
    scheme, _, rest = url.partition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:{quote(password, safe='')}@{host}"


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise SettingsError(
            FieldProblem(name, f"Got {text!r}.", f"Set it to a positive number, e.g. {default}.")
        )
    return value
