"""Calls in figures, and which calls are listed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from app.models import Call
from app.provider.voice_ai import CallEvent, Direction
from app.services.voice_ai import call_figures, call_search, calls
from app.services.voice_ai.call_figures import DAYS, MOST_DAYS, Tally
from app.services.voice_ai.call_search import CallFilter, CallOutcome

pytestmark = pytest.mark.both_databases

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 3)
NINA, OTTO = "Nina", "agent-otto"
HERS, HIS = "+14155550101", "+14155550102"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


@pytest.fixture
def reported(acme):
    """Six calls of three days, one of another organization, and one of the day after."""
    rows: list[dict[str, Any]] = [
        {"at": _at("03-01 00:00:00"), "outcome": "success", "duration_seconds": 10},
        {"at": _at("03-01 23:59:59"), "outcome": "success", "duration_seconds": 30},
        {"at": _at("03-01 12:00:00"), "outcome": "failure", "duration_seconds": 21},
        {"at": _at("03-03 09:00:00"), "outcome": "odd", "duration_seconds": 40, "agent_name": None},
        {"at": _at("03-03 09:00:00"), "outcome": "busy", "kind": CallEvent.FAILED, "agent_name": None},
        {"at": _at("03-03 09:00:00"), "outcome": None, "kind": CallEvent.FAILED, "agent_name": None},
        {"at": _at("03-04 00:00:00"), "outcome": "success"},
    ]
    for number, row in enumerate(rows):
        is_his = row.get("agent_name", NINA) is None
        fixed = {"kind": CallEvent.ENDED, "agent_id": OTTO if is_his else "agent-nina", "agent_name": NINA}
        way = Direction.OUTBOUND if is_his else Direction.INBOUND
        agent_number, external_number = (HIS if is_his else HERS), "+15550100000"
        numbers = {
            "from_number": agent_number if is_his else external_number,
            "to_number": external_number if is_his else agent_number,
        }
        own = {"organization_id": acme.organization.id, "conversation_id": f"conv-{number}", "direction": way}
        acme.session.add(Call(**fixed | numbers | own | row))
    acme.session.commit()
    return acme


def test_figures_by_day_agent_and_number(reported):
    figures = call_figures.of(reported, CallFilter(), FIRST, LAST)
    assert [(day.date.day, day.outcomes) for day in figures.daily.days] == [
        (1, {CallOutcome.SUCCESS: 2, CallOutcome.FAILURE: 1}),
        (2, {}),
        (3, {CallOutcome.UNKNOWN: 1, CallOutcome.BUSY: 1, CallOutcome.NOT_STARTED: 1}),
    ]
    assert figures.total == Tally("", 6, 4, 2, 26)  # between 21 and 30
    assert figures.agents == [Tally(NINA, 3, 3, 2, 21), Tally(OTTO, 3, 1, 0, 40)]
    assert figures.numbers == [Tally(HERS, 3, 3, 2, 21), Tally(HIS, 3, 1, 0, 40)]
    assert list(figures.daily.outcomes.values()) == [2, 1, 1, 1, 1]
    none = call_figures.of(reported, CallFilter(agent="Unused"), FIRST, LAST)
    assert (none.total, none.agents, len(none.daily.days)) == (Tally("", 0, 0, 0, None), [], 3)


def test_filters_select_the_same_calls_for_lists_figures_and_exports(reported):
    wrong: list[object] = []
    for filters, expected in (
        (CallFilter(), [0, 1, 2, 3, 4, 5, 6]),
        (CallFilter(agent=NINA), [0, 1, 2, 6]),
        (CallFilter(agent=OTTO), [3, 4, 5]),
        (CallFilter(outcome=CallOutcome.SUCCESS), [0, 1, 6]),
        (CallFilter(outcome=CallOutcome.NOT_STARTED), [5]),
        (CallFilter(outcome=CallOutcome.UNKNOWN), [3]),
        (CallFilter(direction=Direction.OUTBOUND), [3, 4, 5]),
        (CallFilter(since=date(2026, 3, 3)), [3, 4, 5, 6]),
        (CallFilter(until=date(2026, 3, 1)), [0, 1, 2]),
        (CallFilter(until=date.max), [0, 1, 2, 3, 4, 5, 6]),
        (CallFilter(text="5550102", outcome=CallOutcome.BUSY), [4]),
    ):
        listed = {row.conversation_id for row in calls.page(reported, filters).rows}
        exported = {row.conversation_id for row in calls.export(reported, filters)}
        counted = call_figures.of(reported, filters, date(2026, 1, 1), date(2026, 3, 31)).total.calls
        own = {f"conv-{number}" for number in expected}
        if not (listed == exported == own and counted == len(own)):
            wrong.append((filters, listed, exported, counted))
        by_python = {
            call.conversation_id: call_search.outcome_of(call) for call in calls.export(reported, filters)
        }
        if filters.outcome and set(by_python.values()) != {filters.outcome}:
            wrong.append((filters, by_python))
    assert wrong == []
    assert calls.agents(reported) == [OTTO, NINA]


def test_period_is_what_was_chosen_but_not_endless():
    today = date(2026, 3, 31)
    days = {
        name: (last - first).days + 1
        for name, (first, last) in {
            "default": call_figures.period(CallFilter(), today),
            "one": call_figures.period(CallFilter(since=today, until=today), today),
            "long": call_figures.period(CallFilter(since=date.min), today),
            "until": call_figures.period(CallFilter(until=date(2026, 1, 1)), today),
            "future": call_figures.period(CallFilter(since=date(2030, 1, 1)), today),
            "first": call_figures.period(CallFilter(until=date.min), today),
        }.items()
    }
    assert days == {
        "default": DAYS,
        "one": 1,
        "long": MOST_DAYS,
        "until": DAYS,
        "future": 1,
        "first": 1,
    }
