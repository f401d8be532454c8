"""All layers around the handlers."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from reglab.api.access.policy import Policy
from reglab.api.limits.body import BodyMiddleware
from reglab.api.limits.rate import RateMiddleware
from reglab.api.middleware import cross_origin
from reglab.api.middleware.access_log import AccessLogMiddleware
from reglab.api.middleware.guard import GuardMiddleware
from reglab.api.middleware.headers import SecurityHeadersMiddleware
from reglab.api.middleware.root_path import RootPathMiddleware
from reglab.api.middleware.routing import QueryMiddleware, RoutingMiddleware
from reglab.api.web.errors import HtmlErrorMiddleware
from reglab.core.settings.limits import Limits


def layers(app: FastAPI, policy: Policy, limits: Limits) -> list[Middleware]:
    """In the order in which a request meets them."""
    state = app.state
    return [
        Middleware(RootPathMiddleware, policy=policy),
        Middleware(ProxyHeadersMiddleware, trusted_hosts=list(policy.proxies)),
        Middleware(SecurityHeadersMiddleware),
        Middleware(HtmlErrorMiddleware),
        Middleware(AccessLogMiddleware, registry=state.registry),
        *cross_origin.middlewares(policy),
        Middleware(RoutingMiddleware, root=app),
        Middleware(
            GuardMiddleware,
            policy=policy,
            storage=state.context.storage,
            refusals=state.refusals,
        ),
        Middleware(RateMiddleware, limits=limits),
        Middleware(BodyMiddleware, limits=limits),
        Middleware(QueryMiddleware, root=app),
    ]
