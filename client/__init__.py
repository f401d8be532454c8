"""Python client of a reglab server; needs httpx, Pydantic and rich, nothing numeric."""

from reglab.client.answers import Confusion, Corp, Selective
from reglab.client.clients import AsyncClient, Client
from reglab.client.compare import Comparison
from reglab.client.errors import (
    ClientError,
    ConflictError,
    DeniedError,
    ExperimentFailedError,
    FieldError,
    InvalidFileError,
    InvalidRequestError,
    InvalidValueError,
    MissingPackageError,
    NotFoundError,
    ProblemError,
    RequestTimeoutError,
    ServerFaultError,
    ServerUnreachableError,
    TooManyRequestsError,
    UnavailableError,
    UnexpectedReplyError,
    WaitTimeoutError,
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
    "ConflictError",
    "Confusion",
    "Corp",
    "Curves",
    "DeniedError",
    "EceTable",
    "Experiment",
    "ExperimentFailedError",
    "ExperimentSpec",
    "FieldError",
    "Figure",
    "InvalidFileError",
    "InvalidRequestError",
    "InvalidValueError",
    "MissingPackageError",
    "NotFoundError",
    "Prediction",
    "Predictions",
    "ProblemError",
    "RequestTimeoutError",
    "Run",
    "Selective",
    "ServerFaultError",
    "ServerUnreachableError",
    "Spectrum",
    "Table",
    "TooManyRequestsError",
    "UnavailableError",
    "UnexpectedReplyError",
    "WaitTimeoutError",
    "Weights",
]
