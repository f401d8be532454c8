"""The command line ``reglab``."""

from reglab.client.cli import (
    catalog,
    datasets,
    listing,
    operating,
    reproducing,
    results,
    service,
    submitting,
    tokens,
    watching,
)
from reglab.client.cli.base import app
from reglab.client.text import write_anywhere

__all__ = ["app", "main"]

for _module in (
    service,
    tokens,
    submitting,
    listing,
    watching,
    results,
    catalog,
    datasets,
    reproducing,
    operating,
):
    _module.register(app)


def main() -> None:
    """Entry point of the script."""
    write_anywhere()
    app(prog_name="reglab")
