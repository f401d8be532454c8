"""How much one request, client or experiment may take: one table, read from REGLAB_* variables.

Every refusal names the limit's variable and value, so that a user can tell an operator what to
change. ``reglab limits`` prints the table as this environment sets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reglab.core.errors import FieldProblem, FieldProblemError
from reglab.core.settings.base import EnvironmentSettings, setting

MIB = 2**20
# Whole numbers up to here are exact in JSON and in every database.
MOST = 2**53
REFUSALS = {0: "closed connection", -1: "nothing"}


def _limit(default: float, variable: str, status: int, what: str, least: float = 1) -> Any:
    """A field with what the table says of it; whole where the default is."""
    whole = "a whole number" if isinstance(default, int) else "a number"
    remedy = f"Set it to {whole} from {least:g} to 2**53, e.g. {_number(default)}: {what}."
    about = {"status": status}
    return setting(
        default,
        what=what,
        remedy=remedy,
        variable=variable,
        ge=least,
        le=MOST,
        json_schema_extra=about,
    )


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) and value < 1e5 else f"{value:.0f}"


@dataclass(frozen=True)
class Row:
    """One limit as the reference shows it.

    Attributes:
        name: Field of ``Limits``.
        setting: Environment variable.
        value: What holds.
        default: What holds if the variable is not set.
        status: HTTP status of a refusal; 0 where the connection is closed, -1 where nothing is
            refused.
        what: What is limited, with its unit.
    """

    name: str
    setting: str
    value: float
    default: float
    status: int
    what: str


class Limits(EnvironmentSettings):
    """The limits of one server process; ``rows`` tells what each is."""

    body_bytes: int = _limit(
        4 * MIB, "REGLAB_MAX_BODY_BYTES", 413, "bytes of a request's JSON body", 1024
    )
    json_depth: int = _limit(
        32, "REGLAB_MAX_JSON_DEPTH", 400, "objects and lists inside one another in a JSON body", 8
    )
    body_seconds: float = _limit(
        20.0,
        "REGLAB_MAX_BODY_SECONDS",
        408,
        "seconds for the body of a request to arrive, and one more for every REGLAB_MIN_BODY_RATE "
        "bytes of it",
        0.1,
    )
    body_rate: int = _limit(
        10_000, "REGLAB_MIN_BODY_RATE", 408, "bytes per second at which a long body must arrive"
    )
    header_seconds: float = _limit(
        20.0, "REGLAB_MAX_HEADER_SECONDS", 0, "seconds for the head of a request to arrive", 0.1
    )
    write_seconds: float = _limit(
        30.0,
        "REGLAB_MAX_WRITE_SECONDS",
        0,
        "seconds within which a client must receive a part of what is sent to it",
        0.1,
    )
    connections: int = _limit(
        2000, "REGLAB_MAX_CONNECTIONS", 0, "open connections; the next one is closed at once", 8
    )
    address_connections: int = _limit(
        500,
        "REGLAB_MAX_ADDRESS_CONNECTIONS",
        0,
        "open connections of one address that is no trusted proxy",
        1,
    )
    requests: int = _limit(
        500, "REGLAB_MAX_REQUESTS", 429, "requests that are being answered at one time", 8
    )
    rate: float = _limit(
        100.0,
        "REGLAB_MAX_RATE",
        429,
        "requests per second of one token, or of one address without a token; 0 for no limit",
        0,
    )
    burst: int = _limit(
        1000, "REGLAB_MAX_BURST", 429, "requests beyond that rate before it holds", 1
    )
    streams: int = _limit(500, "REGLAB_MAX_STREAMS", 429, "open event streams", 1)
    client_streams: int = _limit(
        100, "REGLAB_MAX_CLIENT_STREAMS", 429, "open event streams of one token or address", 1
    )
    playgrounds: int = _limit(4, "REGLAB_MAX_PLAYGROUNDS", 429, "open playgrounds", 1)
    client_playgrounds: int = _limit(
        2, "REGLAB_MAX_CLIENT_PLAYGROUNDS", 429, "open playgrounds of one token or address", 1
    )
    queued_runs: int = _limit(
        20_000, "REGLAB_MAX_QUEUED_RUNS", 429, "runs that wait for a worker", 1
    )
    runs: int = _limit(1000, "REGLAB_MAX_RUNS", 422, "runs of one experiment", 1)
    parameters: int = _limit(
        10_000_000, "REGLAB_MAX_PARAMETERS", 422, "trained parameters of one network", 1
    )
    points: int = _limit(
        500_000,
        "REGLAB_MAX_POINTS",
        422,
        "evaluations of all runs of one experiment together, each a point of its curves",
        1000,
    )
    grid_points: int = _limit(
        10_000_000,
        "REGLAB_MAX_GRID_POINTS",
        422,
        "values of one run's decision boundaries: points of the grid x snapshots and dropout "
        "networks",
        1000,
    )
    answer_values: int = _limit(
        500_000,
        "REGLAB_MAX_ANSWER_VALUES",
        422,
        "numbers in a JSON answer about one run; more come as npz",
        1000,
    )
    experiment_seconds: float = _limit(
        259_200.0,
        "REGLAB_MAX_EXPERIMENT_SECONDS",
        422,
        "estimated seconds of one core for one experiment",
        1,
    )
    token_seconds: float = _limit(
        864_000.0,
        "REGLAB_MAX_TOKEN_SECONDS",
        429,
        "estimated seconds of one core for the unfinished runs of one token, or of all who have "
        "none",
        1,
    )
    stored_bytes: int = _limit(
        20 * 1024 * MIB,
        "REGLAB_MAX_STORED_BYTES",
        413,
        "bytes of specs and results, shared ones counted once, of the experiments of one token, or "
        "of all who have none, when more is submitted or imported",
        1024,
    )
    figure_width: float = _limit(
        24.0, "REGLAB_MAX_FIGURE_WIDTH", 422, "width of a figure in inches", 3
    )
    figure_dpi: int = _limit(400, "REGLAB_MAX_FIGURE_DPI", 422, "dots per inch of a PNG", 50)
    figure_pixels: int = _limit(
        60_000_000, "REGLAB_MAX_FIGURE_PIXELS", 422, "pixels of a PNG", 10_000
    )
    drawings: int = _limit(
        12, "REGLAB_MAX_DRAWINGS", 429, "figures, reports and exports that wait to be drawn"
    )
    predictions: int = _limit(
        20_000_000,
        "REGLAB_MAX_PREDICTIONS",
        422,
        "probabilities that one call of predict calculates: inputs x classes x networks",
        1000,
    )
    figure_cache_bytes: int = _limit(
        64 * MIB,
        "REGLAB_MAX_FIGURE_CACHE_BYTES",
        -1,
        "bytes of drawn figures that are kept; the least recently used are dropped",
    )
    import_bytes: int = _limit(
        256 * MIB, "REGLAB_MAX_IMPORT_BYTES", 413, "bytes of an imported file", 1024
    )
    imports: int = _limit(
        4, "REGLAB_MAX_IMPORTS", 429, "imports and datasets that are being received", 1
    )
    dataset_bytes: int = _limit(
        64 * MIB,
        "REGLAB_MAX_DATASET_BYTES",
        413,
        "bytes of the file of one uploaded dataset",
        1024,
    )
    datasets_bytes: int = _limit(
        1024 * MIB,
        "REGLAB_MAX_DATASETS_BYTES",
        413,
        "bytes of the files of all uploaded datasets together",
        1024,
    )
    unpacked_bytes: int = _limit(
        1024 * MIB, "REGLAB_MAX_UNPACKED_BYTES", 422, "bytes of its contents once unpacked", 1024
    )
    unpacked_ratio: int = _limit(
        200, "REGLAB_MAX_UNPACKED_RATIO", 422, "times the file's size that they may be", 2
    )

    def rows(self) -> Iterator[Row]:
        """The table, in order."""
        kind = type(self)
        for (variable, field), name in zip(
            kind.variables().items(), kind.model_fields, strict=True
        ):
            extra: Any = field.json_schema_extra
            yield Row(
                name,
                variable,
                getattr(self, name),
                field.default,
                extra["status"],
                str(field.description),
            )

    def row(self, name: str) -> Row:
        """One limit of the table."""
        return next(row for row in self.rows() if row.name == name)

    def told(self, name: str) -> str:
        """For a refusal: which variable sets this limit, and to what."""
        row = self.row(name)
        return f"This server's {row.setting} is {_number(row.value)}."


class LimitExceededError(FieldProblemError):
    """More was asked for than a limit allows.

    Args:
        limits: What holds.
        name: Field of ``Limits``.
        field: Dotted path of what was too much.
        detail: How much it was, a sentence.
        remedy: What would be right, a sentence.

    Attributes:
        row: The limit.
    """

    def __init__(self, limits: Limits, name: str, field: str, detail: str, remedy: str) -> None:
        self.row = limits.row(name)
        super().__init__(FieldProblem(field, detail, f"{remedy} {limits.told(name)}"))


def table(limits: Limits) -> str:
    """The limits as a Markdown table."""
    head = ["| variable | limits | default | refused with |", "|---|---|---|---|"]
    rows = [
        (f"`{row.setting}`", row.what, _number(row.value), REFUSALS.get(row.status, row.status))
        for row in limits.rows()
    ]
    return "\n".join(head + [f"| {' | '.join(map(str, row))} |" for row in rows])
