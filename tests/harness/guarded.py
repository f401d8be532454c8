"""A server that asks for tokens, in this process, and a token of each scope."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from reglab.api.access.policy import Policy
from reglab.api.app import create_app
from reglab.core.settings import Settings
from reglab.core.storage import SCOPES, Storage
from reglab.core.storage.migrate import upgrade

TOKENS = Policy(mode="tokens")


class Guarded:
    """Apps of any policy over one database.

    Attributes:
        storage: The database.
        texts: The text of a token by its scope.
        ids: Its id.
    """

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder, database_url=f"sqlite:///{folder / 'reglab.db'}")
        upgrade(self.settings.database_url)
        self.storage = Storage.of(self.settings)
        made = {scope: self.storage.tokens.create(f"the {scope} one", scope) for scope in SCOPES}
        self.texts = {scope: text for scope, (_, text) in made.items()}
        self.ids = {scope: record.id for scope, (record, _) in made.items()}

    def client(self, policy: Policy = TOKENS, scope: str | None = None, **options) -> TestClient:
        """A client that sends the scope's token, or none."""
        headers = {"Authorization": f"Bearer {self.texts[scope]}"} if scope else {}
        options = {"raise_server_exceptions": False, "follow_redirects": False, **options}
        return TestClient(create_app(self.settings, policy), headers=headers, **options)
