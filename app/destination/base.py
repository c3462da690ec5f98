"""The base of every kind of destination."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from app.core.outbound.answer import Answer, retry_after
from app.destination import messages
from app.destination.message import Message
from app.provider.fields import DeclarationError, Field, Origin

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound
    from app.core.outbound.mail import Mailer


class NotSent(Exception):
    """The message was not accepted. `retry_after`: for so many seconds it will not be, the receiver says."""

    def __init__(self, message: str, status: int | None = None, *, retry_after: float = 0) -> None:
        super().__init__(message)
        self.message, self.status, self.retry_after = message, status, retry_after


@dataclass(frozen=True)
class Post:
    """What sends messages: the HTTP client, and the mail server if one is set."""

    http: Outbound = field(repr=False)
    mailer: Mailer | None = field(default=None, repr=False)


class Kind:
    """Subclass this in one file of `app/destinations/`, with a class attribute for each field.

    `target` names the field that is shown for a destination without a label.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    summary: ClassVar[str] = ""
    position: ClassVar[int] = 100
    target: ClassVar[str] = ""
    fields: ClassVar[tuple[Field, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.fields = tuple(value for value in vars(cls).values() if isinstance(value, Field))
        for name in ("key", "label"):
            if not getattr(cls, name, None):
                raise DeclarationError(f"{cls.__module__}: {cls.__name__} declares no {name}.")
        if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", cls.key):
            raise DeclarationError(f"{cls.__module__}: the key {cls.key!r} must be lower case.")

    @property
    def typed_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.origin is Origin.TYPED)

    @property
    def generated_fields(self) -> tuple[Field, ...]:
        """The secrets that Patchbay makes, shows once, and replaces on request."""
        return tuple(field for field in self.fields if field.origin is Origin.GENERATED)

    def generate(self) -> str:
        """Returns a new value of a generated field."""
        raise NotImplementedError

    def send(self, post: Post, values: Mapping[str, Any], message: Message) -> int | None:
        """Sends the message; returns the status of the response. Raises NotSent, and OutboundError.

        `values` are those of the fields; after a generated one was replaced, `previous_<name>` is the former
        value for some time.
        """
        raise NotImplementedError


def accepted_status(answer: Answer, refusal: str = "") -> int:
    """Returns the status of a response that accepts the message. Raises NotSent, with `refusal` if given."""
    if 200 <= answer.status < 300:
        return answer.status
    pause = retry_after(answer.headers.get("Retry-After", ""))
    message = refusal or messages.rejected(answer.host, answer.status)
    raise NotSent(message, answer.status, retry_after=pause)
