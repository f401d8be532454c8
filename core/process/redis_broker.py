"""Redis as a broker: kombu's transport, which what is no message does not end."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from queue import Empty
from typing import Any

from kombu.transport import redis
from redis.exceptions import ResponseError

from reglab.core.process.broker import is_message

log = logging.getLogger("reglab.broker")


class RedisChannel(redis.Channel):
    """Kombu's Redis channel, which what is no message does not end."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            log.warning("dropped from the queue what is no message: %s", error)
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            self._drop_other_types(self.active_queues)
        raise Empty

    def _size(self, queue: str) -> int:
        try:
            return int(super()._size(queue))  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            self._drop_other_types([queue])
            return 0

    def _drop_other_types(self, queues: Iterable[str]) -> None:
        with self.conn_or_acquire() as client:
            for queue in list(queues):
                for step in self.priority_steps:
                    name = self._q_for_pri(queue, step)  # type: ignore[no-untyped-call]
                    if client.type(name) not in (b"list", b"none", "list", "none"):
                        log.warning("deleted the key '%s', which is no list", name)
                        client.delete(name)


class RedisTransport(redis.Transport):
    """Kombu's Redis transport, with messages that are none left out."""

    Channel = RedisChannel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_message(message):
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            log.warning("dropped from the queue what is no message: %.100r", message)
