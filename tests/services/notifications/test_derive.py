"""Transitions and audit events become notifications: each once, together what belongs together, in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from app.core import clock
from app.models import Endpoint, HealthTransition, Notification, NotificationOutbox
from app.provider import Family, Outcome, Verified
from app.services.access import sign_in
from app.services.access.sign_in import Checked, state_of
from app.services.audit import actions, log
from app.services.audit.actions import Action, Trait
from app.services.connections import gateway, store
from app.services.connections.proof import Evidence
from app.services.drift import queue
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud
from app.services.installation import keys
from app.services.notifications import audited, derive, inbox, record
from app.services.notifications.events import Event
from app.services.organizations import directory
from app.services.providers import active
from tests.services.notifications.conftest import read
from tests.support.scopes import OFFLINE
from tests.support.statuses import BASE, NUMBER, TWILIO, drifted, edit, go_live, in_sync, save_result


def derived(scope, *events):
    """The owner's notifications, as (event, count) in their order."""
    query = select(Notification).where(record.own(scope)).order_by(Notification.id)
    rows = [row for row in scope.session.scalars(query) if not events or row.event in events]
    return [(row.event, row.count) for row in rows]


NUMBERS = (Event.NUMBER_UNHEALTHY, Event.NUMBER_RECOVERED)
CONNECTIONS = (Event.CONNECTION_REFUSED, Event.CONNECTION_RECOVERED)


@pytest.fixture
def live(acme):
    go_live(acme)
    read(acme)
    return acme


def test_number_is_reported_once_after_a_wait_and_closed_when_it_recovers(live):
    assert derived(live, *NUMBERS) == []
    save_result(live, drifted())
    read(live)
    save_result(live, ProbeResult())
    save_result(live, drifted())
    read(live)
    assert derived(live, *NUMBERS) == [(Event.NUMBER_UNHEALTHY, 1)]
    (row,) = inbox.open_now(live)
    assert (row.subject, row.reason, row.subjects) == (NUMBER, "different_url", [NUMBER])

    save_result(live, in_sync())
    assert read(live) == 1
    assert read(live) == 0
    assert derived(live, *NUMBERS) == [(Event.NUMBER_UNHEALTHY, 1), (Event.NUMBER_RECOVERED, 1)]
    assert inbox.open_now(live) == []

    save_result(live, drifted())
    assert derive.derive(live, quiet=timedelta(minutes=1)) == 0
    with live.session.begin_nested():
        before = HealthTransition.organization_id == live.organization.id
        rows = live.session.scalars(select(HealthTransition).where(before))
        for row in rows:
            row.at -= derive.LONGEST
    live.session.commit()
    assert derive.derive(live, quiet=timedelta(minutes=1)) == 1


def test_new_number_is_reported_after_its_check_and_closed_silently(live):
    """And not while it waits for a connection: it was never read."""
    crud.create(live, {"phone_number": "+15551239999", "provider": "vobiz", "inbound_agent_name": "a"})
    read(live)
    assert derived(live, *NUMBERS) == []
    save_result(live, drifted())
    assert derive.pending(live) == [live.organization.id]
    read(live)
    assert derive.pending(live) == []
    edit(live, is_active=False)
    read(live)
    assert derived(live, *NUMBERS) == [(Event.NUMBER_UNHEALTHY, 1)], "it was deactivated"
    assert inbox.open_now(live) == []
    new = "+15551239998"
    crud.create(live, {"phone_number": new, "provider": "twilio", "inbound_agent_name": "support"})
    read(live)
    save_result(live, drifted(new), new)
    read(live)
    assert derived(live, *NUMBERS) == [(Event.NUMBER_UNHEALTHY, 1)] * 2


def _transitions(scope, *changes):
    """Adds transitions of numbers of Twilio, in order: (number, was, now)."""
    at = clock.now() - timedelta(minutes=1)
    for step, (number, was, now) in enumerate(changes):
        since = at + timedelta(seconds=step) if now == "unhealthy" else None
        scope.session.execute(
            insert(HealthTransition).values(
                organization_id=scope.organization.id,
                provider="twilio",
                phone_number=f"+1555123000{number}",
                was=was,
                now=now,
                reason="no_webhook" if since else None,
                since=since,
                at=at + timedelta(seconds=step),
            )
        )
    scope.session.commit()


def test_numbers_with_the_same_news_are_one_message_in_order_per_number(acme):
    well, bad = "healthy", "unhealthy"
    _transitions(
        acme,
        (1, well, bad),
        (2, well, bad),
        (1, bad, well),
        (3, well, bad),
        (1, well, bad),
        (2, bad, well),
        (3, bad, well),
    )
    read(acme)
    query = select(Notification).where(Notification.event.in_(NUMBERS)).order_by(Notification.id)
    rows = list(acme.session.scalars(query))
    assert [(row.event, [number[-1] for number in row.subjects]) for row in rows] == [
        (Event.NUMBER_UNHEALTHY, ["1", "2", "3"]),
        (Event.NUMBER_RECOVERED, ["1", "2", "3"]),
        (Event.NUMBER_UNHEALTHY, ["1"]),
    ]


def test_many_numbers_after_one_change_are_one_message(live, webhook):
    """40 numbers, after the base URL was removed; one that was never checked is not among them."""
    rows = [
        {
            "phone_number": f"+1555124{place:04}",
            "provider": "twilio",
            "inbound_agent_name": "support",
        }
        for place in range(40)
    ]
    for row in rows:
        live.session.add(Endpoint(**row, organization_id=live.organization.id, is_active=True))
    live.session.commit()
    crud.create(live, {"phone_number": "+15551239999", "provider": "twilio", "inbound_agent_name": "a"})
    with live.transaction():
        numbers = {row["phone_number"]: in_sync(row["phone_number"]) for row in rows}
        queue.save_results(live, "twilio", numbers)
    read(live)
    directory.update(live, OFFLINE, {"public_base_url": None})
    read(live)
    (opened,) = [one for one in inbox.open_now(live) if one.event == Event.NUMBER_UNHEALTHY]
    assert (opened.count, opened.reason) == (41, "no_public_base_url")
    assert len(opened.subjects) == 41
    assert derived(live, Event.BASE_URL_CHANGED) == [(Event.BASE_URL_CHANGED, 1)] * 2
    directory.update(live, OFFLINE, {"public_base_url": BASE})
    read(live)
    assert [one for one in derived(live, *NUMBERS) if one[0] == Event.NUMBER_UNHEALTHY] == [
        (Event.NUMBER_UNHEALTHY, 41)
    ]


def _prove(scope, result=None):
    with scope.transaction():
        gateway.record(scope, store.load(scope, TWILIO), Evidence.NUMBERS, result)


def test_settings_that_change_are_reported_and_each_action_that_notifies(live):
    active.make_active(live, Family.TELEPHONY, None)
    directory.update(live, OFFLINE, {"public_base_url": "https://other.example.com"})
    read(live)
    events = [event for event, _ in derived(live, Event.PROVIDER_SWITCHED, Event.BASE_URL_CHANGED)]
    assert events == [
        *[Event.BASE_URL_CHANGED, Event.PROVIDER_SWITCHED],
        *[Event.PROVIDER_SWITCHED, Event.BASE_URL_CHANGED],
    ]
    assert live.session.scalars(select(NotificationOutbox)).all() == []

    with live.transaction():
        log.note(live, Action.CHANGE_STARTED, NUMBER)
        failure_event = log.note(live, Action.CALL_WEBHOOK_FAILED, "ElevenLabs")
    assert live.session.scalars(select(NotificationOutbox.audit_event_id)).all() == [failure_event.id]

    assert set(audited._READERS) == set(actions.with_trait(Trait.NOTIFIES))


def test_connection_and_call_webhook_are_reported_until_they_work_again(live):
    for action in (Action.CALL_WEBHOOK_FAILED, Action.CALL_WEBHOOK_FAILED):
        with live.transaction():
            log.note(live, action, "ElevenLabs", {"reason": [None, "It was switched off."]})
        read(live)
    events = (Event.CALL_WEBHOOK_DISABLED, Event.CALL_WEBHOOK_RECOVERED)
    assert derived(live, *events) == [(Event.CALL_WEBHOOK_DISABLED, 1)]
    (row,) = inbox.open_now(live)
    assert (row.provider, row.detail) == ("elevenlabs", "It was switched off.")
    for _ in range(2):
        with live.transaction():
            log.note(live, Action.CALL_WEBHOOK_WORKS, "ElevenLabs")
        read(live)
    assert derived(live, *events)[1:] == [(Event.CALL_WEBHOOK_RECOVERED, 1)]
    assert inbox.open_now(live) == []

    refused = Verified(False, Outcome.BAD_CREDENTIALS, "Look there.")
    _prove(live, refused)
    read(live)
    _prove(live, refused)
    read(live)
    assert derived(live, *CONNECTIONS) == [(Event.CONNECTION_REFUSED, 1)]
    (row,) = [row for row in inbox.open_now(live) if row.event == Event.CONNECTION_REFUSED]
    assert (row.provider, row.reason, row.detail) == ("twilio", "bad_credentials", "Look there.")
    with live.transaction():
        gateway.record(live, store.load(live, TWILIO), Evidence.TEST, None)
    read(live)
    assert derived(live, *CONNECTIONS)[-1][0] == Event.CONNECTION_RECOVERED
    assert not [row for row in inbox.open_now(live) if row.event == Event.CONNECTION_REFUSED]


def _sign_in(scope, user, ip):
    from_there = replace(scope, actor=replace(scope.actor, ip=ip), organization_or_none=None)
    sign_in.start_session(from_there, Checked(user, state_of(user)), user_agent="x")


def test_key_rotation_and_sign_ins_from_new_places_are_reported(acme, installation, webhook, cast):
    keys.prepare(acme)
    assert list(keys.reseal(acme)) == []
    assert None in derive.pending(acme)
    read(installation)
    assert derived(installation) == [(Event.KEYS_ROTATED, 1)]

    for user, ip in (
        (cast.dana, "192.0.2.1"),
        (cast.dana, "192.0.2.1"),
        (cast.dana, "2001:db8::1"),
        (cast.dana, "2001:db8::2"),
        (cast.mo, "192.0.2.1"),
        (cast.mo, "198.51.100.9"),
    ):
        _sign_in(acme, user, ip)
        read(acme)
    query = select(Notification).where(Notification.event == Event.SIGN_IN_NEW_PLACE)
    rows = list(acme.session.scalars(query))
    assert [(row.organization_id, row.subject, row.detail) for row in rows] == [
        (None, "dana@acme.example", "2001:db8::1")
    ]


@pytest.mark.both_databases
def test_derive_in_parallel_reports_each_once(live, scopes):
    for number in range(10):
        _transitions(live, (number, "healthy", "unhealthy"), (number, "unhealthy", "healthy"))
    answers = scopes.in_parallel(*[("dana", read)] * 4)
    assert sorted(answers)[:3] == [0, 0, 0]
    query = select(Notification).where(Notification.event == Event.NUMBER_UNHEALTHY)
    assert sum(row.count for row in live.session.scalars(query)) == 10
