"""``reglab limits``: the limits of a server in this environment."""

from __future__ import annotations

import os
import sys

from reglab.core.settings.limits import Limits, table


def main() -> None:
    """Print the table; a reader that closes early, such as ``head``, ends it quietly."""
    try:
        print(table(Limits.from_env()), flush=True)
    except BrokenPipeError:
        # What is left to write at the interpreter's end has nobody to read it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
