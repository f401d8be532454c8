"""The client's live server serves the docs too."""

from tests.client.conftest import finished, server  # noqa: F401
