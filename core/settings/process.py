"""Settings of single processes: logs, a worker's size, folders of data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import field_validator

from reglab.core.settings.base import EnvironmentSettings, RefusedValueError, setting

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Form = Literal["json", "text"]


class LogSettings(EnvironmentSettings):
    """What is logged, and how."""

    log_level: Level = setting(
        "INFO",
        what="Lowest level of the messages that reglab and Celery log.",
        remedy="Use one of DEBUG, INFO, WARNING, ERROR.",
    )
    log_format: Form = setting(
        "json",
        what="Format of log lines: one JSON object per line, or text.",
        remedy="Use json or text.",
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, text: str) -> str:
        return text.upper()

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, text: str) -> str:
        return text.lower()


class WorkerSettings(EnvironmentSettings):
    """The size of a worker."""

    worker_processes: int = setting(
        default_factory=lambda: os.cpu_count() or 1,
        what="Number of runs that a worker trains at the same time; one per core if not set.",
        remedy="Set it to a number of processes from 1 to 1024, e.g. 2.",
        ge=1,
        le=1024,
    )


class DataSettings(EnvironmentSettings):
    """Where datasets are, and whether they may be downloaded."""

    data_dir: Path | None = setting(
        None,
        what="Folder that contains mnist/ and fashion_mnist/, each with four IDX files.",
        remedy="Set it to a folder.",
    )
    cache_dir: Path = setting(
        default_factory=lambda: Path(platformdirs.user_cache_dir("reglab")),
        what="Folder of downloaded datasets; the user's cache folder if not set.",
        remedy="Set it to a folder.",
    )
    download: bool = setting(
        True,
        what="Whether datasets may be downloaded.",
        remedy="Set it to 1 (yes) or 0 (no).",
    )


class MigrationSettings(EnvironmentSettings):
    """Where the database's migrations are."""

    migrations: Path | None = setting(
        None,
        what="Folder of the database migrations; the one of the package if not set.",
        remedy="Set it to a folder with env.py and versions/, or leave it out.",
    )

    @field_validator("migrations")
    @classmethod
    def _holds_scripts(cls, folder: Path | None) -> Path | None:
        if folder is not None and not (folder / "env.py").is_file():
            raise RefusedValueError(f"There are no migrations in {str(folder)[:200]!r}.")
        return folder
