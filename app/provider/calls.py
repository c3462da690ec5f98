"""The last calls to phone numbers, as a provider reports them: time and outcome, without the caller."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app.core.labels import LabelledEnum

MOST_PAGES = 100
"""Pages after which an account has too many calls to read."""

_CAUSE = re.compile(r"[A-Za-z][A-Za-z _/-]{1,59}")
_EARLIEST, _LATEST = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 (naive UTC)


class CallOutcome(LabelledEnum):
    """How a call ended. The values are stored."""

    ANSWERED = "answered", "Answered"
    IN_PROGRESS = "in_progress", "In progress"
    NO_ANSWER = "no_answer", "Not answered"
    BUSY = "busy", "Busy"
    CANCELED = "canceled", "Caller hung up first"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Outcome unknown"


CONNECTED = frozenset({CallOutcome.ANSWERED, CallOutcome.IN_PROGRESS})
"""Outcomes of calls that got through."""


@dataclass(frozen=True)
class CallError:
    """An error that the provider reports about a call.

    `code` is the provider's own. `url` was requested; None if the error is not about a request.
    """

    code: str
    at: datetime
    url: str | None = None


@dataclass(frozen=True)
class ProviderCall:
    """One incoming call. `cause` is why it ended, in the provider's words.

    `errors` are the provider's, the newest first; `unread`: why they cannot be read.
    """

    phone_number: str
    started_at: datetime
    outcome: CallOutcome
    cause: str = ""
    errors: tuple[CallError, ...] = ()
    unread: str = ""


@dataclass(frozen=True)
class LastCalls:
    """The last call to each number, as far back as `since`; None is as far as the provider stores calls.

    `unknown`: numbers that the provider does not have.
    """

    calls: Mapping[str, ProviderCall]
    since: datetime | None = None
    unknown: frozenset[str] = field(default_factory=frozenset)


def newest(calls: Iterable[ProviderCall], phone_numbers: Collection[str]) -> dict[str, ProviderCall]:
    """Returns the last call to each of the numbers. The calls may be in any order."""
    newest_calls: dict[str, ProviderCall] = {}
    for call in calls:
        last = newest_calls.get(call.phone_number)
        if call.phone_number in phone_numbers and (last is None or last.started_at < call.started_at):
            newest_calls[call.phone_number] = call
    return newest_calls


def stored_outcome(value: str | None) -> CallOutcome:
    """Returns the outcome with that value; UNKNOWN for any other value."""
    return next((one for one in CallOutcome if one == value), CallOutcome.UNKNOWN)


def outcome(outcomes: Mapping[str, CallOutcome], status: Any) -> CallOutcome:
    """Returns the outcome that a provider's status means."""
    return outcomes.get(status, CallOutcome.UNKNOWN) if isinstance(status, str) else CallOutcome.UNKNOWN


def cause(value: Any) -> str:
    """Returns a cause in the provider's words, which has no digits; "" for anything else."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if _CAUSE.fullmatch(text) else ""


def from_mail_date(value: Any) -> datetime | None:
    """Returns the naive UTC of a text such as `Tue, 10 Aug 2010 08:02:31 +0000`; None for others."""
    try:
        return _utc(parsedate_to_datetime(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError, IndexError):
        return None


def from_iso(value: Any, zone: Any = UTC) -> datetime | None:
    """Returns the naive UTC of a text such as `2026-03-18T10:00:00Z`; None for others.

    A time without an offset is in `zone`.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return _utc(moment if moment is None or moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def from_unix(value: Any) -> datetime | None:
    """Returns the naive UTC of a number of seconds since 1970; None for others."""
    try:
        return _utc(datetime.fromtimestamp(value, UTC)) if type(value) in (int, float) else None
    except (ValueError, OverflowError, OSError):
        return None


def _utc(moment: datetime | None) -> datetime | None:
    """Returns the time in naive UTC; None for one that no call can have."""
    if moment is None:
        return None
    naive = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return naive if _EARLIEST < naive < _LATEST else None
