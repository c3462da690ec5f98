"""Everything that can be refused, with the status and the code that the API answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one field of the input."""

    field: str
    message: str


class PatchbayError(Exception):
    """A refusal that a person can act on: `message` says what is wrong and what would be right."""

    status: ClassVar[int] = 500
    code: str = "INTERNAL_ERROR"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Malformed(PatchbayError):
    """The request could not be read at all."""

    status = 400
    code = "MALFORMED_REQUEST"


class Unauthenticated(PatchbayError):
    status = 401
    code = "UNAUTHENTICATED"


class Forbidden(PatchbayError):
    status = 403
    code = "FORBIDDEN"


class NotFound(PatchbayError):
    """Also what another organization's row answers."""

    status = 404
    code = "NOT_FOUND"


class TooSlow(PatchbayError):
    """The request did not arrive in time."""

    status = 408
    code = "REQUEST_TIMEOUT"


class Conflict(PatchbayError):
    status = 409
    code = "CONFLICT"


class Stale(PatchbayError):
    """Someone else saved first; `current` is the row as it is now, if known."""

    status = 412
    code = "STALE"

    def __init__(
        self,
        message: str = "This was changed by someone else. Reload, then save again.",
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
    """The input was read, and one or more of its fields are wrong."""

    status = 422
    code = "VALIDATION_FAILED"

    def __init__(self, problems: list[Problem]) -> None:
        fields = ", ".join(dict.fromkeys(problem.field for problem in problems))
        super().__init__(f"Nothing was changed. Please correct: {fields}.")
        self.problems = problems


class TryLater(PatchbayError):
    """Refused for now: `retry_after` says in how many seconds another try may succeed."""

    retry_after: int = 1


class TooMany(TryLater):
    status = 429
    code = "TOO_MANY_REQUESTS"
    retry_after: int

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(TryLater):
    status = 503
    code = "DATABASE_UNAVAILABLE"
    retry_after = 5


class StorageFull(TryLater):
    """Nothing can be saved until there is room again; reading goes on."""

    status = 503
    code = "STORAGE_FULL"
    retry_after = 30

    def __init__(self) -> None:
        super().__init__(
            "The disk of the server is full, so nothing was saved. Reading still works. "
            "Make room on that disk, then try again."
        )


class Busy(TryLater):
    """Refused immediately; nothing queues."""

    status = 503
    code = "BUSY"
