"""Orders of the listing of experiments, and cursors that hold a place in one."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal

from sqlalchemy import Select, and_, or_

from reglab.core.storage.models import Experiment
from reglab.core.storage.records import ExperimentRecord

Sort = Literal["-created", "created", "name", "-name"]


def ordered(query: Select[Any], sort: Sort, cursor: str | None) -> Select[Any]:
    """The query in this order, from behind the cursor; ValueError if it belongs to another order.

    Ids are UUIDv7, so their order is that of creation.
    """
    falling = sort.startswith("-")
    keys = [Experiment.name, Experiment.id] if sort.endswith("name") else [Experiment.id]
    query = query.order_by(*(key.desc() if falling else key.asc() for key in keys))
    if cursor is None:
        return query
    identifier, name = _parse(cursor)
    if (name is not None) != sort.endswith("name"):
        raise ValueError("The cursor is of another order.")
    beyond = Experiment.id < identifier if falling else Experiment.id > identifier
    if name is not None:
        further = Experiment.name < name if falling else Experiment.name > name
        beyond = or_(further, and_(Experiment.name == name, beyond))
    return query.where(beyond)


def cursor_after(item: ExperimentRecord, sort: Sort) -> str:
    """A cursor to go on behind this item; it holds even if the item is deleted."""
    if not sort.endswith("name"):
        return item.id
    return f"{item.id}~{base64.urlsafe_b64encode(item.name.encode()).decode().rstrip('=')}"


def _parse(cursor: str) -> tuple[str, str | None]:
    identifier, tilde, encoded = cursor.partition("~")
    try:
        padded = encoded.encode("ascii") + b"=" * (-len(encoded) % 4)
        name = base64.urlsafe_b64decode(padded).decode() if tilde else None
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("Not a cursor.") from error
    if name is not None and "\0" in name:
        raise ValueError("Not a cursor.")
    return identifier, name
