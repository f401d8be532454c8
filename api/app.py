"""The app factory."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline

from reglab import __version__
from reglab.api import metrics, problems, reference, tracing, web
from reglab.api.access import routes
from reglab.api.access.policy import Policy
from reglab.api.access.reference import declare
from reglab.api.access.scopes import needs
from reglab.api.context import Context
from reglab.api.events.bodies import EVENT_MODELS
from reglab.api.events.poller import EventPoller
from reglab.api.figure_cache import FigureCache
from reglab.api.limits.rate import Refusals
from reglab.api.limits.refusals import on_limit
from reglab.api.limits.streams import Streams
from reglab.api.middleware.layers import layers
from reglab.api.middleware.root_path import root_of
from reglab.api.readiness import Looks
from reglab.api.routers import (
    answers,
    arrays,
    catalog,
    claims,
    compare,
    curves,
    datasets,
    estimate,
    events,
    experiments,
    figures,
    health,
    playground,
    report,
    runs,
    tokens,
    transfer,
)
from reglab.api.run_queue import RunQueue
from reglab.api.schemas.datasets import DatasetRequest
from reglab.api.schemas.experiments import PresetRequest
from reglab.core.engine.blas import one_blas_thread
from reglab.core.settings import Settings
from reglab.core.settings.limits import LimitExceededError, Limits
from reglab.core.spec import ExperimentSpec
from reglab.core.storage import Storage

DESCRIPTION = """Experiments on the regularization of neural networks: submit a spec, let workers
train, ask for curves, calibration, boundaries, weights, spectra and figures. Errors are
`application/problem+json` and name the field and the remedy."""


def create_app(
    settings: Settings | None = None, policy: Policy | None = None, limits: Limits | None = None
) -> FastAPI:
    """The server over the settings' database and broker; the database must be migrated.

    Args:
        settings: REGLAB_* variables if left out.
        policy: When tokens are asked for; REGLAB_* variables if left out.
        limits: How much may be asked for; REGLAB_* variables if left out.
    """
    settings = settings or Settings.from_env()
    policy = policy or Policy.from_env()
    limits = limits or Limits.from_env()
    one_blas_thread()
    app = FastAPIOffline(
        title="reglab",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        # Two schemas of one title make generators of clients give up on both.
        separate_input_output_schemas=False,
    )
    storage = Storage.of(settings)
    app.state.context = Context(
        settings,
        storage,
        RunQueue(settings),
        FigureCache(limits.figure_cache_bytes),
        EventPoller(storage),
        limits,
        Streams(limits),
    )
    app.state.looks = Looks()
    app.state.registry = metrics.request_registry()
    app.state.service_metrics = metrics.Service(storage)
    problems.install(app)
    app.add_exception_handler(LimitExceededError, on_limit)
    app.state.policy = policy
    app.state.refusals = Refusals(limits)
    for module in (
        estimate,
        transfer,
        experiments,
        events,
        curves,
        figures,
        claims,
        compare,
        report,
        runs,
        answers,
        arrays,
        catalog,
        datasets,
        playground,
        tokens,
    ):
        app.include_router(module.router, prefix="/v1")
    app.include_router(health.router)
    web.install(app)
    app.user_middleware = layers(app, policy, limits)
    routes.close(app)
    _complete_schema(app, limits)
    tracing.instrument(app, storage.engine)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.context.event_poller.close()
    app.state.context.tables.close()
    app.state.context.storage.close()


def _complete_schema(app: FastAPI, limits: Limits) -> None:
    made = app.openapi
    models = (
        ExperimentSpec,
        PresetRequest,
        DatasetRequest,
        problems.ProblemDocument,
        *EVENT_MODELS,
    )

    # Once: the document is asked for by every reader and by each refusal of a method.
    @functools.cache
    def openapi() -> dict[str, Any]:
        document = reference.complete(made(), models, limits)
        return declare(document, app, app.state.policy)

    app.openapi = openapi  # type: ignore[method-assign]
    _serve_schema(app)


def _serve_schema(app: FastAPI) -> None:
    """In place of the framework's route, which would keep the first root path for all."""
    address = str(app.openapi_url)

    @needs("read")
    async def openapi(request: Request) -> JSONResponse:
        root = root_of(request)
        document = app.openapi()
        return JSONResponse({**document, "servers": [{"url": root}]} if root else document)

    app.router.routes[:] = [
        route for route in app.routes if getattr(route, "path", None) != address
    ]
    app.add_route(address, openapi, include_in_schema=False)
