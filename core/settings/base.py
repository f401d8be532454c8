"""What every class of settings shares: how variables are named, read and refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from reglab.core.errors import FieldProblem, FieldProblemError, ReglabError

PREFIX = "REGLAB_"
# The exit code of a server or worker that must not start as it is set.
REFUSED = 2
MOST_SHOWN = 80


class SettingsError(FieldProblemError):
    """A REGLAB_* variable has a value that cannot be used."""


def setting(
    default: Any = ..., *, what: str, remedy: str, variable: str | None = None, **others: Any
) -> Any:
    """A field of settings.

    Args:
        default: Used where the variable is not set or empty.
        what: What it sets, for the reference.
        remedy: What a right value is, a sentence.
        variable: Name of the variable; REGLAB_ and the field's name if left out.
        **others: Of pydantic's ``Field``.
    """
    if "default_factory" not in others:
        others["default"] = default
    others["json_schema_extra"] = {**others.get("json_schema_extra", {}), "remedy": remedy}
    return Field(description=what, validation_alias=variable, **others)


class EnvironmentSettings(BaseSettings):
    """Frozen settings; ``from_env`` alone reads the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        enable_decoding=False,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The arguments alone: what code gives must not depend on where it runs."""
        return (init_settings,)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the environment.

        Args:
            env: Used in place of this process's environment.

        Raises:
            SettingsError: A value cannot be used; it names the variable and what would be right.
        """
        source = EnvSettingsSource(cls)
        source.env_vars = {
            name.lower(): value
            for name, value in (os.environ if env is None else env).items()
            if name == name.upper()
        }
        found = {name: value for name, value in source().items() if value != ""}
        try:
            return cls(**found)
        except ValidationError as error:
            raise SettingsError(cls._problems(error, found)) from None

    @classmethod
    def variables(cls) -> dict[str, FieldInfo]:
        """The fields by the names of their variables."""
        return {cls._variable(name): field for name, field in cls.model_fields.items()}

    @classmethod
    def _variable(cls, name: str) -> str:
        return str(cls.model_fields[name].validation_alias or f"{PREFIX}{name.upper()}")

    @classmethod
    def _problems(cls, error: ValidationError, found: Mapping[str, Any]) -> list[FieldProblem]:
        fields = cls.variables() | cls.model_fields
        problems = []
        for each in error.errors(include_url=False):
            # The location begins with the name by which the value was given.
            name = str(each["loc"][0])
            if name not in found:
                # A default that rests on a value that is refused.
                continue
            variable = cls._variable(name) if name in cls.model_fields else name
            own = each.get("ctx", {}).get("error")
            detail = (
                str(own) if isinstance(own, RefusedValueError) else f"Got {_shown(found[name])}."
            )
            extra: Any = fields[name].json_schema_extra
            problems.append(FieldProblem(variable, detail, extra["remedy"]))
        return problems


class RefusedValueError(ReglabError, ValueError):
    """A validator's own sentence on what is wrong, in place of the value."""


def _shown(value: object) -> str:
    """The beginning of a value."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 4]}...{text[-1]}"
