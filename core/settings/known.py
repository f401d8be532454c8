"""Names of all variables that begin with REGLAB_, and what looks like one but is none."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from reglab.core.errors import suggestion
from reglab.core.settings.base import PREFIX, EnvironmentSettings

# Read by the client, by compose and by tests and benchmarks.
OTHERS = {
    "REGLAB_URL",
    "REGLAB_TOKEN",
    "REGLAB_DEBUG",
    "REGLAB_POSTGRES_PASSWORD",
    "REGLAB_REDIS_PASSWORD",
    "REGLAB_PARENT_PIPE",
    "REGLAB_FUZZ",
}
# Kubernetes sets these for each service; others are of the suite.
FOREIGN = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_\d+_.*)|REGLAB_(TEST|LOAD)_.*")


def known_variables() -> set[str]:
    """Every variable that something reads."""
    found = set(OTHERS)
    waiting = [EnvironmentSettings]
    while waiting:
        kind = waiting.pop()
        found |= kind.variables().keys()
        waiting += kind.__subclasses__()
    return found


def unknown_variables(env: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each REGLAB_* variable that nothing reads."""
    known = known_variables()
    told = []
    for name in sorted(os.environ if env is None else env):
        if name.startswith(PREFIX) and name not in known and not FOREIGN.fullmatch(name):
            detail = f"{name} is no setting of reglab and is ignored."
            told.append(f"{detail} {suggestion(name, sorted(known))}".rstrip())
    return told
