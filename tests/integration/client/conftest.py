"""Both clients behind one face."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reglab.client import AsyncClient, Client

SMALL = {
    "name": "small moons",
    "tags": ["tests"],
    "dataset": {"name": "two_moons", "train_size": 40, "test_size": 60, "label_flip": 0.1},
    "model": {"hidden": [8], "activation": "tanh"},
    "optimizer": {"name": "adam", "schedule": {"lr": 0.02}},
    "training": {"epochs": 12, "batch_size": 16, "eval_every": 3},
    "regularization": {"dropout": 0.2},
    "probes": {"boundary": {"resolution": 10}, "spectrum": {"snapshots": 4}},
    "sweep": {"regularization.l2": [0, 0.01]},
}


@pytest.fixture(scope="session")
def finished(server) -> str:
    """Id of a finished small experiment; not to be changed."""
    with Client(server) as client:
        return client.submit(SMALL).wait(timeout=240, progress=False).id


class Face:
    """A Client or an AsyncClient; calling it resolves what their operations return."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._runner = asyncio.Runner()
        self._made: list[Any] = []

    def client(self, url: str | None, token: str | None = None, **options: Any) -> Any:
        made = (Client if self.kind == "sync" else AsyncClient)(url, token, **options)
        self._made.append(made)
        return made

    def __call__(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            return self._runner.run(_await(value))
        if inspect.isasyncgen(value):
            return self._runner.run(_collect(value))
        return list(value) if inspect.isgenerator(value) else value

    def close(self) -> None:
        for made in self._made:
            self(made.close())
        self._runner.close()


async def _await(value: Any) -> Any:
    return await value


async def _collect(value: Any) -> list[Any]:
    return [item async for item in value]


@pytest.fixture(params=["sync", "async"])
def face(request) -> Iterator[Face]:
    """Each test that uses it runs with both clients."""
    made = Face(request.param)
    yield made
    made.close()


@pytest.fixture
def client(face, server) -> Any:
    """A client of the live server."""
    return face.client(server)


@pytest.fixture
def resolve(face) -> Callable[[Any], Any]:
    """Results of operations, awaited where the client is asynchronous."""
    return face
