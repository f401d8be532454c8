"""Python client of a reglab server; needs httpx, Pydantic and rich, nothing numeric."""

from reglab.client.clients import AsyncClient, Client
from reglab.client.compare import Comparison
from reglab.client.errors import (
    ClientError,
    Conflict,
    Denied,
    ExperimentFailed,
    FieldError,
    InvalidFile,
    InvalidRequest,
    InvalidValueError,
    MissingPackage,
    NotFound,
    ProblemError,
    RequestTimeout,
    ServerFault,
    ServerUnreachable,
    TooManyRequests,
    Unavailable,
    UnexpectedReply,
    WaitTimeout,
)
from reglab.client.experiments import AsyncExperiment, Experiment
from reglab.client.figures import Figure
from reglab.client.measures import (
    Boundary,
    Calibration,
    Prediction,
    Predictions,
    Spectrum,
    Weights,
)
from reglab.client.runs import AsyncRun, Run
from reglab.client.tables import Curves, EceTable, Table
from reglab.core.spec import ExperimentSpec

__all__ = [
    "AsyncClient",
    "AsyncExperiment",
    "AsyncRun",
    "Boundary",
    "Calibration",
    "Client",
    "ClientError",
    "Comparison",
    "Conflict",
    "Curves",
    "Denied",
    "EceTable",
    "Experiment",
    "ExperimentFailed",
    "ExperimentSpec",
    "FieldError",
    "Figure",
    "InvalidFile",
    "InvalidRequest",
    "InvalidValueError",
    "MissingPackage",
    "NotFound",
    "Prediction",
    "Predictions",
    "ProblemError",
    "RequestTimeout",
    "Run",
    "ServerFault",
    "ServerUnreachable",
    "Spectrum",
    "Table",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedReply",
    "WaitTimeout",
    "Weights",
]
