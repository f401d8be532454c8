"""What the client raises: each error says what was wrong and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reglab.core.errors import ReglabError


class FieldError(BaseModel):
    """One fault of one field, as the server names it."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Dotted path of the field.")
    detail: str = Field(description="What was wrong.")
    remedy: str = Field("", description="How to correct it.")


class ClientError(ReglabError):
    """Base of all errors of the client.

    Attributes:
        message: What happened.
        remedy: What to do about it; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message, self.remedy = message, remedy
        super().__init__(f"{message} {remedy}".strip())


class ServerUnreachableError(ClientError):
    """Nothing answers at the server's address."""


class RequestTimeoutError(ClientError):
    """The server took longer than the client's timeout."""


class UnexpectedReplyError(ClientError):
    """The answer is not one of a reglab server of this version."""


class WaitTimeoutError(ClientError):
    """An experiment did not end in the time given; it goes on."""


class ExperimentFailedError(ClientError):
    """An experiment ended as failed or cancelled.

    Attributes:
        experiment_id: The experiment.
        state: 'failed' or 'cancelled'.
    """

    def __init__(self, message: str, remedy: str, experiment_id: str, state: str) -> None:
        super().__init__(message, remedy)
        self.experiment_id, self.state = experiment_id, state


class InvalidFileError(ClientError):
    """A local file cannot be read, or is not what it should be."""


class InvalidValueError(ClientError):
    """A value cannot be sent: it has no one meaning as JSON.

    Attributes:
        field: Dotted path of the field.
        detail: What was wrong.
    """

    def __init__(self, field: str, detail: str, remedy: str) -> None:
        self.field, self.detail = field, detail
        super().__init__(f"{field}: {detail}" if field else detail, remedy)


class MissingPackageError(ClientError, ImportError):
    """An optional package is needed for what was asked."""


class ProblemError(ClientError):
    """The server refused a request, with a problem document (RFC 9457).

    Attributes:
        status: HTTP status.
        kind: Kind of problem, e.g. ``urn:reglab:invalid``.
        title: The kind in words.
        detail: What happened.
        errors: One entry per faulty field.
        request_id: Give this when you report a fault.
        document: The whole answer.
    """

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status, self.document = status, document
        self.kind = str(document.get("type", "about:blank"))
        self.title = str(document.get("title", f"HTTP {status}"))
        self.detail = str(document.get("detail", "") or self.title)
        self.request_id = str(document.get("request_id", ""))
        self.errors = _field_errors(document.get("errors"))
        remedies = [error.remedy for error in self.errors if error.remedy]
        super().__init__(self.detail)
        self.remedy = " ".join(remedies)

    @property
    def field(self) -> str:
        """Path of the first faulty field, or an empty string."""
        return self.errors[0].field if self.errors else ""


class InvalidRequestError(ProblemError):
    """400, 413, 415, 422: the request, usually a field of the spec, is wrong."""


class DeniedError(ProblemError):
    """401, 403: the token is missing, wrong, or not enough."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(status, document)
        # A proxy in between refuses without our words.
        self.remedy = self.remedy or (
            "Give a token: REGLAB_TOKEN, or the argument token. Whoever runs the server makes one "
            "with `reglab tokens create NAME`."
        )


class NotFoundError(ProblemError):
    """404: there is no such thing."""


class ConflictError(ProblemError):
    """409: not possible in the present state."""


class TooManyRequestsError(ProblemError):
    """429, after all retries."""


class ServerFaultError(ProblemError):
    """5xx: a fault of the server; report its request id."""


class UnavailableError(ServerFaultError):
    """503, after all retries."""


KINDS: dict[int, type[ProblemError]] = {
    400: InvalidRequestError,
    401: DeniedError,
    403: DeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: TooManyRequestsError,
    503: UnavailableError,
}


def problem(status: int, document: Any) -> ProblemError:
    """The typed error of a refused request; bodies of proxies in between are tolerated."""
    kind = KINDS.get(status, ServerFaultError if status >= 500 else ProblemError)
    return kind(status, document if isinstance(document, dict) else {})


def _field_errors(items: Any) -> Sequence[FieldError]:
    found = []
    for item in items if isinstance(items, list) else []:
        try:
            found.append(FieldError.model_validate(item))
        except ValidationError:
            continue
    return tuple(found)
