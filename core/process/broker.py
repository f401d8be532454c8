"""How a message gets from the server to a worker: names, and the broker that needs no server.

A message says "work waits" and no more; the database holds the queue. So a message may be lost,
late or doubled, and the embedded broker may be simple: a folder with one file a message.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

from reglab.core.settings import Settings

log = logging.getLogger("reglab.broker")
RUN_TASK = "reglab.run"
QUEUE = "reglab"
EMBEDDED_URL = "folder://localhost/"
POLL_SECONDS = 0.01
LEFT_BEHIND = (".draft", ".taken")
LEFT_SECONDS = 3600.0
CONNECT_SECONDS = 2.0


def is_message(payload: Any) -> bool:
    """Whether it has the parts that kombu reads of a message before anyone else looks at it."""
    if not isinstance(payload, dict) or not isinstance(payload.get("headers"), dict):
        return False
    properties = payload.get("properties")
    return (
        "body" in payload
        and isinstance(properties, dict)
        and isinstance(properties.get("delivery_tag"), str)
        and isinstance(properties.get("delivery_info"), dict)
    )


class Channel(filesystem.Channel):
    """Kombu's folder channel, with messages that appear whole and are taken by one reader.

    Kombu creates a message's file and then fills it, so a reader in between takes it empty and
    dies, and so it does with the file of bindings; and it moves files to the temporary folder,
    which may be on another disk, where a move is a copy that two readers can both make.
    """

    def get_table(self, exchange: str) -> list[Any]:
        """Bindings of an exchange: each is bound to the queue of its name, and nothing else is."""
        return [filesystem.exchange_queue_t(exchange, "", exchange)]

    def _queue_bind(self, *_: Any) -> None:
        """Nothing to keep: see ``get_table``."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{uuid4().hex}.{queue}.msg"
        draft = folder / f"{name}.draft"
        draft.write_text(dumps(payload))  # type: ignore[no-untyped-call]
        draft.replace(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        ending = f".{queue}.msg"
        try:
            entries = list(os.scandir(self.data_folder_in))
        except OSError:
            # Not there yet, or not now: what cannot be read is an empty queue.
            raise Empty from None
        for entry in entries:
            if entry.name.endswith(LEFT_BEHIND):
                _remove_old(entry)
        found = [entry.path for entry in entries]
        for path in found:
            if path.endswith(ending):
                payload = _take(Path(path))
                if payload is not None:
                    return payload
        raise Empty

    def _size(self, queue: str) -> int:
        try:
            names = os.listdir(self.data_folder_in)
        except OSError:
            return 0
        return sum(name.endswith(f".{queue}.msg") for name in names)


class Transport(filesystem.Transport):
    """The embedded broker, as ``folder://``."""

    Channel = Channel


TRANSPORT_ALIASES["folder"] = f"{__name__}:Transport"
# Imported where the broker is Redis, as its library takes a third of a second.
TRANSPORT_ALIASES["redis"] = f"{__package__}.redis_broker:RedisTransport"
TRANSPORT_ALIASES["rediss"] = TRANSPORT_ALIASES["redis"]


def broker_url(settings: Settings) -> str:
    """The settings' broker, or the embedded one in the home folder."""
    return settings.broker_url or EMBEDDED_URL


def transport_options(
    settings: Settings, visibility_seconds: float | None = None
) -> dict[str, Any]:
    """Kombu's options of either broker.

    Args:
        settings: Where the broker is.
        visibility_seconds: How long Redis hides a message that a reader has not yet confirmed.
    """
    if not settings.broker_url:
        folder = str(settings.home / "broker")
        return {
            # One folder serves both ways: what is put in is what is taken out.
            "data_folder_in": folder,
            "data_folder_out": folder,
            # Between looks into the folder: this is the latency of an idle worker.
            "polling_interval": POLL_SECONDS,
        }
    options: dict[str, Any] = {
        # A broker that is away is noticed in seconds, not in the kernel's minutes.
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_keepalive": True,
    }
    if visibility_seconds is not None:
        options["visibility_timeout"] = visibility_seconds
    return options


def _remove_old(entry: os.DirEntry[str]) -> None:
    """A file that a killed process was about to give a name, or to read."""
    with contextlib.suppress(OSError):
        if time.time() - entry.stat().st_mtime > LEFT_SECONDS:
            Path(entry.path).unlink()


def _take(path: Path) -> Any:
    """The message, gone from the folder; None if another reader has it or it is not one."""
    mine = path.with_name(f"{uuid4().hex}.taken")
    try:
        path.rename(mine)
        data = mine.read_bytes()
        mine.unlink()
    except OSError:
        # Another reader was first.
        return None
    try:
        payload = loads(data.decode())  # type: ignore[no-untyped-call]
    except ValueError as error:
        log.warning("dropped from the broker's folder what is no message: %s", error)
        return None
    if not is_message(payload):
        log.warning("dropped from the broker's folder what is no message: %.100r", payload)
        return None
    return payload
