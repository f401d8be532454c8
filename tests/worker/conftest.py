"""A delivery for each pair of database and broker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from reglab.core.storage.migrate import upgrade
from tests.servers import Postgres, Redis, Server
from tests.services import running
from tests.worker.harness import Delivery


@pytest.fixture(
    scope="module", params=["embedded", pytest.param("redis", marks=pytest.mark.services)]
)
def broker(request) -> str:
    """SQLite with the folder broker, or Postgres with Redis."""
    return request.param


@pytest.fixture(scope="module")
def servers(broker) -> Iterator[dict[str, Server]]:
    """Servers of this module's own, which tests may stop; none for the embedded pair."""
    with contextlib.ExitStack() as stack:
        if broker == "embedded":
            yield {}
            return
        kinds = {"postgres": Postgres, "redis": Redis}
        yield {name: stack.enter_context(running(kind)) for name, kind in kinds.items()}


@pytest.fixture(scope="module")
def delivery(servers, tmp_path_factory) -> Iterator[Delivery]:
    """A fresh database and broker; workers are started by tests and shared between them."""
    folder = tmp_path_factory.mktemp("delivery")
    env = {"REGLAB_HOME": str(folder / "home")}
    if servers:
        env["REGLAB_DATABASE_URL"] = servers["postgres"].url
        env["REGLAB_BROKER_URL"] = servers["redis"].url
    made = Delivery(env, folder)
    upgrade(made.settings.database_url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(delivery):
    """The bits of the run that other tests disturb."""
    delivery.the_worker()
    experiment = delivery.submit()
    delivery.wait_for(experiment)
    assert delivery.run(experiment).attempt == 1
    return delivery.bits(experiment)
