"""What a provider may be able to do, each a method of that name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Protocol

from app.core.outbound.client import Outbound
from app.provider.numbers import Callback, ProviderNumber
from app.provider.results import Verified


class Capability(StrEnum):
    """What a provider may know how to do: each is a method of that name on its class."""

    VERIFY = "verify"
    NUMBERS = "numbers"
    POINT = "point"
    OBSERVE = "observe"
    CALLBACK = "callback"


class Verifies(Protocol):
    """A provider that can test the values of a connection."""

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """`values`: stored or just typed, by field name, secrets in the clear; None or missing where unset.

        Makes the cheapest calls that prove them, and changes nothing. OutboundError passes through it.
        """
        ...


class Numbers(Protocol):
    """A provider that can list the numbers of its account."""

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[ProviderNumber]:
        """Every number that `observe` has too, page by page, in E.164. Paging stays on our host.

        Raises Refusal; OutboundError passes through.
        """
        ...


class Observes(Protocol):
    """A provider that can tell what one number calls."""

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """The number as the account has it; None where it has it not. Raises as `numbers`."""
        ...


class Points(Protocol):
    """A provider that can make a number call a URL of ours."""

    def point(self, http: Outbound, values: Mapping[str, Any], line: ProviderNumber, url: str) -> None:
        """Makes the number of `line` call `url` with POST, taking away what is in the way.

        `line` is what `observe` told just before. Every write is sent once. Raises as `numbers`.
        """
        ...


class CallsBack(Protocol):
    """A provider whose callback address is its application's, the same for all numbers that it has."""

    def callback(self, http: Outbound, values: Mapping[str, Any]) -> Callback:
        """What the application of the values calls. Raises as `numbers`."""
        ...

    def set_callback(self, http: Outbound, values: Mapping[str, Any], url: str) -> None:
        """Makes the application call `url`, and keeps what it calls where that fails.

        The write is sent once. Raises as `numbers`.
        """
        ...
