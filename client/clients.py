"""``Client`` blocks, ``AsyncClient`` awaits; one surface."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from reglab.client import datasets, flows
from reglab.client.arms import Adjust
from reglab.client.claims import Robustness
from reglab.client.compare import Comparison, compare_flow
from reglab.client.dataset_models import (
    DatasetInfo,
    DatasetKind,
    DatasetPreview,
    UploadedDataset,
)
from reglab.client.errors import UnavailableError
from reglab.client.experiments import AsyncExperiment, Experiment, ExperimentSurface
from reglab.client.files import read_whole, write_whole
from reglab.client.flow import AsyncSide, Call, Flow, SyncSide, documented_as, operation
from reglab.client.models import (
    Estimate,
    ExperimentSummary,
    Health,
    NewToken,
    PresetInfo,
    PresetList,
    Readiness,
    Sort,
    State,
    TokenInfo,
    TokenList,
    TokenScope,
)
from reglab.client.progress import Display, choose_display
from reglab.client.runs import AsyncRun, Run
from reglab.client.session import AsyncSession, Session
from reglab.client.settings import Settings
from reglab.client.submission import Spec, identifier, prepare, token_id
from reglab.client.tables import Listing
from reglab.client.waiting import wait_for

ALL = 2**31


class ClientSurface:
    """What can be asked of a server; ``Client`` blocks, ``AsyncClient`` awaits.

    Attributes:
        settings: Address, credentials and patience.
    """

    settings: Settings

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.url!r})"

    @operation
    def presets(self) -> Flow[list[PresetInfo]]:
        """The article's experiments."""
        return Listing(PresetList.read((yield Call("GET", "/v1/presets"))).items)

    @operation
    def upload(
        self,
        data: Any,
        target: str | None = None,
        *,
        name: str | None = None,
        description: str = "",
        tags: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Flow[UploadedDataset]:
        """Bring own data; the same data gives the same id, and is stored once.

        Args:
            data: A DataFrame of pandas or polars, arrays ``(X, y)`` or ``(X, y, X_test, y_test)``,
                or the path of a file: CSV, TSV, Parquet, Feather, JSON lines, npz, a zip of IDX
                pairs, or a zip of images in one folder per class.
            target: Column that is learnt; arrays and images have one of their own.
            name: Name of the dataset; that of the file if left out.
            description: What it is.
            tags: Its tags.
            options: How the file is read, where that is not found from its content, e.g.
                ``{"separator": ";", "decimal": ","}``.

        Raises:
            InvalidRequestError: It cannot be read or learnt; row and column are named.
            InvalidFileError: There is no such file.
        """
        return (yield from datasets.upload(data, target, name, description, tags, options))

    @operation
    def datasets(
        self, kind: DatasetKind | None = None, *, q: str | None = None, tag: str | None = None
    ) -> Flow[list[DatasetInfo]]:
        """What can be trained on, and whether the server has it.

        Args:
            kind: 'builtin' or 'uploaded'; both if left out.
            q: Part of the name.
            tag: Only with this tag.
        """
        return Listing((yield from datasets.listed({"kind": kind, "q": q, "tag": tag})))

    @operation
    def dataset(self, dataset: str | UploadedDataset | DatasetInfo) -> Flow[UploadedDataset]:
        """An uploaded dataset by its id, or from a listing; NotFoundError if there is none."""
        return UploadedDataset.read((yield Call("GET", datasets.address(dataset))))

    @operation
    def preview_dataset(self, dataset: str | UploadedDataset | DatasetInfo) -> Flow[DatasetPreview]:
        """First rows and distributions of an uploaded dataset.

        Args:
            dataset: The dataset or its id.
        """
        return DatasetPreview.read((yield Call("GET", f"{datasets.address(dataset)}/preview")))

    @operation
    def change_dataset(
        self,
        dataset: str | UploadedDataset | DatasetInfo,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Flow[UploadedDataset]:
        """Change what an uploaded dataset is called; what is left out stays.

        Args:
            dataset: The dataset or its id.
            name: New name.
            description: New description.
            tags: New tags, which replace the old ones.
        """
        document = {
            "name": name,
            "description": description,
            "tags": None if tags is None else list(tags),
        }
        change = {key: value for key, value in document.items() if value is not None}
        call = Call("PATCH", datasets.address(dataset), json=change)
        return UploadedDataset.read((yield call))

    @operation
    def delete_dataset(
        self, dataset: str | UploadedDataset | DatasetInfo, *, force: bool = False
    ) -> Flow[None]:
        """Delete an uploaded dataset.

        Args:
            dataset: The dataset or its id.
            force: Also if experiments use it; their results stay, further training fails.

        Raises:
            ConflictError: Experiments use it.
        """
        query = {"force": "true"} if force else {}
        yield Call("DELETE", datasets.address(dataset), params=query)

    @operation
    def schema(self) -> Flow[dict[str, Any]]:
        """JSON Schema of a spec, as this server takes it."""
        document: dict[str, Any] = (yield Call("GET", "/v1/schema")).json()
        return document

    @operation
    def health(self) -> Flow[Health]:
        """Whether the server answers, and its version."""
        return Health.read((yield Call("GET", "/healthz")))

    @operation
    def readiness(self) -> Flow[Readiness]:
        """State of the server's database, broker and workers."""
        try:
            return Readiness.read((yield Call("GET", "/readyz")))
        except UnavailableError as error:
            # A server that is not ready says so with 503 and the same body.
            return Readiness.model_validate(error.document)

    @operation
    def estimate(self, spec: Spec, overrides: Mapping[str, Any] | None = None) -> Flow[Estimate]:
        """What an experiment would cost; takes and refuses what ``submit`` does, stores nothing."""
        laid = prepare(spec, overrides)
        found = Estimate.read((yield Call("POST", "/v1/experiments/estimate", json=laid.document)))
        return found.model_copy(update={"dropped": (*laid.dropped, *found.dropped)})

    @operation
    def tokens(self) -> Flow[list[TokenInfo]]:
        """All tokens of the server, without their secrets; needs the scope admin."""
        return Listing(TokenList.read((yield Call("GET", "/v1/tokens"))).items)

    @operation
    def create_token(
        self, name: str, scope: TokenScope = "read", days: float | None = 90
    ) -> Flow[NewToken]:
        """Make a token; needs the scope admin.

        Args:
            name: What or whom it is for.
            scope: Scope of the token; 'submit' includes 'read', and 'admin' includes both.
            days: Days until it expires; None never expires.
        """
        document = {"name": name, "scope": scope, "days": days}
        # Not sent again once it has left: a second one would stay unseen and unused.
        call = Call("POST", "/v1/tokens", json=document, repeatable=False)
        return NewToken.read((yield call))

    @operation
    def revoke_token(self, token: str | TokenInfo) -> Flow[None]:
        """End a token and the sessions of browsers that signed in with it; needs the scope admin.

        Args:
            token: The token, its id, or its text, of which the id alone is sent.
        """
        yield Call("DELETE", f"/v1/tokens/{token_id(token)}")

    @operation
    def compare(
        self,
        *experiments: Any,
        baseline: Any | None = None,
        metric: str | None = None,
        adjust: Adjust | None = None,
        margin: float | None = None,
    ) -> Flow[Comparison]:
        """Runs of several experiments side by side, or their sweep points as arms of one metric.

        Arms are compared where any of the four keywords is given: paired by seed, with p-values
        that are corrected for all comparisons and intervals that hold together.

        Args:
            experiments: Experiments or their ids; of arms also 'id:K', the sweep point of run K.
            baseline: The arm that all others are compared with; all pairs without.
            metric: As in the reference of metrics; 'test_accuracy' if left out.
            adjust: 'holm' if left out, 'bh', 'dunnett' (with a baseline) or 'tukey' (all pairs).
            margin: Differences below it do not matter; arms are tested for being equivalent.
        """
        asked = {"metric": metric, "adjust": adjust, "margin": margin}
        return (yield from compare_flow(experiments, baseline, asked))

    @operation
    def robustness(self, *experiments: Any) -> Flow[Robustness]:
        """Verdict of each claim under each choice that the article leaves open.

        Args:
            experiments: Those of presets as they are and under their ``choices``, or their ids.
        """
        query = {"experiment": [identifier(each) for each in experiments]}
        return Robustness.read((yield Call("GET", "/v1/robustness", params=query)))

    @operation
    def report(self, *experiments: Any, path: str | os.PathLike[str] = "report.html") -> Flow[Path]:
        """Save a report of several experiments as one HTML file: figures, claims, numbers, data.

        Args:
            experiments: Experiments or their ids.
            path: The file.
        """
        query = {"experiment": [identifier(each) for each in experiments]}
        return write_whole(path, (yield Call("GET", "/v1/report", params=query)).content)

    @operation
    def wait(
        self,
        *experiments: ExperimentSurface,
        timeout: float | None = None,
        progress: bool | Display | None = None,
        check: bool = True,
    ) -> Flow[None]:
        """Wait for several experiments at once; see ``Experiment.wait``."""
        yield from wait_for(experiments, choose_display(progress), timeout, check)


class Client(ClientSurface, SyncSide):
    """A reglab server, from blocking code.

    Args:
        url: Root of the server; REGLAB_URL, else ``http://127.0.0.1:8000`` if left out.
        token: Sent as a bearer token; REGLAB_TOKEN if left out.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        retries: How often to try again after a lost connection, 429 or 503.
        transport: What to send with, in place of real connections.

    Raises:
        ClientError: The address is malformed. Whether a server answers shows at the first call,
            which raises ServerUnreachableError and says how to start one.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.settings = Settings.choose(url, token, timeout=timeout, retries=retries)
        self._session = Session(self.settings, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def submit(
        self, spec: Spec, overrides: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> Experiment:
        """Submit an experiment; returns at once.

        Args:
            spec: An ``ExperimentSpec``, the same as a dict, the ``Path`` of a JSON or TOML
                file, or the name of a preset.
            overrides: Laid over it; keys may be dotted paths, as in ``{"training.epochs": 100}``.
            key: Idempotency key; made anew if left out, and kept over retries.

        Raises:
            InvalidRequestError: The server refused it; ``errors`` names every faulty field.
        """
        return Experiment(self._session, self._session.run(flows.submit(spec, overrides, key)))

    def get(self, experiment: str | ExperimentSummary) -> Experiment:
        """An experiment by its id, or from a listing; NotFoundError if there is none."""
        return Experiment(self._session, self._session.run(flows.get(experiment)))

    def run(self, run: str) -> Run:
        """A run by its id; NotFoundError if there is none."""
        return Run(self._session, self._session.run(flows.get_run(run)))

    def import_experiment(self, path: str | os.PathLike[str]) -> Experiment:
        """Put an exported experiment into this server, with its runs and all results.

        Raises:
            InvalidFileError: The file cannot be read.
            InvalidRequestError: It is no export, or it is damaged.
            ConflictError: The server has it already.
        """
        flow = flows.import_archive(read_whole(path))
        return Experiment(self._session, self._session.run(flow))

    def list(
        self,
        *,
        state: State | None = None,
        preset: str | None = None,
        tag: str | None = None,
        q: str | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> Iterator[ExperimentSummary]:
        """Experiments; further pages are fetched as they are needed.

        Args:
            state: Only these.
            preset: Only from this preset.
            tag: Only with this tag.
            q: Part of the name.
            sort: 'created' or 'name', rising, or falling with '-' before it; newest first if left
                out.
            limit: At most so many.
        """
        filters = {"state": state, "preset": preset, "tag": tag, "q": q, "sort": sort}
        left, cursor = ALL if limit is None else limit, None
        while left > 0:
            found = self._session.run(flows.page(filters, cursor, left))
            yield from found.items
            left, cursor = left - len(found.items), found.next_cursor
            if cursor is None:
                return


class AsyncClient(ClientSurface, AsyncSide):
    """A reglab server, from asynchronous code; arguments are those of ``Client``."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = Settings.choose(url, token, timeout=timeout, retries=retries)
        self._session = AsyncSession(self.settings, transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @documented_as(Client.close)
    async def close(self) -> None:  # noqa: D102
        await self._session.close()

    @documented_as(Client.submit)
    async def submit(  # noqa: D102
        self, spec: Spec, overrides: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> AsyncExperiment:
        data = await self._session.run(flows.submit(spec, overrides, key))
        return AsyncExperiment(self._session, data)

    @documented_as(Client.get)
    async def get(self, experiment: str | ExperimentSummary) -> AsyncExperiment:  # noqa: D102
        return AsyncExperiment(self._session, await self._session.run(flows.get(experiment)))

    @documented_as(Client.run)
    async def run(self, run: str) -> AsyncRun:  # noqa: D102
        return AsyncRun(self._session, await self._session.run(flows.get_run(run)))

    @documented_as(Client.import_experiment)
    async def import_experiment(  # noqa: D102
        self, path: str | os.PathLike[str]
    ) -> AsyncExperiment:
        flow = flows.import_archive(read_whole(path))
        return AsyncExperiment(self._session, await self._session.run(flow))

    @documented_as(Client.list)
    async def list(  # noqa: D102
        self,
        *,
        state: State | None = None,
        preset: str | None = None,
        tag: str | None = None,
        q: str | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[ExperimentSummary]:
        filters = {"state": state, "preset": preset, "tag": tag, "q": q, "sort": sort}
        left, cursor = ALL if limit is None else limit, None
        while left > 0:
            found = await self._session.run(flows.page(filters, cursor, left))
            for item in found.items:
                yield item
            left, cursor = left - len(found.items), found.next_cursor
            if cursor is None:
                return
