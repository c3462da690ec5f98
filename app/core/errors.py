"""The errors of the product, with the HTTP status and the code of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from app.core import messages


@dataclass(frozen=True)
class Problem:
    """One field of the input and what is wrong with it."""

    field: str
    message: str


class PatchbayError(Exception):
    """An error that a user can act on: `message` says what is wrong and what would be right."""

    status: ClassVar[int] = 500
    code: str = "INTERNAL_ERROR"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Malformed(PatchbayError):
    """The request cannot be parsed."""

    status = 400
    code = "MALFORMED_REQUEST"


class Unauthenticated(PatchbayError):
    status = 401
    code = "UNAUTHENTICATED"


class Forbidden(PatchbayError):
    status = 403
    code = "FORBIDDEN"


class NotFound(PatchbayError):
    """The row does not exist, or belongs to another organization."""

    status = 404
    code = "NOT_FOUND"


class TooSlow(PatchbayError):
    """The request did not arrive in time."""

    status = 408
    code = "REQUEST_TIMEOUT"


class Conflict(PatchbayError):
    """A stored value rules the change out. `existing_id`: its row, if it is in the caller's organization."""

    status = 409
    code = "CONFLICT"

    def __init__(self, message: str, *, code: str | None = None, existing_id: str | None = None) -> None:
        super().__init__(message, code=code)
        self.existing_id = existing_id


class Stale(PatchbayError):
    """Someone else saved first. `current` is the stored row, if it is known."""

    status = 412
    code = "STALE"

    def __init__(
        self,
        message: str = messages.STALE,
        current: Any = None,
    ) -> None:
        super().__init__(message)
        self.current = current


class TooLarge(PatchbayError):
    status = 413
    code = "TOO_LARGE"


class UnsupportedMedia(PatchbayError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class Invalid(PatchbayError):
    """One or more fields of the input are wrong."""

    status = 422
    code = "VALIDATION_FAILED"

    def __init__(self, problems: list[Problem]) -> None:
        fields = ", ".join(dict.fromkeys(problem.field for problem in problems))
        super().__init__(f"{messages.NOTHING_CHANGED} {messages.check_fields(fields)}")
        self.problems = problems


class TryLater(PatchbayError):
    """A temporary error. `retry_after` is in seconds."""

    retry_after: int = 1


class TooMany(TryLater):
    """A rate limit was reached; `limit` is its key."""

    status = 429
    code = "TOO_MANY_REQUESTS"
    retry_after: int

    def __init__(self, message: str, retry_after: int, limit: str) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.limit = limit


class Unavailable(TryLater):
    status = 503
    code = "DATABASE_UNAVAILABLE"
    retry_after = 5


class StorageFull(TryLater):
    """Nothing can be written; reading still works."""

    status = 503
    code = "STORAGE_FULL"
    retry_after = 30

    def __init__(self) -> None:
        super().__init__(messages.STORAGE_FULL)


class Busy(TryLater):
    """No slot is free. It is raised immediately: no request waits for one."""

    status = 503
    code = "BUSY"
