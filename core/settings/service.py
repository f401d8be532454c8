"""Addresses of the parts of the service, and their time limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import platformdirs
from pydantic import SecretStr, field_validator, model_validator

from reglab.core.errors import FieldProblem
from reglab.core.settings.base import EnvironmentSettings, RefusedValueError, SettingsError, setting

# Kinds of addresses that can be used, and an example of each.
DATABASES = {
    "sqlite": "sqlite:////srv/reglab/reglab.db",
    "postgresql+psycopg": "postgresql+psycopg://reglab:password@db.example.org/reglab",
}
BROKERS = {
    "redis": "redis://:password@broker.example.org:6379/0",
    "rediss": "rediss://:password@broker.example.org:6379/0",
}


def _duration(default: float, what: str) -> Any:
    remedy = f"Set it to a positive number of seconds, e.g. {default:g}."
    return setting(default, what=what, remedy=remedy, gt=0)


class Settings(EnvironmentSettings):
    """Where the parts of the service are, and how long they may take."""

    home: Path = setting(
        default_factory=lambda: Path(platformdirs.user_data_dir("reglab")),
        what="Folder of the embedded database and broker; the user's data folder if not set.",
        remedy="Set it to a folder that this user may write to.",
    )
    database_url: str = setting(
        default_factory=lambda data: f"sqlite:///{data['home'] / 'reglab.db'}",
        repr=False,
        what="SQLAlchemy URL of the database; SQLite in REGLAB_HOME if not set.",
        remedy=f"Set it to one like {' or '.join(DATABASES.values())}.",
    )
    broker_password: SecretStr | None = setting(
        None,
        what="Password of the broker. It replaces the one in REGLAB_BROKER_URL.",
        remedy="Set it to the password, without percent-encoding.",
    )
    broker_url: str | None = setting(
        None,
        repr=False,
        what="URL of Redis; the embedded broker in REGLAB_HOME if not set.",
        remedy=f"Set it to one like {' or '.join(BROKERS.values())}.",
    )
    lease_seconds: float = _duration(
        30.0, "Seconds after which a lease without a heartbeat expires."
    )
    heartbeat_seconds: float = _duration(
        0.5,
        "Seconds between heartbeats, which also write curves and notice cancellations.",
    )
    checkpoint_seconds: float = _duration(5.0, "Seconds between checkpoints of a training.")
    reap_seconds: float = _duration(
        2.0, "Seconds between searches for expired leases and lost messages."
    )
    resend_seconds: float = _duration(
        20.0, "Seconds that a run may wait in the queue before its message is sent again."
    )
    starving_seconds: float = _duration(
        120.0,
        "Seconds that runs may be queued while a worker has free slots before the worker restarts, "
        "because messages do not reach it.",
    )
    max_attempts: int = setting(
        3,
        what="Number of attempts after which a run fails permanently.",
        remedy="Set it to a positive whole number, e.g. 3.",
        gt=0,
    )
    task_seconds: float = _duration(21_000.0, "Seconds that one attempt of a run may take.")
    grace_seconds: float = _duration(
        60.0, "Seconds after REGLAB_TASK_SECONDS at which the process of the attempt is ended."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        try:
            str(home).encode()
        except UnicodeEncodeError as error:
            raise RefusedValueError("Got a name that is not UTF-8.") from error
        return home.absolute()

    @field_validator("database_url")
    @classmethod
    def _database(cls, text: str) -> str:
        return _address(text, DATABASES)

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, text: str | None, info: Any) -> str | None:
        if not text:
            return None
        text, password = _address(text, BROKERS), info.data.get("broker_password")
        return _with_password(text, password.get_secret_value()) if password else text

    @model_validator(mode="after")
    def _with_home(self) -> Self:
        """Where the database or the broker is embedded, the folder is made."""
        if self.broker_url and "database_url" in self.model_fields_set:
            return self
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            detail = f"Cannot make the folder {self.home}: {error.strerror}."
            remedy = "Set it to a folder that this user may write to."
            raise SettingsError(FieldProblem("REGLAB_HOME", detail, remedy)) from error
        return self


def _address(text: str, kinds: dict[str, str]) -> str:
    """An address of one of the kinds; what is wrong with it is told without its password."""
    scheme, mark, _ = text.partition("://")
    try:
        names = _names_file if scheme == "sqlite" else _names_host
        sound = bool(mark) and scheme in kinds and names(text)
    except ValueError:
        sound = False
    if not sound:
        # The text itself may hold a password.
        wrong = f"Got an address that begins with {scheme[:20]!r}." if mark else "Got no address."
        if scheme == "sqlite":
            wrong = "Got an address that does not name a file alone."
        raise RefusedValueError(wrong)
    return text


def _names_file(address: str) -> bool:
    """Whether an address names a file alone: a database in memory belongs to one process."""
    parsed = urlsplit(address)
    return not parsed.netloc and len(parsed.path) > 1 and not parsed.query


def _names_host(address: str) -> bool:
    """Whether an address names a host and, if any, a port; ValueError for another port."""
    parsed = urlsplit(address)
    return bool(parsed.hostname) and parsed.port != 0


def _with_password(url: str, password: str) -> str:
    """The address with a password, every character of which stands for itself."""
    scheme, _, rest = url.partition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:{quote(password, safe='')}@{host}"
