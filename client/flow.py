"""Operations without input or output: written once, driven by a blocking or an awaiting session.

An operation is a generator. It yields a ``Call`` and is sent the answer, or yields a ``Pause`` and
is woken later; what it returns is the result. httpx drives its authentication in the same way.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

import httpx

if TYPE_CHECKING:
    from reglab.client.session import AsyncSession, Session

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Call:
    """One request to the server.

    Attributes:
        method: HTTP method.
        path: Below the server's root, e.g. ``/v1/presets``.
        params: Query; None values are left out.
        json: Body, if it is JSON.
        content: Body, if it is bytes.
        files: Parts of a multipart body that are files: name and bytes by the name of the part.
        form: Its other parts.
        headers: Further headers.
        repeatable: Whether the server may get it twice without harm: it is sent again even if the
            connection broke after the request had left.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    files: Mapping[str, tuple[str, bytes]] | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


@dataclass(frozen=True)
class Pause:
    """Some seconds of doing nothing."""

    seconds: float


# A pause is answered by a response too, an empty one, so that flows need no cast.
Flow = Generator[Call | Pause, httpx.Response, T]


def documented_as(method: Callable[..., Any]) -> Callable[[F], F]:
    """Decorator of an awaiting method: takes over the docstring of its blocking twin."""

    def decorate(function: F) -> F:
        function.__doc__ = method.__doc__
        return function

    return decorate


class SyncSide:
    """Mixin of what blocks: its operations return results."""

    _session: Session


class AsyncSide:
    """Mixin of what awaits: its operations return awaitables of results."""

    _session: AsyncSession


class operation(Generic[P, T]):  # noqa: N801
    """Decorator of a flow: a method that blocks on a SyncSide and is awaited on an AsyncSide."""

    def __init__(self, build: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self._build = build
        # People are shown what they get, not how it is driven.
        signature = inspect.signature(build)
        result = str(signature.return_annotation).removeprefix("Flow[").removesuffix("]")
        shown = signature.replace(return_annotation=result)
        build.__signature__ = shown  # type: ignore[attr-defined]
        # Sphinx and typing.get_type_hints read these.
        build.__annotations__["return"] = result
        self._bound = shown.replace(parameters=list(shown.parameters.values())[1:])
        functools.update_wrapper(cast(Any, self), build)

    @overload
    def __get__(self, side: None, owner: type) -> Callable[Concatenate[Any, P], Flow[T]]: ...
    @overload
    def __get__(self, side: SyncSide, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, side: AsyncSide, owner: type) -> Callable[P, Awaitable[T]]: ...

    def __get__(self, side: Any, owner: type) -> Any:
        """The method of this instance, or the plain function on the class."""
        if side is None:
            return self._build

        @functools.wraps(self._build)
        def method(*args: Any, **kwargs: Any) -> Any:
            return side._session.run(self._build(side, *args, **kwargs))

        method.__signature__ = self._bound  # type: ignore[attr-defined]
        return method
