"""One experiment: its state, what can be done to it, and its results."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from httpx_sse import EventSource

from reglab.client.claims import Claim, ClaimList
from reglab.client.errors import ClientError, RequestTimeoutError, ServerUnreachableError
from reglab.client.events import AnyEvent, EventReader
from reglab.client.figures import FORMATS, Figure
from reglab.client.files import write_whole
from reglab.client.flow import AsyncSide, Call, Flow, SyncSide, documented_as, operation
from reglab.client.models import ExperimentData, FigureInfo, FigureList, State
from reglab.client.progress import Display, choose_display
from reglab.client.runs import AsyncRun, Run
from reglab.client.session import AsyncSession, Session
from reglab.client.submission import identifier, segment
from reglab.client.tables import Curves, EceTable, Listing
from reglab.client.waiting import wait_for
from reglab.core.spec import Binning, ExperimentSpec


class ExperimentSurface:
    """What can be asked of an experiment; ``Experiment`` blocks, ``AsyncExperiment`` awaits.

    Attributes:
        data: The experiment as it was when it was last read.
    """

    data: ExperimentData

    @property
    def id(self) -> str:
        """UUIDv7."""
        return self.data.id

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.data.name

    @property
    def preset(self) -> str | None:
        """The preset it was made from, if any."""
        return self.data.preset

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the experiment."""
        return self.data.tags

    @property
    def state(self) -> State:
        """State when it was last read: queued, running, succeeded, failed or cancelled."""
        return self.data.state

    @property
    def progress(self) -> float:
        """Mean progress of its runs, from 0 to 1, when it was last read."""
        return self.data.progress

    @property
    def spec(self) -> ExperimentSpec:
        """The spec as submitted, defaults filled in."""
        return ExperimentSpec.model_validate(self.data.spec)

    def __repr__(self) -> str:
        done = f"{self.data.counts.get('succeeded', 0)}/{len(self.data.runs)} runs"
        return f"{type(self).__name__}({self.id}, {self.data.label()!r}, {self.state}, {done})"

    def _repr_html_(self) -> str:
        from reglab.client.show import html_table, run_table
        from reglab.client.text import for_html

        label = for_html(self.data.label())
        head = f"<p>{label} <code>{self.id}</code>: {self.state}</p>"
        return head + html_table(run_table(self.data))

    @operation
    def refresh(self) -> Flow[None]:
        """Read the experiment and its runs again."""
        self.data = ExperimentData.read((yield Call("GET", self._path())))

    @operation
    def change(self, name: str | None = None, tags: Sequence[str] | None = None) -> Flow[None]:
        """Set the name, the tags, or both."""
        given = {"name": name, "tags": None if tags is None else list(tags)}
        body = {field: value for field, value in given.items() if value is not None}
        self.data = ExperimentData.read((yield Call("PATCH", self._path(), json=body)))

    @operation
    def cancel(self) -> Flow[None]:
        """Cancel unfinished runs: queued runs at once, running ones within a second."""
        call = Call("POST", self._path("cancel"), repeatable=False)
        self.data = ExperimentData.read((yield call))

    @operation
    def retry(self) -> Flow[None]:
        """Queue failed and cancelled runs again; those that succeeded keep their results."""
        call = Call("POST", self._path("retry"), repeatable=False)
        self.data = ExperimentData.read((yield call))

    @operation
    def delete(self) -> Flow[None]:
        """Delete the experiment and all its results; Conflict while runs are running."""
        yield Call("DELETE", self._path(), repeatable=False)

    @operation
    def curves(
        self, metrics: Sequence[str] | None = None, max_points: int | None = None
    ) -> Flow[Curves]:
        """Losses and accuracies over the epochs, of all runs, finished or not.

        Args:
            metrics: Columns, e.g. ``["test_loss"]``; both losses and accuracies if left out.
            max_points: At most so many points per run, 2,000 if left out; ends and extremes are
                kept.
        """
        names = ",".join(metrics) if metrics is not None else None
        query = {"metrics": names, "max_points": max_points}
        reply = yield Call("GET", self._path("curves"), params=query)
        return Curves.of(json.loads(reply.content), self.data.runs)

    @operation
    def ece(self, binning: Binning | None = None, bins: int | None = None) -> Flow[EceTable]:
        """Calibration errors of the finished runs: ECE with its noise floor, MCE, Brier, NLL.

        Args:
            binning: 'quantile' or 'uniform'; as in the spec if left out.
            bins: Number of bins; as in the spec by default.
        """
        query = {"binning": binning, "bins": bins}
        reply = yield Call("GET", self._path("ece"), params=query)
        return EceTable.of(json.loads(reply.content))

    @operation
    def figures(self, others: Sequence[Any] = ()) -> Flow[list[FigureInfo]]:
        """Returns each figure with its caption, or with the reason why it cannot be drawn.

        Args:
            others: Further experiments whose runs a figure draws on, as figure 4 does.
        """
        query = {"with": [identifier(other) for other in others]}
        found = FigureList.read((yield Call("GET", self._path("figures"), params=query)))
        return Listing(found.items)

    @operation
    def figure(
        self,
        name: str,
        format: Literal["png", "svg", "pdf"] = "png",  # noqa: A002
        *,
        others: Sequence[Any] = (),
        dpi: int | None = None,
        width: float | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Flow[Figure]:
        """A figure, shown inline in a notebook.

        Args:
            name: One of ``figures()``, e.g. 'curves'.
            format: 'png', 'svg' or 'pdf'.
            others: Further experiments whose runs it draws on.
            dpi: Dots per inch (PNG), from 50 to 400.
            width: Inches; the height follows.
            theme: 'light' or 'dark'.
        """
        if format not in FORMATS:
            raise ClientError(f"There is no format '{format}'.", f"Use {', '.join(FORMATS)}.")
        query: dict[str, Any] = {"dpi": dpi, "width": width, "theme": theme}
        query["with"] = [identifier(other) for other in others]
        reply = yield Call("GET", self._path(f"figures/{segment(name)}.{format}"), params=query)
        return Figure(name, format, reply.content)

    @operation
    def claims(
        self, others: Sequence[Any] = (), adjust: Literal["holm", "bh"] = "holm"
    ) -> Flow[list[Claim]]:
        """Each claim of the article with the measured value, its interval over seeds, a verdict.

        Args:
            others: Further experiments whose runs the claims draw on, as L1 against L2 does.
            adjust: Correction for the number of claims: 'holm' for the chance of any false verdict,
                'bh' (Benjamini and Hochberg) for the share of false ones.
        """
        query: dict[str, Any] = {"adjust": adjust, "with": [identifier(other) for other in others]}
        found = ClaimList.read((yield Call("GET", self._path("claims"), params=query)))
        return Listing(found.items)

    @operation
    def download(
        self,
        what: Literal["curves", "ece", "claims"],
        path: str | os.PathLike[str],
        format: Literal["csv", "parquet", "json", "md"] | None = None,  # noqa: A002
        query: Mapping[str, Any] | None = None,
    ) -> Flow[Path]:
        """Save a table as a file of the server's making; needs no other package.

        Args:
            what: 'curves', 'ece' or 'claims'.
            path: The file; its ending tells the format if that is left out.
            format: 'csv', 'parquet' or 'json'; 'md' or 'json' for claims.
            query: Arguments of ``curves`` or ``ece``, as in ``{"max_points": 100}``.
        """
        chosen = format or Path(path).suffix.removeprefix(".")
        known = ("json", "md") if what == "claims" else ("csv", "parquet", "json")
        if chosen not in known:
            raise ClientError(f"There is no format '{chosen}'.", f"Use {', '.join(known)}.")
        call = Call("GET", self._path(what), params={**(query or {}), "format": chosen})
        return write_whole(path, (yield call).content)

    @operation
    def export(self, path: str | os.PathLike[str], data: str = "file") -> Flow[Path]:
        """Save spec, runs, curves, arrays, figures and data as one checksummed zip file.

        Args:
            path: A file, or a folder, in which it is called ``reglab-<id>.zip``.
            data: Whether an uploaded dataset goes with it: 'file', or its 'hash' alone.
        """
        target = Path(path)
        if target.is_dir():
            target /= f"reglab-{self.id}.zip"
        reply = yield Call("GET", self._path("export"), params={"data": data})
        return write_whole(target, reply.content)

    def _path(self, rest: str = "") -> str:
        return f"/v1/experiments/{self.id}/{rest}".rstrip("/")


class Experiment(ExperimentSurface, SyncSide):
    """An experiment of a ``Client``."""

    def __init__(self, session: Session, data: ExperimentData) -> None:
        self._session, self.data = session, data

    @property
    def runs(self) -> list[Run]:
        """Its runs, by index, as they were when it was last read."""
        return [Run(self._session, run) for run in self.data.runs]

    # Not an operation: the type of what it returns is this class, which no decorator can say.
    def wait(
        self,
        timeout: float | None = None,
        progress: bool | Display | None = None,
        check: bool = True,
    ) -> Self:
        """Wait until every run has ended, showing progress; returns the experiment itself.

        Args:
            timeout: Seconds; None waits for as long as it takes.
            progress: Whether to show a bar; None shows one in a terminal or a notebook.
            check: Raise ExperimentFailedError if it failed or was cancelled.

        Raises:
            WaitTimeoutError: It has not ended in time; it goes on.
            ExperimentFailedError: See ``check``.
        """
        self._session.run(wait_for([self], choose_display(progress), timeout, check))
        return self

    def events(self, after: str | None = None) -> Iterator[AnyEvent]:
        """Changes as they happen, until the experiment ends; lost connections are taken up again.

        Args:
            after: Id of the last event that was seen; snapshots come first if left out.
        """
        reader = EventReader(self.id, after, self._session.settings.retries)
        while not reader.ended:
            try:
                with self._session.stream(reader.call()) as response:
                    if response.status_code == 204:
                        return
                    for received in EventSource(response).iter_sse():
                        yield from reader.accept(received)
                reader.closed()
            except (ServerUnreachableError, RequestTimeoutError) as error:
                reader.broke(error)
            if not reader.ended:
                time.sleep(reader.pause)


class AsyncExperiment(ExperimentSurface, AsyncSide):
    """An experiment of an ``AsyncClient``."""

    def __init__(self, session: AsyncSession, data: ExperimentData) -> None:
        self._session, self.data = session, data

    @property
    def runs(self) -> list[AsyncRun]:
        """Its runs, by index, as they were when it was last read."""
        return [AsyncRun(self._session, run) for run in self.data.runs]

    @documented_as(Experiment.wait)
    async def wait(  # noqa: D102
        self,
        timeout: float | None = None,
        progress: bool | Display | None = None,
        check: bool = True,
    ) -> Self:
        await self._session.run(wait_for([self], choose_display(progress), timeout, check))
        return self

    @documented_as(Experiment.events)
    async def events(self, after: str | None = None) -> AsyncIterator[AnyEvent]:  # noqa: D102
        reader = EventReader(self.id, after, self._session.settings.retries)
        while not reader.ended:
            try:
                async with self._session.stream(reader.call()) as response:
                    if response.status_code == 204:
                        return
                    async for received in EventSource(response).aiter_sse():
                        for event in reader.accept(received):
                            yield event
                reader.closed()
            except (ServerUnreachableError, RequestTimeoutError) as error:
                reader.broke(error)
            if not reader.ended:
                await asyncio.sleep(reader.pause)
