"""What the grouped queries find, and to which organization each row goes."""

from __future__ import annotations

from datetime import timedelta

from app.core import clock
from app.models import DriftCheck, Endpoint
from app.services.connections import store
from app.services.endpoints import crud
from app.services.providers import credentials
from app.services.status import facts
from tests.support.statuses import TWILIO, TWILIO_VALUES, edit


def _facts(scope):
    every = facts.load(scope, "")
    return next(each for each in every if each.organization.id == scope.organization.id)


def test_load_counts_active_numbers_and_has_the_last_check(live, globex):
    assert _facts(live).healthy == 1
    first, last = clock.now() - timedelta(days=3), clock.now() - timedelta(days=1)
    crud.create(live, {"phone_number": "+15551234568", "provider": "twilio", "inbound_agent_name": "a"})
    with live.transaction():
        one, other = live.session.scalars(live.select(DriftCheck).order_by(DriftCheck.phone_number))
        one.verdict, one.cause, one.since, one.checked_at = "unhealthy", "no_webhook", last, last
        other.verdict, other.cause, other.since, other.checked_at = "unhealthy", "no_webhook", first, first
    own_facts = _facts(live)
    assert own_facts.drifted == {"twilio": facts.DriftedNumbers(2, first)}
    assert (own_facts.checked_at, own_facts.unchecked, own_facts.healthy) == (last, 0, 0)
    edit(live, inbound_agent_name="another")
    assert _facts(live).unchecked == 1

    own = {"organization_id": live.organization.id}
    rows = [
        Endpoint(**own, phone_number="+15550000001", provider="twilio"),
        Endpoint(**own, phone_number="+15550000002", provider="twilio", is_active=False),
        Endpoint(**own, phone_number="+15550000003", provider="gone", inbound_agent_name="a"),
        Endpoint(**own, phone_number="+15550000004", provider="exotel", is_active=False),
    ]
    with live.transaction():
        live.session.add_all(rows)
    own_facts, other = _facts(live), _facts(globex)
    assert (own_facts.numbers, own_facts.answered, own_facts.live) == ({"twilio": 3, "gone": 1}, 3, 4)
    assert (other.numbers, other.answered, other.live) == ({}, 0, 0)


def test_is_usable_matches_the_connection(acme):
    changes: tuple[tuple[dict, bool], ...] = (
        ({"account_sid": TWILIO_VALUES["account_sid"]}, True),
        (TWILIO_VALUES, True),
        ({}, False),
        ({"auth_token": None}, True),
    )
    usable_after_each = []
    for values, enabled in changes:
        credentials.save(acme, TWILIO, values, enabled=enabled)
        own_facts = _facts(acme)
        differ = [key for key, it in store.load_all(acme).items() if own_facts.is_usable(key) != it.is_usable]
        assert differ == []
        usable_after_each.append(own_facts.is_usable("twilio"))
    assert usable_after_each == [False, True, False, False]
    assert not _facts(acme).is_usable("unknown")
