"""For ``reglab tokens --here``: make, list and revoke tokens in the database itself.

It needs no server and no token, but the database's own credentials: the first token is made so.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from reglab.core.errors import ReglabError
from reglab.core.settings import Settings
from reglab.core.storage import AccessScope, Storage, TokenRecord
from reglab.core.storage.migrate import upgrade

app = typer.Typer(
    help="Tokens of the database that REGLAB_DATABASE_URL or REGLAB_HOME name.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def expiry(days: float | None) -> datetime | None:
    """The moment in so many days; None for never."""
    return None if days is None else datetime.now(UTC) + timedelta(days=days)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Purpose or owner of the token.")],
    scope: Annotated[AccessScope, typer.Option(help="Scope of the token.")] = "read",
    days: Annotated[float, typer.Option(min=0.001, max=36500, help="Expires after.")] = 90,
    never: Annotated[bool, typer.Option("--never-expires", help="No expiry.")] = False,
    as_json: Json = False,
) -> None:
    """Make a token; its text is printed once, on standard output."""
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise typer.BadParameter("Use 1 to 100 printable characters.", param_hint="NAME")
    record, text = _storage().tokens.create(name, scope, expiry(None if never else days))
    if as_json:
        print(json.dumps({**_row(record), "token": text}, indent=2))
        return
    print(text)
    print(f"{_line(record)}\nIt is not shown again.", file=sys.stderr)


@app.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List all tokens, without their secrets."""
    found = _storage().tokens.everyone()
    if as_json:
        print(json.dumps([_row(record) for record in found], indent=2))
        return
    for record in found:
        print(_line(record))


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    as_json: Json = False,
) -> None:
    """End a token, and the sessions of browsers that signed in with it, at once."""
    record = _storage().tokens.revoke(token_id)
    print(json.dumps(_row(record), indent=2) if as_json else _line(record))


def main() -> None:
    """Entry point; errors are told without a traceback."""
    try:
        app(prog_name="python -m reglab.api.tokens")
    except ReglabError as error:
        print(f"error: {error} {getattr(error, 'remedy', '')}".rstrip(), file=sys.stderr)
        sys.exit(1)


def _storage() -> Storage:
    settings = Settings.from_env()
    upgrade(settings.database_url)
    return Storage.of(settings)


def _row(record: TokenRecord) -> dict[str, str | None]:
    row = {
        field: value.isoformat() if isinstance(value, datetime) else value
        for field, value in vars(record).items()
    }
    return {**row, "state": record.state(datetime.now(UTC))}


def _line(record: TokenRecord) -> str:
    end = f"until {record.expires_at:%Y-%m-%d}" if record.expires_at else "never expires"
    used = f"last used {record.last_used_at:%Y-%m-%d}" if record.last_used_at else "not used yet"
    state = record.state(datetime.now(UTC))
    return f"{record.id}  {record.scope:6}  {state:7}  {record.name}  ({end}, {used})"


if __name__ == "__main__":
    main()
