"""The app factory."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry, Gauge

from reglab import __version__
from reglab.api import problems, web
from reglab.api.access.guard import Guard
from reglab.api.access.policy import Policy
from reglab.api.broadcast import Broadcaster
from reglab.api.context import Context
from reglab.api.dispatch import Dispatcher
from reglab.api.event_bodies import EVENT_MODELS
from reglab.api.figure_cache import FigureCache
from reglab.api.middleware import Observation
from reglab.api.routers import (
    catalog,
    claims,
    compare,
    curves,
    estimate,
    events,
    experiments,
    figures,
    health,
    playground,
    report,
    runs,
    transfer,
)
from reglab.api.schemas import PresetRequest
from reglab.core.engine.compiler import one_blas_thread
from reglab.core.settings import Settings
from reglab.core.spec import ExperimentSpec
from reglab.core.storage import Storage

DESCRIPTION = """Experiments on the regularization of neural networks: submit a spec, let workers
train, ask for curves, calibration, boundaries, weights, spectra and figures. Errors are
`application/problem+json` and name the field and the remedy."""


def create_app(settings: Settings | None = None, policy: Policy | None = None) -> FastAPI:
    """The server over the settings' database and broker; the database must be migrated.

    Args:
        settings: REGLAB_* variables if left out.
        policy: When tokens are asked for; REGLAB_* variables if left out.
    """
    settings = settings or Settings.from_env()
    policy = policy or Policy.from_env()
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
        settings, storage, Dispatcher(settings), FigureCache(), Broadcaster(storage)
    )
    app.state.registry = CollectorRegistry()
    app.state.run_gauge = Gauge(
        "reglab_runs", "Runs by state.", ["state"], registry=app.state.registry
    )
    problems.install(app)
    app.state.policy = policy
    app.add_middleware(Guard, policy=policy, storage=storage)
    app.add_middleware(Observation, registry=app.state.registry)
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
        catalog,
        playground,
    ):
        app.include_router(module.router, prefix="/v1")
    app.include_router(health.router)
    web.install(app)
    _complete_schema(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.context.broadcaster.close()
    app.state.context.storage.close()


def _complete_schema(app: FastAPI) -> None:
    """Add the models that handlers validate by hand, for exact field paths."""
    made = app.openapi

    # Once: the document is asked for by every reader and by each refusal of a method.
    @functools.cache
    def openapi() -> dict[str, Any]:
        document = made()
        components = document["components"]["schemas"]
        template = "#/components/schemas/{model}"
        for model in (ExperimentSpec, PresetRequest, problems.ProblemDocument, *EVENT_MODELS):
            schema = model.model_json_schema(ref_template=template)
            for name, definition in schema.pop("$defs", {}).items():
                components.setdefault(name, definition)
            components.setdefault(model.__name__, schema)
        _only_problems(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _only_problems(document: dict[str, Any]) -> None:
    """Replace the framework's own error body, which this server never sends, by ours."""
    for methods in document["paths"].values():
        for operation in methods.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                operation["responses"]["422"] = problems.responses(422)[422]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
