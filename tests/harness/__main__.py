"""Postgres and Redis for a command.

``python -m tests.harness COMMAND...`` starts both, runs the command with their addresses in
REGLAB_TEST_POSTGRES_URL and REGLAB_TEST_REDIS_URL, stops them, and ends with its exit code.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

from tests.harness.servers import POSTGRES_VARIABLE, REDIS_VARIABLE, Absent, Postgres, Redis


def main(command: list[str]) -> int:
    """Run the command beside both servers."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        try:
            postgres, redis = stack.enter_context(Postgres()), stack.enter_context(Redis())
        except Absent as error:
            print(f"{error} is not installed; on Debian: apt-get install postgresql redis-server")
            return 2
        print(f"Postgres on port {postgres.port}, Redis on port {redis.port}.", flush=True)
        env = {**os.environ, POSTGRES_VARIABLE: postgres.url, REDIS_VARIABLE: redis.url}
        child = subprocess.Popen(command, env=env)
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
