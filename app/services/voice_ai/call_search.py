"""Filters for the calls that are listed and counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, case, func, or_

from app.models import Call
from app.provider.voice_ai import CallEvent, Direction
from app.services.scope import Scope

_SEPARATORS = re.compile(r"[\s().\-/]")


class CallOutcome(StrEnum):
    """How a call ended, according to its report."""

    SUCCESS = "success"
    FAILURE = "failure"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    NOT_STARTED = "not-started"
    UNKNOWN = "unknown"


_REPORTED = (CallOutcome.SUCCESS, CallOutcome.FAILURE, CallOutcome.BUSY, CallOutcome.NO_ANSWER)

outcome: ColumnElement[str] = case(
    (Call.outcome.in_(_REPORTED), Call.outcome),
    (Call.kind == str(CallEvent.FAILED), str(CallOutcome.NOT_STARTED)),
    else_=str(CallOutcome.UNKNOWN),
)
agent: ColumnElement[str] = func.coalesce(func.nullif(Call.agent_name, ""), func.nullif(Call.agent_id, ""))
number: ColumnElement[str] = case(
    (Call.direction == str(Direction.OUTBOUND), func.coalesce(Call.from_number, Call.to_number)),
    else_=func.coalesce(Call.to_number, Call.from_number),
)
"""The organization's number: the caller of an outbound call, otherwise the called one."""


def outcome_of(call: Call) -> CallOutcome:
    """Returns the outcome of a loaded row, by the same rule as the SQL expression `outcome`."""
    if call.outcome in _REPORTED:
        return CallOutcome(call.outcome)
    return CallOutcome.NOT_STARTED if call.kind == CallEvent.FAILED else CallOutcome.UNKNOWN


@dataclass(frozen=True)
class CallFilter:
    """Selects calls.

    `text` is in the agent, a number or the conversation's id; days are in UTC, both inclusive. `caller`:
    the number, in E.164, that made the call.
    """

    text: str = ""
    caller: str = ""
    agent: str = ""
    outcome: CallOutcome | None = None
    direction: Direction | None = None
    since: date | None = None
    until: date | None = None


EVERY_CALL = CallFilter()


def select(scope: Scope, filters: CallFilter) -> Select[Call]:
    return scope.select(Call).where(*conditions(scope, filters))


def conditions(scope: Scope, filters: CallFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions of the filter. The organization is not among them."""
    clauses: list[ColumnElement[bool]] = []
    if filters.text:
        clauses.append(_matches(scope, filters.text))
    if filters.caller:
        clauses.append(Call.from_number.in_((filters.caller, filters.caller.removeprefix("+"))))
    if filters.agent:
        clauses.append(agent == filters.agent)
    if filters.outcome:
        clauses.append(outcome == str(filters.outcome))
    if filters.direction:
        clauses.append(Call.direction == str(filters.direction))
    return [*clauses, *days(filters.since, filters.until)]


def days(since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    begin = [Call.at >= midnight(since)] if since else []
    end = [Call.at < midnight(until) + timedelta(days=1)] if until and until < date.max else []
    return [*begin, *end]


def midnight(day: date) -> datetime:
    """Returns the beginning of the day in UTC, in the form of stored times."""
    return datetime.combine(day, time(), UTC).replace(tzinfo=None)


def _matches(scope: Scope, text: str) -> ColumnElement[bool]:
    """Returns the condition that the text is in the agent or id, or its digits in a number."""
    named = (Call.agent_name, Call.agent_id, Call.conversation_id)
    matching = [scope.contains(column, text) for column in named]
    digits = _SEPARATORS.sub("", text).lstrip("+")
    if digits.isascii() and digits.isdigit():
        matching += [column.contains(digits) for column in (Call.from_number, Call.to_number)]
    return or_(*matching)


def was_answered() -> ColumnElement[bool]:
    """Returns the condition that a conversation took place, whatever its outcome."""
    return Call.kind == str(CallEvent.ENDED)
