"""Settings shared by the services, read from REGLAB_* environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import platformdirs

from reglab.core.errors import FieldProblem, ReglabError


class SettingsError(ReglabError):
    """A REGLAB_* variable has a value that cannot be used."""


# Kinds of addresses that can be used, and an example of each.
DATABASES = {
    "sqlite": "sqlite:////srv/reglab/reglab.db",
    "postgresql+psycopg": "postgresql+psycopg://reglab:password@db.example.org/reglab",
}
BROKERS = {
    "redis": "redis://:password@broker.example.org:6379/0",
    "rediss": "rediss://:password@broker.example.org:6379/0",
}


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
        url = _address(env, "REGLAB_DATABASE_URL", DATABASES)
        broker = _address(env, "REGLAB_BROKER_URL", BROKERS)
        if broker and (password := env.get("REGLAB_BROKER_PASSWORD")):
            broker = _with_password(broker, password)
        if not url or not broker:
            _make_folder(home)
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
            max_attempts=int(_number(env, "REGLAB_MAX_ATTEMPTS", cls.max_attempts, whole=True)),
            task_seconds=_number(env, "REGLAB_TASK_SECONDS", cls.task_seconds),
            grace_seconds=_number(env, "REGLAB_GRACE_SECONDS", cls.grace_seconds),
        )


def flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    """A variable that is 1 (yes) or 0 (no).

    Raises:
        SettingsError: It is anything else.
    """
    text = env.get(name) or str(int(default))
    if text not in ("0", "1"):
        raise SettingsError(FieldProblem(name, f"Got {text!r}.", "Set it to 1 (yes) or 0 (no)."))
    return text == "1"


def _address(env: Mapping[str, str], name: str, kinds: Mapping[str, str]) -> str | None:
    """An address of one of the kinds; what is wrong with it is told without its password."""
    text = env.get(name)
    if not text:
        return None
    scheme, mark, _ = text.partition("://")
    try:
        sound = bool(mark) and scheme in kinds and (scheme == "sqlite" or _names_host(text))
    except ValueError:
        sound = False
    if not sound:
        # The text itself may hold a password.
        wrong = f"Got an address that begins with {scheme!r}." if mark else "Got no address."
        remedy = f"Set it to one like {' or '.join(kinds.values())}."
        raise SettingsError(FieldProblem(name, wrong, remedy))
    return text


def _names_host(address: str) -> bool:
    """Whether an address names a host and, if any, a port; ValueError for another port."""
    parsed = urlsplit(address)
    return bool(parsed.hostname) and parsed.port != 0


def _make_folder(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        detail = f"Cannot make the folder {home}: {error.strerror}."
        remedy = "Set it to a folder that this user may write to."
        raise SettingsError(FieldProblem("REGLAB_HOME", detail, remedy)) from error


def _with_password(url: str, password: str) -> str:
    """The address with a password, every character of which stands for itself."""
    scheme, _, rest = url.partition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:{quote(password, safe='')}@{host}"


def _number(env: Mapping[str, str], name: str, default: float, whole: bool = False) -> float:
    text = env.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf") or (whole and value != int(value)):
        kind = "a positive whole number" if whole else "a positive number"
        raise SettingsError(
            FieldProblem(name, f"Got {text!r}.", f"Set it to {kind}, e.g. {default}.")
        )
    return value
