"""``reglab limits``: the limits of a server in this environment."""

from __future__ import annotations

import sys

from reglab.core.process.commands import run_command
from reglab.core.settings.limits import Limits, table


def main() -> None:
    """Print the table."""
    print(table(Limits.from_env()))


if __name__ == "__main__":
    sys.exit(run_command(main))
