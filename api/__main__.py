"""``reglab server``: the server on REGLAB_HOST and REGLAB_PORT."""

from __future__ import annotations

import gc
import sys

import structlog
import uvicorn

from reglab.api.access.policy import Policy
from reglab.api.limits import memory, protocol
from reglab.core.errors import FieldProblemError
from reglab.core.process import logs, tracing
from reglab.core.process.parent import end_with_parent
from reglab.core.settings import REFUSED, Limits, Settings

SWITCH_SECONDS = 0.001


def share_time() -> None:
    """Long work in a thread shall not hold up the event loop: it hands over within a millisecond.

    What was made so far lives as long as the process: collecting garbage passes over it, which
    would stop all threads for a quarter of a second.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code where the server must not start."""
    end_with_parent()
    memory.give_back()
    try:
        logs.configure("api")
        tracing.start("api")
        settings, policy, limits = Settings.from_env(), Policy.from_env(), Limits.from_env()
        # What is refused is told before the rest, which takes seconds to import.
        from reglab.api.access import start
        from reglab.core.storage import Storage

        warning = start.check(policy, Storage.of(settings))
    except FieldProblemError as error:
        print(error, file=sys.stderr)
        return REFUSED
    from reglab.api.stack import StackError, check_address

    try:
        check_address(policy.host, policy.port)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    if warning:
        structlog.get_logger("reglab.api").warning("open", detail=warning)
    from reglab.api.app import create_app

    app = create_app(settings, policy, limits)
    share_time()
    uvicorn.run(
        app,
        host=policy.host,
        port=policy.port,
        # Our own middleware writes the access log, with request ids.
        access_log=False,
        server_header=False,
        log_level="warning",
        # Its records go where all others go, in the same form.
        log_config=None,
        timeout_graceful_shutdown=5,
        **protocol.options(limits, policy.trusts),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
