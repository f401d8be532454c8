"""All settings: REGLAB_* variables of the environment, one class per concern."""

from reglab.core.settings.access import AccessSettings
from reglab.core.settings.base import REFUSED, EnvironmentSettings, SettingsError
from reglab.core.settings.known import unknown_variables
from reglab.core.settings.limits import Limits
from reglab.core.settings.process import (
    DataSettings,
    LogSettings,
    MigrationSettings,
    WorkerSettings,
)
from reglab.core.settings.service import Settings

__all__ = [
    "REFUSED",
    "AccessSettings",
    "DataSettings",
    "EnvironmentSettings",
    "Limits",
    "LogSettings",
    "MigrationSettings",
    "Settings",
    "SettingsError",
    "WorkerSettings",
    "unknown_variables",
]
