"""The last call to an endpoint's number, read from the simulated provider."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.errors import Conflict, NotFound, TooMany
from app.models import AuditEvent, Check, LastCall
from app.provider.calls import CallOutcome
from app.provider.numbers import Fault, ProviderNumber, Reason
from app.services.audit.actions import Action
from app.services.connections import gateway
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud, readiness
from app.services.last_calls import endpoints, readings
from app.services.last_calls.states import CallState
from app.services.providers import credentials
from simulators.base import CANARY, Trouble
from simulators.calls import CALLER
from tests.support import statuses
from tests.support.statuses import NUMBER, OLD_URL, URL

DAY = timedelta(days=1)


@pytest.fixture
def endpoint_id(acme, twilio):
    row = readiness.by_number(acme, NUMBER)
    assert row
    return row.id


def _row(scope) -> LastCall | None:
    scope.session.rollback()
    query = select(LastCall).where(LastCall.phone_number == NUMBER)
    return scope.session.scalar(query.execution_options(populate_existing=True))


def test_show_and_refresh_return_the_state_of_each_kind_of_call(acme, http, twilio, endpoint_id):
    assert endpoints.show(acme, endpoint_id).document() == {
        "state": "not_read",
        "detail": endpoints.show(acme, endpoint_id).sentence,
        "last_call": None,
        "webhook_failure": None,
        "problem": None,
        "since": None,
        "checked_at": None,
    }

    twilio.calls.add(NUMBER, errors=[(99999, URL), (11200, OLD_URL)])
    failure = endpoints.refresh(acme, http, endpoint_id).document()["webhook_failure"]
    assert (failure["code"], failure["url"], failure["url_is_ours"]) == ("99999", URL, True)
    assert "99999" in failure["reason"]
    assert failure["help_url"] == "https://www.twilio.com/docs/api/errors/99999"

    twilio.calls.clear()
    twilio.calls.add(NUMBER, errors=[(11200, URL)])
    assert endpoints.refresh(acme, http, endpoint_id).state is CallState.WEBHOOK_FAILED
    statuses.edit(acme, inbound_agent_name="another")
    assert endpoints.show(acme, endpoint_id).state is CallState.FAILED_ELSEWHERE
    statuses.edit(acme, inbound_agent_name="support")

    wrong = []
    for outcome, errors, state in (
        (None, [], CallState.NEVER_CALLED),
        (CallOutcome.ANSWERED, [], CallState.CONNECTED),
        (CallOutcome.IN_PROGRESS, [], CallState.CONNECTED),
        (CallOutcome.NO_ANSWER, [], CallState.MISSED),
        (CallOutcome.BUSY, [], CallState.MISSED),
        (CallOutcome.FAILED, [], CallState.CALL_FAILED),
        (CallOutcome.UNKNOWN, [], CallState.UNCLEAR),
        (CallOutcome.ANSWERED, [(11200, URL)], CallState.WEBHOOK_FAILED),
        (CallOutcome.ANSWERED, [(11200, f"{URL}?From=1"), (11200, OLD_URL)], CallState.WEBHOOK_FAILED),
        (CallOutcome.ANSWERED, [(11200, OLD_URL), (12100, URL)], CallState.WEBHOOK_FAILED),
        (CallOutcome.ANSWERED, [(11210, OLD_URL)], CallState.FAILED_ELSEWHERE),
        (CallOutcome.FAILED, [(10003, "")], CallState.CALL_FAILED),
    ):
        twilio.calls.clear()
        if outcome:
            twilio.calls.add(NUMBER, outcome, errors=errors)
        report = endpoints.refresh(acme, http, endpoint_id)
        if report.state is not state or endpoints.show(acme, endpoint_id).document() != report.document():
            wrong.append((outcome, errors, report.state))
    assert wrong == []


def test_outage_keeps_what_was_read_and_a_lacking_right_is_unreadable(acme, http, twilio, endpoint_id):
    twilio.trouble = Trouble.FAULT
    assert endpoints.refresh(acme, http, endpoint_id).state is CallState.UNREADABLE
    assert endpoints.show(acme, endpoint_id).state is CallState.NOT_READ
    twilio.trouble = None
    twilio.calls.add(NUMBER)
    before = endpoints.refresh(acme, http, endpoint_id).document()
    twilio.trouble = Trouble.FAULT
    report = endpoints.refresh(acme, http, endpoint_id)
    assert report.failure
    assert report.document() == before | {"problem": report.failure}
    assert endpoints.show(acme, endpoint_id).document() == before

    twilio.trouble = None
    twilio.calls.clear()
    assert endpoints.refresh(acme, http, endpoint_id).state is CallState.NEVER_CALLED
    line = ProviderNumber(NUMBER, faults=(Fault(Reason.OTHER_REGION),))
    statuses.save_result(acme, ProbeResult(line))
    assert endpoints.show(acme, endpoint_id).state is CallState.UNREADABLE, "and not never called"
    statuses.save_result(acme, statuses.in_sync())

    twilio.calls.add(NUMBER)
    endpoints.refresh(acme, http, endpoint_id)
    twilio.hides_errors = True
    assert endpoints.refresh(acme, http, endpoint_id).state is CallState.UNCLEAR
    twilio.hides_calls = True
    report = endpoints.refresh(acme, http, endpoint_id)
    assert (report.state, endpoints.show(acme, endpoint_id).state) == (CallState.UNREADABLE,) * 2
    assert [check.ok for check in acme.session.scalars(acme.select(Check))] == [True]
    twilio.hides_calls = twilio.hides_errors = False
    assert endpoints.refresh(acme, http, endpoint_id).state is CallState.CONNECTED


def test_nothing_of_the_caller_is_stored(acme, http, twilio, endpoint_id):
    twilio.calls.add(NUMBER, errors=[(11200, f"https://me:word@voice.example.com/x?From={CALLER}")])
    shown = repr(endpoints.refresh(acme, http, endpoint_id).document())
    row = _row(acme)
    stored = repr([getattr(row, column.name) for column in LastCall.__table__.columns])
    for text in (CALLER, CALLER.lstrip("+"), CANARY, "word"):
        assert text not in stored + shown


def test_later_reading_continues_an_earlier_one(acme, http, twilio, endpoint_id):
    """A reading that begins before the last one ended finds no later call: the earlier call stays."""
    connection = gateway.configured(acme, statuses.TWILIO)

    def read(*, since=None):
        assert readings.read(acme, http, connection, [NUMBER], since) == ""
        return _row(acme)

    call = twilio.calls.add(NUMBER, ago=5 * DAY)
    first = read()
    assert abs(first.started_at - call.at.replace(tzinfo=None)) < timedelta(seconds=2)
    assert first.since is None
    stored, checked_at = first.started_at, first.checked_at
    later = read(since=clock.now() - DAY)
    assert (later.started_at, later.since) == (stored, None)
    assert later.checked_at > checked_at
    twilio.calls.add(NUMBER, CallOutcome.BUSY)
    assert read(since=clock.now() - DAY).outcome == "busy"
    with acme.transaction():
        acme.session.scalar(acme.select(LastCall)).checked_at = clock.now() - 9 * DAY
    twilio.calls.clear()
    gap = read(since=clock.now() - DAY)
    assert (gap.started_at, gap.outcome, gap.since is None) == (None, None, False)


def test_refresh_is_limited_audited_in_aggregate_and_needs_a_connection(acme, globex, http, endpoint_id):
    endpoints.refresh(acme, http, endpoint_id)
    endpoints.refresh(acme, http, endpoint_id)
    for _ in range(gateway.LAST_CALL.most - 2):
        gateway.consume(acme, statuses.TWILIO, gateway.LAST_CALL)
    with pytest.raises(TooMany):
        endpoints.refresh(acme, http, endpoint_id)
    events = acme.select(AuditEvent).where(AuditEvent.action == Action.LAST_CALLS_READ)
    assert len(list(acme.session.scalars(events))) == 1
    credentials.disconnect(acme, statuses.TWILIO)
    with pytest.raises(Conflict) as refused:
        endpoints.refresh(acme, http, endpoint_id)
    assert refused.value.code == "PROVIDER_NOT_CONFIGURED"

    with pytest.raises(NotFound):
        endpoints.refresh(globex, http, endpoint_id)
    crud.delete(acme, endpoint_id)
    with pytest.raises(NotFound):
        endpoints.show(acme, endpoint_id)
