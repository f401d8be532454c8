"""tokens: who may use a server that asks for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from reglab.client.cli.base import Json, connect
from reglab.client.cli.output import console, print_json, print_table
from reglab.client.cli.service import run_here
from reglab.client.models import NewToken, TokenInfo, TokenScope
from reglab.client.own_server import need_extra
from reglab.client.submission import token_id
from reglab.client.tables import Table

commands = typer.Typer(help="Create, list and revoke tokens.", no_args_is_help=True)
Here = Annotated[
    bool,
    typer.Option(
        "--here",
        help="Use the database of REGLAB_DATABASE_URL or REGLAB_HOME directly, as for the first "
        "token. By default the server is used, which needs a token with the scope admin.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    commands.command()(create)
    commands.command("list")(list_tokens)
    commands.command()(revoke)
    app.add_typer(commands, name="tokens", rich_help_panel="Service")


def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Purpose or owner of the token.", show_default=False)],
    scope: Annotated[
        TokenScope, typer.Option(help="Scope of the token; each scope includes the previous ones.")
    ] = "read",
    days: Annotated[float, typer.Option(min=0.001, max=36500, help="Days until it expires.")] = 90,
    never: Annotated[
        bool, typer.Option("--never-expires", help="Create a token that does not expire.")
    ] = False,
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Create a token and print it once on standard output."""
    if here:
        end = ["--never-expires"] if never else ["--days", str(days)]
        _here("create", "--scope", scope, *end, *_json(as_json), "--", name)
    with connect(ctx) as client:
        made = client.create_token(name, scope, None if never else days)
    if as_json:
        print_json(made)
        return
    typer.echo(made.token)
    typer.echo(_told(made), err=True)


def list_tokens(ctx: typer.Context, here: Here = False, as_json: Json = False) -> None:
    """List all tokens without their secrets, including expired and revoked ones."""
    if here:
        _here("list", *_json(as_json))
    with connect(ctx) as client:
        found = client.tokens()
    if as_json:
        print_json(found)
    elif found:
        print_table(Table.of_rows([_row(token) for token in found]))
    else:
        console().print("No tokens. Make one: `reglab tokens create NAME`.")


def revoke(
    ctx: typer.Context,
    token: Annotated[
        str,
        typer.Argument(metavar="ID", help="Id of the token, as listed.", show_default=False),
    ],
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Revoke a token and the sessions of browsers that signed in with it."""
    identity = token_id(token)
    if here:
        _here("revoke", *_json(as_json), "--", identity)
    with connect(ctx) as client:
        client.revoke_token(identity)
    if as_json:
        print_json({"id": identity, "state": "revoked"})
    else:
        console().print(f"Revoked {identity}.")


def _here(*arguments: str) -> None:
    need_extra("fastapi", "server", "`reglab tokens --here`")
    run_here("reglab.api.tokens", arguments)


def _json(wanted: bool) -> list[str]:
    return ["--json"] if wanted else []


def _told(made: NewToken) -> str:
    end = f"until {_day(made.expires_at)}" if made.expires_at else "without expiry"
    return f"Token {made.id} for '{made.name}', scope {made.scope}, {end}. It is not shown again."


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _row(token: TokenInfo) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope,
        "state": token.state,
        "created": _day(token.created_at),
        "expires": _day(token.expires_at) or "never",
        "last used": _day(token.last_used_at),
    }
