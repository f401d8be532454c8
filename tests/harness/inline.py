"""A live service for the suite, and an in-process one whose runs are trained on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from reglab.api.app import create_app
from reglab.core.settings import Settings
from reglab.core.settings.limits import Limits
from reglab.core.storage import Storage
from reglab.core.storage.migrate import upgrade
from reglab.worker.execute import Execution
from reglab.worker.tasks import describe

SMALL = {
    "dataset": {"name": "two_moons", "train_size": 40, "test_size": 60, "label_flip": 0.1},
    "model": {"hidden": [6, 5]},
    "optimizer": {"schedule": {"lr": 0.3}},
    "training": {"epochs": 6, "batch_size": 8, "eval_every": 2},
    "probes": {"boundary": {"resolution": 10}, "spectrum": {"snapshots": 3}},
}

# A suite asks faster than any person, and always from one address.
UNHURRIED = Limits(rate=0)


class Inline:
    """The app without a network, and its runs trained in this process when asked to.

    Attributes:
        http: Client of the app, faults included as 500s.
        storage: The app's own database.
    """

    def __init__(self, folder: Path, limits: Limits = UNHURRIED) -> None:
        self.settings = Settings(home=folder, database_url=f"sqlite:///{folder / 'reglab.db'}")
        upgrade(self.settings.database_url)
        self.storage = Storage.of(self.settings)
        app = create_app(self.settings, limits=limits)
        self.http = TestClient(app, raise_server_exceptions=False)

    def submit(self, document: dict[str, Any], **headers: str) -> dict[str, Any]:
        reply = self.http.post("/v1/experiments", json=document, headers=headers)
        assert reply.status_code == 202, reply.text
        return dict(reply.json())

    def train(self) -> None:
        """Lease and train runs until nothing waits, as a worker would."""
        while (lease := self.storage.runs.lease_next("test")) is not None:
            Execution(self.storage, lease, self.settings).run()

    def train_as_told(self) -> list[str]:
        """As ``train``, but an error fails its run as in a worker; what became of each."""
        outcomes = []
        while (lease := self.storage.runs.lease_next("test")) is not None:
            execution = Execution(self.storage, lease, self.settings)
            try:
                execution.run()
                outcomes.append("succeeded")
            except Exception as error:
                document, _ = describe(lease, error)
                columns = execution.columns()
                self.storage.runs.fail(lease, document, False, columns, execution.epoch)
                outcomes.append(str(document["type"]))
        return outcomes

    def finished(self, document: dict[str, Any]) -> dict[str, Any]:
        """Submit, train, and return the experiment as the API gives it."""
        made = self.submit(document)
        self.train()
        return dict(self.get(f"/experiments/{made['id']}"))

    def get(self, path: str, **params: Any) -> Any:
        reply = self.http.get(f"/v1{path}", params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()
