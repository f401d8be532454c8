"""Real workers over each pair of database and broker, as in the worker's own tests."""

from tests.worker.conftest import broker, delivery, servers  # noqa: F401
