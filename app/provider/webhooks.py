"""The request that a provider makes when a number rings, and the responses that it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MARK = "PatchbayTest"
"""The parameter that marks a test, with its id; it is signed if the provider signs parameters."""

MARK_HEADER = "X-Patchbay-Test"


class Signing(StrEnum):
    """How a test request is signed; the values are the API's."""

    UNSIGNED = "unsigned"
    WRONGLY_SIGNED = "wrongly_signed"
    SIGNED = "signed"


@dataclass(frozen=True)
class SampleCall:
    """The call that a test simulates: from a number to itself.

    `test_id` is 32 hexadecimal digits. `has_ended`: the request reports a call that is over, for which no
    runtime has a reason to start an agent.
    """

    test_id: str
    phone_number: str
    at: datetime
    has_ended: bool = False


@dataclass(frozen=True)
class WebhookRequest:
    """The request, as it is sent. `url` is the webhook URL byte for byte, with a query for a GET."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class WebhookRules:
    """What a provider accepts as the response to its request.

    `limit_seconds`: the time within which the response must be complete. `patience_seconds`: how long a test
    waits, if that is longer. `media`: accepted content types; empty if any is. `takes_redirects`: a redirect
    is accepted as the response, and not followed. `is_signed`: whether its requests have a signature.
    """

    limit_seconds: float
    most_bytes: int
    media: tuple[str, ...] = ()
    patience_seconds: float = 0.0
    takes_redirects: bool = False
    is_signed: bool = True

    @property
    def wait_seconds(self) -> float:
        return max(self.limit_seconds, self.patience_seconds)


class Effect(StrEnum):
    """What a response does to the call."""

    CONNECTS = "connects"
    SPEAKS = "speaks"
    """Says or plays something, and ends the call."""
    REJECTS = "rejects"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Instructions:
    """A response that the provider can read: its root, its first verbs, and what they do.

    `has_bad_stream`: it opens a media stream at an address that the provider cannot use. Such addresses may
    contain tokens, so none is stored.
    """

    root: str
    verbs: tuple[str, ...]
    effect: Effect
    has_bad_stream: bool = False


class Unreadable(Exception):
    """The provider cannot read the response. `root`: the root element, if it is another than expected."""

    def __init__(self, root: str = "") -> None:
        super().__init__()
        self.root = root
