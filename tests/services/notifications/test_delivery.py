"""Messages are sent in order, retried for a day, and hold up no other destination."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.core import clock
from app.core.errors import Busy
from app.destination import Post
from app.models import Delivery, DeliveryAttempt, Destination, Notification
from app.services.notifications import (
    compose,
    delivery,
    destinations,
    digest,
    inbox,
    quiet,
    record,
    sealed,
)
from app.services.notifications.delivery import Sender
from app.services.notifications.events import Event
from app.services.notifications.record import Draft
from app.services.notifications.states import State
from simulators.site import Reply
from tests.services.notifications.conftest import send_all
from tests.support.receivers import HOST, URL

FLOOD = 80_000


def add(scope, subject="+15551234567", event=Event.NUMBER_UNHEALTHY, lane="numbers", **values):
    """Adds a notification with its deliveries."""
    draft = Draft(event, lane=lane, provider="twilio", subject=subject, subjects=[subject], **values)
    with scope.transaction(lock=False):
        return record.add(scope, draft)


def states(scope):
    """The state of each delivery, by notification."""
    query = select(Delivery.state).order_by(Delivery.notification_id, Delivery.created_at)
    scope.session.expire_all()
    return list(scope.session.scalars(query))


def make_due(scope):
    with scope.transaction(lock=False):
        scope.session.execute(update(Delivery).values(due_at=clock.now() - timedelta(seconds=1)))


def test_message_is_sent_once_with_a_stable_id_in_the_order_of_its_lane(acme, sender, receiver, webhook):
    def failing_since():
        return acme.session.get(Destination, webhook.row.id, populate_existing=True).failing_since

    receiver.status = 503
    row = add(acme)
    assert send_all(acme, sender) == 0
    assert delivery.ready(acme) == []
    assert failing_since()
    make_due(acme)
    receiver.status = 200
    assert send_all(acme, sender) == 1
    assert send_all(acme, sender) == 0
    assert {got.headers["webhook-id"] for got in receiver.arrived} == {row.uid}
    assert failing_since() is None
    assert states(acme) == [State.DELIVERED]
    attempts = acme.session.scalars(select(DeliveryAttempt).order_by(DeliveryAttempt.id)).all()
    assert [(one.ok, one.status, bool(one.reason)) for one in attempts] == [
        (False, 503, True),
        (True, 200, False),
    ]

    receiver.status = 500
    add(acme, "1")
    send_all(acme, sender)
    receiver.status = 200
    add(acme, "1", Event.NUMBER_RECOVERED)
    add(acme, "x", lane="another")
    assert send_all(acme, sender) == 1
    assert receiver.arrived[-1].json["data"]["subject"] == "x"
    make_due(acme)
    assert send_all(acme, sender) == 2
    assert [got.json["type"] for got in receiver.arrived[-2:]] == ["number.unhealthy", "number.recovered"]


def test_destination_that_fails_for_a_day_is_disabled_with_a_notice(acme, sender, receiver, webhook):
    pauses = list(delivery.RETRIES)
    assert pauses == sorted(pauses)
    assert timedelta(hours=20) < sum(pauses, timedelta()) < timedelta(hours=28)
    other = destinations.create(acme, {"kind": "webhook", "url": f"https://{HOST}/other"}).row
    receiver.answers = lambda request: Reply(204 if request.path == "/other" else 500, "")
    add(acme)
    add(acme, "+15551230002", lane="another")
    for _ in delivery.RETRIES:
        send_all(acme, sender)
        assert acme.session.get(Destination, webhook.row.id, populate_existing=True).enabled
        make_due(acme)
    send_all(acme, sender)
    row = acme.session.get(Destination, webhook.row.id, populate_existing=True)
    assert (row.enabled, "500" in row.disabled_reason) == (False, True)
    waiting = select(Delivery).where(Delivery.destination_id == row.id, Delivery.state == State.WAITING)
    assert acme.session.scalars(waiting).all() == []
    (notice,) = [one for one in inbox.open_now(acme) if one.event == Event.DESTINATION_DISABLED]
    send_all(acme, sender)
    assert notice.uid in {got.headers["webhook-id"] for got in receiver.arrived if got.path == "/other"}
    add(acme, "+15551230003")
    assert {one.destination_id for one in acme.session.scalars(waiting_all())} <= {other.id}

    destinations.change(acme, row.id, {"enabled": True})
    assert not [one for one in inbox.open_now(acme) if one.event == Event.DESTINATION_DISABLED]


def waiting_all():
    return select(Delivery).where(Delivery.state == State.WAITING)


BAD = {
    "redirects": lambda _request: Reply(302, "", {"Location": "https://127.0.0.1/"}),
    "says 500": lambda _request: Reply(500, ""),
    "sends a flood": lambda _request: Reply(200, iter([b"x" * FLOOD] * 50)),
    "sends nothing": lambda _request: None,
    "hangs": lambda _request: time.sleep(1.5),
    "asks for a pause": lambda _request: Reply(429, "", {"Retry-After": "3000"}),
}


def test_bad_receivers_get_a_sentence_and_disturb_no_other(acme, receiver, webhook):
    """Each in turn; another destination gets its message all the same."""
    sender = Sender(Post(receiver.client(deadline=1.0, most_bytes=64_000)), compose.no_link)
    other = destinations.create(acme, {"kind": "webhook", "url": f"https://{HOST}/well"}).row
    destinations.create(acme, {"kind": "webhook", "url": "https://nowhere.invalid/"})
    destinations.create(acme, {"kind": "email", "address": "team@example.com"})
    wrong = []
    for case, answer in BAD.items():
        receiver.answers = lambda request, answer=answer: (
            Reply(200, "") if request.path == "/well" else answer(request)
        )
        row = add(acme, lane=case[:10])
        send_all(acme, sender)
        query = (
            select(Delivery.destination_id, DeliveryAttempt.ok, DeliveryAttempt.reason, Delivery.due_at)
            .join(DeliveryAttempt, DeliveryAttempt.delivery_id == Delivery.id)
            .where(Delivery.notification_id == row.id)
        )
        for destination_id, is_ok, reason, due_at in acme.session.execute(query):
            is_expected = destination_id == other.id
            has_sentence = bool(reason) and reason.endswith(".") and "Traceback" not in reason
            if is_ok is not is_expected or has_sentence is is_expected:
                wrong.append((case, destination_id, is_ok, reason))
            if destination_id == webhook.row.id and case == "asks for a pause":
                assert due_at > clock.now() + timedelta(minutes=45)
    assert wrong == []


def test_private_address_or_a_secret_that_no_key_opens_is_a_failure(acme, sender, receiver, webhook):
    """The address by a name whose address changed after it was saved."""
    for values in ({"values": {"url": "https://127.0.0.1/"}}, {"sealed": "x"}):
        acme.session.execute(update(Destination).values(values))
        acme.session.commit()
        add(acme, lane=next(iter(values)))
        send_all(acme, sender)
    attempts = acme.session.scalars(select(DeliveryAttempt)).all()
    assert [(attempt.ok, attempt.status) for attempt in attempts] == [(False, None)] * 2
    assert receiver.arrived == []


def test_claimed_message_is_left_alone_until_its_lease_ends(acme, sender, receiver, webhook):
    """As a process leaves it that is killed while it sends."""
    add(acme)
    with acme.transaction(lock=False):
        (waiting,) = acme.session.scalars(select(Delivery))
        waiting.leased_until = clock.now() + delivery.LEASE
    assert delivery.ready(acme) == []
    assert delivery.send(acme, sender, waiting.id) is None
    with acme.transaction(lock=False):
        waiting.leased_until = clock.now() - timedelta(seconds=1)
    assert send_all(acme, sender) == 1


@pytest.mark.both_databases
def test_processes_in_parallel_never_send_twice(acme, sender, receiver, webhook, scopes):
    for number in range(12):
        add(acme, str(number), lane=f"lane-{number % 4}")

    def work(scope):
        chance = random.Random(id(scope))
        count = 0
        while waiting := list(scope.session.scalars(select(Delivery.id).where(delivery_waits()))):
            scope.end_read()
            attempt = delivery.send(scope, sender, chance.choice(waiting))
            count += bool(attempt and attempt.ok)
        return count

    counts = scopes.in_parallel(*[("dana", work)] * 4)
    assert sum(counts) == 12
    ids = [got.headers["webhook-id"] for got in receiver.arrived]
    assert len(ids) == len(set(ids)) == 12


def delivery_waits():
    return Delivery.state == State.WAITING


def test_installation_receives_what_organizations_do(installation, acme, globex, sender, receiver):
    saved = destinations.create(installation, {"kind": "webhook", "url": URL})
    for scope in (acme, globex):
        add(scope)
    add(installation, event=Event.BACKUP_OLD)
    assert send_all(acme, sender) == 3
    owners = [(got.json["data"]["organization"] or {}).get("name") for got in receiver.arrived]
    assert owners == ["Acme Support", "Globex", None]
    assert saved.row.organization_id is None


def _close(scope, row):
    with scope.transaction(lock=False):
        record.close(scope, [row])


def test_muted_destination_waits_and_a_quiet_period_sends_what_is_still_so(acme, sender, receiver, webhook):
    """Of two problems one is over by then; of two recoveries one is from a problem that was sent."""
    payload = {"kind": "webhook", "url": f"https://{HOST}/other", "events": ["number.recovered"]}
    other = destinations.create(acme, payload)
    until = clock.utc(clock.now() + timedelta(hours=1))
    destinations.change(acme, webhook.row.id, {"muted_until": until})
    add(acme)
    add(acme, event=Event.NUMBER_RECOVERED)
    send_all(acme, sender)
    assert [(got.path, got.json["type"]) for got in receiver.arrived] == [("/other", "number.recovered")]
    destinations.change(acme, webhook.row.id, {"muted_until": None})
    send_all(acme, sender)
    assert len(receiver.arrived) == 3

    destinations.delete(acme, other.row.id)
    receiver.arrived.clear()
    add(acme, "early")
    assert send_all(acme, sender) == 1
    soon = clock.utc(clock.now() + timedelta(hours=1))
    period = quiet.add(acme, {"ends_at": soon, "reason": "Move to a new runtime"})
    short, long = add(acme, "short"), add(acme, "long")
    add(acme, "short", Event.NUMBER_RECOVERED)
    add(acme, "early", Event.NUMBER_RECOVERED)
    _close(acme, short)
    send_all(acme, sender)
    assert len(receiver.arrived) == 1
    quiet.end(acme, period.id)
    send_all(acme, sender)
    got = [(one.json["type"], one.json["data"]["subject"]) for one in receiver.arrived[1:]]
    assert got == [("number.unhealthy", "long"), ("number.recovered", "early")]
    assert states(acme).count(State.SKIPPED) == 2
    assert long.closed_at is None


def test_digest_is_one_message_a_day(acme, sender, receiver):
    hour = clock.now().hour
    saved = destinations.create(acme, {"kind": "webhook", "url": URL, "digest_hour": hour})
    rows = [add(acme, str(number)) for number in range(3)]
    assert send_all(acme, sender) == 0
    assert digest.collect(acme) == 0
    saved.row.created_at -= timedelta(days=2)
    acme.session.commit()
    assert (digest.collect(acme), digest.collect(acme)) == (1, 0)
    assert send_all(acme, sender) == 1
    (got,) = receiver.arrived
    assert got.json["type"] == "notification.digest"
    assert [item["data"]["subject"] for item in got.json["data"]["items"]] == [row.subject for row in rows]


def last(entry):
    return [entry.attempts[-1].ok, entry.attempts[-1].status]


def test_test_and_resend_are_sent_now_in_few_turns(acme, sender, webhook, monkeypatch, receiver):
    monkeypatch.setattr(inbox, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(inbox, "_turns", threading.BoundedSemaphore(1))
    with inbox._turn(), pytest.raises(Busy):
        inbox.test(acme, sender, webhook.row.id)
    assert inbox.test(acme, sender, webhook.row.id).attempts[0].ok

    receiver.status = 500
    row = add(acme)
    send_all(acme, sender)
    receiver.status = 200
    tested = inbox.test(acme, sender, webhook.row.id)
    assert [tested.delivery.state, *last(tested)] == [State.DELIVERED, True, 200]
    first = acme.session.scalar(select(Delivery.id).where(Delivery.notification_id == row.id))
    again = inbox.resend(acme, sender, webhook.row.id, first)
    assert again.delivery.state == State.DELIVERED
    assert receiver.arrived[-1].headers["webhook-id"] == row.uid
    receiver.status = 418
    failed = inbox.test(acme, sender, webhook.row.id)
    assert [failed.delivery.state, *last(failed)] == [State.FAILED, False, 418]
    log = inbox.deliveries(acme, webhook.row.id).rows
    assert [entry.delivery.id for entry in log[:2]] == [failed.delivery.id, again.delivery.id]


def test_replaced_secret_signs_until_its_time_is_over(acme, webhook):
    old = webhook.secrets["signing_secret"]
    saved = destinations.replace_secret(acme, webhook.row.id)
    values = sealed.values(acme, saved.row)
    assert values["signing_secret"] == saved.secrets["signing_secret"] != old
    assert values["previous_signing_secret"] == old
    saved.row.previous_until = clock.now()
    assert "previous_signing_secret" not in sealed.values(acme, saved.row)


def test_sweep_keeps_what_is_open_or_young(acme, webhook):
    rows = [add(acme, str(number)) for number in range(3)]
    old = clock.now() - inbox.KEPT - timedelta(days=1)
    rows[0].at = rows[0].closed_at = rows[1].at = old
    acme.session.commit()
    assert inbox.sweep(acme) == 1
    remaining_subjects = set(acme.session.scalars(select(Notification.subject)))
    assert remaining_subjects == {"1", "2"}
    assert acme.session.scalar(select(func.count()).select_from(Delivery)) == 2
