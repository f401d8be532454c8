"""Names of all variables that begin with REGLAB_, and what looks like one but is none."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from reglab.core.errors import suggestion
from reglab.core.settings.base import PREFIX, EnvironmentSettings

# Read elsewhere than in `core.settings`, and what each sets.
OTHERS = {
    "REGLAB_URL": "Address of the server for the Python client and the command line; "
    "`http://127.0.0.1:8000` if not set.",
    "REGLAB_TOKEN": "Bearer token that the Python client and the command line send.",
    "REGLAB_DEBUG": "`1` makes the command line show the traceback of an unexpected error.",
    "REGLAB_POSTGRES_PASSWORD": "Password of Postgres in `docker-compose.yml` and the manifests.",
    "REGLAB_REDIS_PASSWORD": "Password of Redis in `docker-compose.yml` and the manifests.",
    "REGLAB_PARENT_PIPE": "Set by `reglab serve` for its own processes, which end when it does.",
    "REGLAB_FUZZ": "How many times as many inputs the tests in `tests/integration/security` try.",
}
# Kubernetes sets these for each service; others are of the suite.
FOREIGN = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_\d+_.*)|REGLAB_(TEST|LOAD)_.*")


def known_variables() -> set[str]:
    """Every variable that something reads."""
    return set(OTHERS).union(*(kind.variables() for kind in EnvironmentSettings.__subclasses__()))


def unknown_variables(env: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each REGLAB_* variable that nothing reads."""
    known = known_variables()
    told = []
    for name in sorted(os.environ if env is None else env):
        if name.upper().startswith(PREFIX) and name not in known and not FOREIGN.fullmatch(name):
            detail = f"{name} is no setting of reglab and is ignored."
            told.append(f"{detail} {suggestion(name, sorted(known))}".rstrip())
    return told
