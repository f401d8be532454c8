"""The application: options of all commands, exit codes, errors without tracebacks."""

from __future__ import annotations

import errno
import math
import os
import traceback
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from reglab import __version__
from reglab.client.cli.output import print_json
from reglab.client.clients import Client
from reglab.client.errors import (
    ClientError,
    ExperimentFailedError,
    NotFoundError,
    ProblemError,
    RequestTimeoutError,
    ServerFaultError,
    ServerUnreachableError,
    UnexpectedReplyError,
    WaitTimeoutError,
)
from reglab.client.experiments import Experiment
from reglab.client.text import for_markup

EXIT_CODES = {
    0: "success",
    1: "the experiment failed or was cancelled, or doctor found a problem",
    2: "invalid command line",
    3: "no server responds, or it does not respond in time",
    4: "refused: invalid spec, wrong state, or unusable file",
    5: "error in the server or in reglab",
    6: "no such experiment, run or figure",
    7: "the waiting time has expired",
    130: "interrupted",
}
# The first that fits counts: special cases stand before general ones.
CODES: tuple[tuple[type[ClientError], int], ...] = (
    (ExperimentFailedError, 1),
    (ServerUnreachableError, 3),
    (RequestTimeoutError, 3),
    (ServerFaultError, 5),
    (UnexpectedReplyError, 5),
    (NotFoundError, 6),
    (WaitTimeoutError, 7),
    (ClientError, 4),
)
EPILOG = "Exit codes: " + "; ".join(f"{code} {text}" for code, text in EXIT_CODES.items()) + "."
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def tell_unfinished(experiment: Experiment) -> None:
    """Say on standard error that what is shown or saved is not all there will be."""
    counts = experiment.data.counts
    waiting = counts.get("queued", 0) + counts.get("running", 0)
    if waiting:
        done, total = counts.get("succeeded", 0), sum(counts.values())
        errors.print(f"{done} of {total} runs have finished so far; {waiting} continue.")


@dataclass
class Options:
    """What the root command was given."""

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    timeout: float = 60.0


class Group(TyperGroup):
    """Turns errors into messages and exit codes; REGLAB_DEBUG=1 shows tracebacks too."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ClientError as error:
            _report(error, as_json="--json" in ctx.obj_arguments)
            code = next(code for kind, code in CODES if isinstance(error, kind))
            raise typer.Exit(code) from None
        except (typer.Exit, typer.Abort):
            raise
        except OSError as error:
            # A reader that closed its end of a pipe is dealt with by click.
            if error.errno == errno.EPIPE:
                raise
            _debug()
            where = f"{error.filename}: " if error.filename else ""
            errors.print(f"[red]error:[/] {for_markup(where)}{for_markup(error.strerror or '')}.")
            raise typer.Exit(1) from None
        except Exception as error:
            if type(error).__module__.startswith(("typer", "click")):
                raise
            _debug()
            errors.print(
                f"[red]reglab made a mistake:[/] {type(error).__name__}: {for_markup(str(error))}"
            )
            errors.print("Run again with REGLAB_DEBUG=1 for the details, and report them.")
            raise typer.Exit(5) from None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the arguments: how an error is told depends on --json."""
        ctx.obj_arguments = list(args)
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Group,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ExperimentArgument = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT",
        help="Id, the beginning or end of one, or 'last'.",
        show_default=False,
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reglab {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(envvar="REGLAB_URL", help="Address of the server.", show_default=False),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="REGLAB_TOKEN",
            help="Bearer token. Other users of this machine can read arguments, so prefer the "
            "variable.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for a response.")] = 60.0,
    version: Annotated[  # noqa: ARG001 # its callback prints it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Experiments on the regularization of neural networks."""
    if not 0 < timeout < math.inf:
        raise typer.BadParameter("Give a positive number of seconds.", param_hint="--timeout")
    ctx.obj = Options(url, token, timeout)


def connect(ctx: typer.Context, retries: int = 2) -> Client:
    """A client of the server that the root options name."""
    options: Options = ctx.find_root().obj
    return Client(options.url, options.token, timeout=options.timeout, retries=retries)


def find(client: Client, text: str) -> Experiment:
    """The experiment of an id, of the beginning or end of one, or the newest for 'last'."""
    if len(text) == 36:
        return client.get(text)
    if text == "last":
        newest = next(client.list(limit=1), None)
        if newest is None:
            raise _unknown("There is no experiment yet.", "Submit one: `reglab submit l2`.")
        return client.get(newest)
    found = [
        item.id
        for item in client.list(limit=500)
        if item.id.startswith(text) or item.id.endswith(text)
    ]
    if len(found) == 1 and len(text) >= 4:
        return client.get(found[0])
    if found:
        raise _unknown(f"'{text}' fits {len(found)} experiments.", "Give more of the id.")
    raise _unknown(f"There is no experiment '{text}'.", "See `reglab list`.")


def _unknown(detail: str, remedy: str) -> NotFoundError:
    error = {"field": "experiment", "detail": detail, "remedy": remedy}
    return NotFoundError(404, {"title": "Not found", "detail": detail, "errors": [error]})


def _report(error: ClientError, as_json: bool) -> None:
    _debug()
    if as_json:
        print_json(_document(error), err=True)
        return
    if isinstance(error, ProblemError) and error.errors:
        for item in error.errors:
            where = f"[bold]{for_markup(item.field)}[/]: " if item.field else ""
            errors.print(f"[red]error:[/] {where}{for_markup(item.detail)}")
            if item.remedy:
                errors.print(f"  {for_markup(item.remedy)}")
    else:
        errors.print(f"[red]error:[/] {for_markup(error.message)}")
        if error.remedy:
            errors.print(f"  {for_markup(error.remedy)}")
    if isinstance(error, ServerFaultError) and error.request_id:
        errors.print(f"  Request id: {for_markup(error.request_id)}")


def _document(error: ClientError) -> dict[str, Any]:
    found: dict[str, Any] = {
        "error": type(error).__name__,
        "detail": error.message,
        "remedy": error.remedy,
    }
    if isinstance(error, ProblemError):
        found["status"] = error.status
        found["request_id"] = error.request_id
        found["errors"] = [item.model_dump() for item in error.errors]
    return found


def _debug() -> None:
    if os.environ.get("REGLAB_DEBUG"):
        traceback.print_exc()
