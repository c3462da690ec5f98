"""The state of the last call to a number: one rule for pages, the API and proven numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core import clock, urls
from app.models import DriftCheck, LastCall
from app.provider import Capability, Provider, calls
from app.provider.calls import CONNECTED, CallOutcome
from app.provider.numbers import Reason
from app.services.drift import messages as drift_messages
from app.services.last_calls import messages

ELSEWHERE = frozenset({Reason.NUMBER_GONE, Reason.OF_SUBACCOUNT, Reason.OTHER_REGION})
"""Reasons with which calls to the number are in the list of another account or region."""


class CallState(StrEnum):
    """The state of the last call. Each line gives the code, the tone and the label."""

    tone: str
    label: str

    def __new__(cls, value: str, tone: str, label: str) -> CallState:
        self = str.__new__(cls, value)
        self._value_, self.tone, self.label = value, tone, label
        return self

    NOT_LISTED = "not_listed", "idle", "Not listed"
    NOT_READ = "not_read", "idle", "Not read yet"
    UNREADABLE = "unreadable", "warn", "Cannot be read"
    NEVER_CALLED = "never_called", "idle", "Never called"
    CONNECTED = "connected", "ok", "Got through"
    MISSED = "missed", "warn", "Not answered"
    CALL_FAILED = "failed", "bad", "Call failed"
    WEBHOOK_FAILED = "webhook_failed", "bad", "Webhook failed"
    FAILED_ELSEWHERE = "failed_elsewhere", "warn", "Failed at another URL"
    UNCLEAR = "unclear", "idle", "Not all known"


MISSED = frozenset({CallOutcome.NO_ANSWER, CallOutcome.BUSY, CallOutcome.CANCELED})


@dataclass(frozen=True)
class LastCallReport:
    """The report about the last call to a number. `expected` is its webhook URL now."""

    provider: Provider
    row: LastCall | None
    expected: str | None
    check: DriftCheck | None = None
    failure: str = ""
    """Why the calls could not be read just now."""

    @property
    def state(self) -> CallState:
        if Capability.LAST_CALLS not in self.provider.capabilities:
            return CallState.NOT_LISTED
        if self.problem:
            return CallState.UNREADABLE
        if self.row is None or self.row.checked_at is None:
            return CallState.NOT_READ
        if self.row.started_at is None:
            return CallState.NEVER_CALLED
        return self._state_of_call(self.row)

    def _state_of_call(self, row: LastCall) -> CallState:
        if row.error_code:
            if row.error_url is None:
                return CallState.CALL_FAILED
            return CallState.WEBHOOK_FAILED if self.is_ours else CallState.FAILED_ELSEWHERE
        outcome = calls.stored_outcome(row.outcome)
        if outcome in CONNECTED:
            return CallState.UNCLEAR if row.unread else CallState.CONNECTED
        if outcome in MISSED:
            return CallState.MISSED
        return CallState.CALL_FAILED if outcome is CallOutcome.FAILED else CallState.UNCLEAR

    @property
    def is_ours(self) -> bool:
        """Whether the error is about the present webhook of the number."""
        url = self.row.error_url if self.row else None
        return url is not None and self.expected is not None and urls.is_same(url, self.expected)

    @property
    def problem(self) -> str:
        """Why the last call is unknown; empty if it is known, or was never read."""
        row, check = self.row, self.check
        if row is not None and row.problem:
            return row.problem
        is_read = row is not None and row.checked_at is not None and row.started_at is None
        if is_read and check is not None and check.cause in ELSEWHERE:
            return messages.listed_elsewhere(
                drift_messages.verdict(self.provider.label, Reason(str(check.cause)))
            )
        return "" if row is not None and row.checked_at else self.failure

    @property
    def at(self) -> datetime | None:
        """When the last call was read, or could not be read."""
        if self.row is None:
            return None
        return self.row.tried_at if self.row.problem else self.row.checked_at

    @property
    def sentence(self) -> str:
        """The state, in a sentence or two."""
        row, state, label = self.row, self.state, self.provider.label
        if state is CallState.NOT_LISTED:
            return messages.not_listed(label)
        if state is CallState.UNREADABLE:
            return messages.unreadable(self.problem)
        if state is CallState.NOT_READ or row is None:
            return messages.NOT_READ
        if state is CallState.NEVER_CALLED:
            return messages.never_called(label, row.since)
        if row.error_code:
            return self.error_sentence
        if state is CallState.UNCLEAR and row.unread:
            return messages.errors_unread(label, row.unread)
        return messages.ended(calls.stored_outcome(row.outcome), row.cause)

    @property
    def error_sentence(self) -> str:
        """The provider's error about the call, as a sentence; empty if there is none."""
        row = self.row
        if row is None or not row.error_code:
            return ""
        description = self.provider.call_errors.get(row.error_code)
        words = description or messages.unknown_error(self.provider.label, row.error_code)
        if row.error_url is None or self.is_ours:
            return words
        return f"{words} {messages.at_another_url(self.expected)}"

    @property
    def error_page(self) -> str:
        """The URL of the provider's page about the error's code; empty if it has none."""
        code = self.row.error_code if self.row else None
        return self.provider.call_error_page.format(code) if code else ""

    def document(self) -> dict[str, Any]:
        """Returns the report as the API documents it."""
        row = self.row
        has_call = row is not None and row.started_at is not None
        return {
            "state": str(self.state),
            "detail": self.sentence,
            "last_call": _call(row) if row and has_call else None,
            "webhook_failure": self._failure(row) if row and row.error_code else None,
            "problem": self.problem or self.failure or None,
            "since": _utc(row.since) if row and not has_call else None,
            "checked_at": _utc(self.at),
        }

    def _failure(self, row: LastCall) -> Mapping[str, Any]:
        return {
            "code": row.error_code,
            "reason": self.error_sentence,
            "url": row.error_url,
            "url_is_ours": self.is_ours,
            "at": _utc(row.error_at),
            "help_url": self.error_page or None,
        }


def _call(row: LastCall) -> Mapping[str, Any]:
    outcome = calls.stored_outcome(row.outcome)
    return {
        "started_at": _utc(row.started_at),
        "outcome": str(outcome),
        "reason": messages.ended(outcome, row.cause),
    }


def _utc(moment: datetime | None) -> str | None:
    return clock.utc(moment) if moment else None
