"""What is recorded of a change at a provider: before it, after it, and when it was broken off."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.errors import Conflict
from app.core.outbound.client import Outbound
from app.models import AuditEvent, ProviderWrite
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import provider_writes
from app.services.drift import runs
from app.services.webhooks import endpoint
from simulators.base import Reply, Trouble
from tests.support.statuses import NUMBER, OLD_URL, URL

STARTED = "provider-change.started"


@pytest.fixture
def here(endpoint_id, twilio):
    """The id of an endpoint whose number should call `URL`, and calls something else."""
    twilio.numbers[NUMBER].voice_url = OLD_URL
    return endpoint_id


def _events(scope):
    query = select(AuditEvent.action).where(AuditEvent.subject == NUMBER).order_by(AuditEvent.id)
    return list(scope.session.scalars(query))[1:]


def _open(scope):
    scope.session.rollback()
    return [(row.action, row.subject) for row in scope.session.scalars(select(ProviderWrite))]


def _age(scope):
    with scope.transaction(lock=False):
        old = clock.now() - provider_writes.LONGEST - timedelta(seconds=1)
        scope.session.execute(update(ProviderWrite).values(started_at=old))


def test_point_records_a_change_before_and_after_or_does_not_send_it(acme, twilio, http, here, monkeypatch):
    def broken(*_arguments, **_more):
        raise RuntimeError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(log, "note", broken)
        with pytest.raises(RuntimeError):
            endpoint.point(acme, http, here)
    assert twilio.writes == []
    assert twilio.numbers[NUMBER].voice_url == OLD_URL

    records_at_write = []
    answer = twilio.answer

    def watched(requested):
        if requested.method == "POST":
            records_at_write.append((_events(acme), _open(acme)))
        return answer(requested)

    twilio.answer = watched
    assert endpoint.point(acme, http, here).in_sync
    assert records_at_write == [([STARTED], [("number.pointed", NUMBER)])]
    assert (_events(acme), _open(acme)) == ([STARTED, "number.pointed"], [])
    reported = acme.session.scalars(select(AuditEvent).where(AuditEvent.action == STARTED)).one().changes
    assert reported == {"change": [None, Action.NUMBER_POINTED.label], "webhook": [OLD_URL, URL]}
    assert endpoint.point(acme, http, here).in_sync
    assert len(_events(acme)) == 2, "nothing had to be changed"


def test_point_that_is_refused_or_accepted_and_not_made_is_a_failure(acme, twilio, http, here):
    sid = twilio.numbers[NUMBER].sid
    twilio.instead = {("POST", "IncomingPhoneNumbers"): Reply(200, {"sid": sid})}
    assert endpoint.point(acme, http, here).in_sync is False
    assert (_events(acme), _open(acme)) == ([STARTED, "provider-change.failed"], [])
    twilio.instead = {("POST", "IncomingPhoneNumbers"): Reply(403, {"code": 20003})}
    with pytest.raises(Conflict):
        endpoint.point(acme, http, here)
    assert (_events(acme), _open(acme)) == ([STARTED, "provider-change.failed"] * 2, [])


@pytest.mark.parametrize("has_done_it", [True, False])
def test_point_without_a_response_stays_open_until_observed(acme, twilio, http, here, has_done_it):
    answer = twilio.answer

    def lost(requested):
        if requested.method == "POST":
            if has_done_it:
                answer(requested)
            twilio.trouble = Trouble.FAULT
            return Reply(500, {})
        return answer(requested)

    twilio.answer = lost
    with pytest.raises(Conflict):
        endpoint.point(acme, http, here)
    assert _events(acme) == [STARTED, "provider-change.unknown"]
    twilio.trouble, twilio.answer = None, answer
    endpoint.observe(acme, http, here)
    assert len(_open(acme)) == 1, "it may still be under way"
    _age(acme)
    endpoint.observe(acme, http, here)
    assert (_events(acme)[2:], _open(acme)) == (["provider-change.resolved"], [])
    resolved = acme.session.scalars(select(AuditEvent).where(AuditEvent.action == "provider-change.resolved"))
    assert resolved.one().changes["found"] == [None, URL if has_done_it else OLD_URL]


def test_run_resolves_a_change_of_a_killed_process(acme, scopes, twilio, http, here):
    """Killed between the provider's write and its answer."""

    class Killed(BaseException):
        pass

    send = Outbound.send

    class Mortal(Outbound):
        def send(self, method, *arguments, **more):
            answer = send(self, method, *arguments, **more)
            if method == "POST":
                raise Killed
            return answer

    with scopes.of("dana") as dying, suppress(Killed):
        endpoint.point(dying, Mortal(twilio.upstreams, deadline=2.0), here)
    assert twilio.numbers[NUMBER].voice_url == URL
    assert (_events(acme), len(_open(acme))) == ([STARTED], 1)
    _age(acme)
    runs.run(acme, http, everything=True)
    assert (_events(acme), _open(acme)) == ([STARTED, "provider-change.resolved"], [])
