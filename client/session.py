"""Sends calls: connection pool, retries, typed errors; one class that blocks, one that awaits."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import httpx
from httpx_retries import Retry, RetryTransport

from reglab import __version__
from reglab.client.errors import (
    ClientError,
    RequestTimeoutError,
    ServerUnreachableError,
    UnexpectedReplyError,
    problem,
)
from reglab.client.flow import Call, Flow, Pause
from reglab.client.settings import DEFAULT_URL, Settings
from reglab.client.values import json_value

T = TypeVar("T")
RETRY_STATUSES = (429, 503)
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
BROKEN = (*NEVER_SENT, httpx.NetworkError, httpx.RemoteProtocolError)
MAX_WAIT_SECONDS = 30.0
NOTHING = httpx.Response(204)


class _Shared:
    """What both sessions do alike: headers, retries, and what an error means."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        methods = ("GET", "POST", "PATCH", "DELETE")
        self.retry = Retry(
            total=settings.retries,
            allowed_methods=methods,
            status_forcelist=RETRY_STATUSES,
            retry_on_exceptions=BROKEN,
            backoff_factor=settings.backoff / 2,
            max_backoff_wait=MAX_WAIT_SECONDS,
        )
        self.retry_once_sent = self.retry.copy_with(retry_on_exceptions=NEVER_SENT)

    def options(self) -> dict[str, Any]:
        """Arguments of the httpx client."""
        headers = {"User-Agent": f"reglab/{__version__}", "Accept": "application/json, */*"}
        if self.settings.token:
            headers["Authorization"] = f"Bearer {self.settings.token}"
        return {
            "base_url": self.settings.url,
            "headers": headers,
            "timeout": self.settings.timeout,
        }

    def transport(self, inner: Any) -> RetryTransport:
        """The transport with retries around it."""
        return RetryTransport(inner, self.retry)

    def request(self, http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
        """The request of a call."""
        if http.is_closed:
            raise ClientError("This client was closed.", "Make another one.")
        retry = self.retry if call.repeatable else self.retry_once_sent
        return http.build_request(
            call.method,
            call.path,
            params={name: value for name, value in call.params.items() if value is not None},
            json=None if call.json is None else json_value(call.json),
            content=call.content,
            files=call.files,
            data=call.form,
            headers=dict(call.headers),
            extensions={"retry": retry},
        )

    def translate(self, error: httpx.HTTPError) -> ClientError:
        """The transport's error as one that says what to do."""
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, NEVER_SENT):
            return RequestTimeoutError(
                f"The server at {self.settings.url} did not answer in {self.settings.timeout:g} s.",
                "Give the client a longer timeout.",
            )
        if isinstance(error, httpx.TransportError):
            return ServerUnreachableError(
                f"No reglab server answers at {self.settings.url} "
                f"({str(error) or type(error).__name__}).",
                _how_to_start(self.settings.url),
            )
        return ClientError(f"The request failed: {error}.")


class Session(_Shared):
    """Blocks."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(settings)
        inner = transport or httpx.HTTPTransport()
        self.http = httpx.Client(transport=self.transport(inner), **self.options())

    def run(self, flow: Flow[T]) -> T:
        """Drive an operation to its result."""
        answer: httpx.Response | None = None
        error: ClientError | None = None
        try:
            while True:
                step = _advance(flow, answer, error)
                answer = error = None
                try:
                    answer = self._perform(step)
                except ClientError as raised:
                    error = raised
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            flow.close()

    @contextmanager
    def stream(self, call: Call) -> Iterator[httpx.Response]:
        """The answer while it comes in."""
        try:
            response = self.http.send(self.request(self.http, call), stream=True)
        except httpx.HTTPError as error:
            raise self.translate(error) from error
        try:
            if response.is_error:
                response.read()
            yield _checked(response)
        except httpx.HTTPError as error:
            raise self.translate(error) from error
        finally:
            response.close()

    def close(self) -> None:
        """Close all connections."""
        self.http.close()

    def _perform(self, step: Call | Pause) -> httpx.Response:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return NOTHING
        try:
            return _checked(self.http.send(self.request(self.http, step)))
        except httpx.HTTPError as error:
            raise self.translate(error) from error


class AsyncSession(_Shared):
    """Awaits."""

    def __init__(
        self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings)
        self._given = transport
        # Connections belong to the event loop that opened them, and end with it.
        self._pools: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}

    @property
    def http(self) -> httpx.AsyncClient:
        """The connections of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            self._pools = {
                known: pool for known, pool in self._pools.items() if not known.is_closed()
            }
            inner = self._given or httpx.AsyncHTTPTransport()
            self._pools[loop] = httpx.AsyncClient(transport=self.transport(inner), **self.options())
        return self._pools[loop]

    async def run(self, flow: Flow[T]) -> T:
        """Drive an operation to its result."""
        answer: httpx.Response | None = None
        error: ClientError | None = None
        try:
            while True:
                # StopIteration may not leave a coroutine, so the result is taken here.
                try:
                    step = _advance(flow, answer, error)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                answer = error = None
                try:
                    answer = await self._perform(step)
                except ClientError as raised:
                    error = raised
        finally:
            flow.close()

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[httpx.Response]:
        """The answer while it comes in."""
        try:
            http = self.http
            response = await http.send(self.request(http, call), stream=True)
        except httpx.HTTPError as error:
            raise self.translate(error) from error
        try:
            if response.is_error:
                await response.aread()
            yield _checked(response)
        except httpx.HTTPError as error:
            raise self.translate(error) from error
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close all connections of the running event loop."""
        await self.http.aclose()

    async def _perform(self, step: Call | Pause) -> httpx.Response:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return NOTHING
        try:
            http = self.http
            return _checked(await http.send(self.request(http, step)))
        except httpx.HTTPError as error:
            raise self.translate(error) from error


def _advance(
    flow: Flow[Any], answer: httpx.Response | None, error: ClientError | None
) -> Call | Pause:
    if error is not None:
        return flow.throw(error)
    # A generator that was just made takes nothing but None.
    return flow.send(answer) if answer is not None else next(flow)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    if response.has_redirect_location:
        raise _redirected(response)
    try:
        document = json.loads(response.content)
    except ValueError:
        document = {"detail": f"HTTP {response.status_code} without a problem document."}
    raise problem(response.status_code, document)


def _redirected(response: httpx.Response) -> UnexpectedReplyError:
    """Redirects are not followed: a token would go to where nobody meant to send it."""
    target = response.request.url.join(response.headers["location"])
    return UnexpectedReplyError(
        f"The server redirects to {target.scheme}://{target.netloc.decode()}.",
        "If that is right, give it as the address (REGLAB_URL, or the argument url).",
    )


def _how_to_start(url: str) -> str:
    start = "Start one with `reglab serve` (needs `pip install '.[server]'` in a checkout)"
    if url != DEFAULT_URL:
        return f"{start}, or correct the address (REGLAB_URL, or the argument url)."
    return f"{start}, or name another with REGLAB_URL or the argument url."
