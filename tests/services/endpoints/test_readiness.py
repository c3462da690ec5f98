from __future__ import annotations

import itertools

import pytest
from sqlalchemy import delete, insert, update

from app.core.errors import Invalid
from app.models import Connection, Endpoint, Secret
from app.models.base import new_id
from app.provider import Family
from app.providers import PROVIDERS, keys_in
from app.services.connections import store
from app.services.endpoints import bulk, crud, listing, readiness
from app.services.endpoints.bulk import Selection
from app.services.endpoints.listing import Filter
from app.services.providers import credentials, telephony
from tests.support.scopes import OFFLINE

TELEPHONY = keys_in(Family.TELEPHONY)
CONNECTIONS = ("none", "incomplete", "complete", "disabled", "unreadable")


@pytest.fixture
def every_kind(acme):
    """Endpoints of every kind that the rule distinguishes, one of them of a provider that is gone."""
    kinds = itertools.product((None, "a"), (None, "b"), (True, False), (*TELEPHONY, "gone"))
    rows = [
        {
            "id": new_id(),
            "organization_id": acme.organization.id,
            "phone_number": f"+1555123{place:04}",
            "inbound_agent_name": inbound,
            "outbound_agent_name": outbound,
            "is_active": active,
            "provider": provider,
        }
        for place, (inbound, outbound, active, provider) in enumerate(kinds)
    ]
    acme.session.execute(insert(Endpoint), rows)
    acme.session.commit()
    return acme


def _connect(scope, key, state):
    provider = PROVIDERS[key]
    required = provider.required[:-1] if state == "incomplete" else provider.required
    with scope.transaction():
        for model in (Secret, Connection):
            scope.session.execute(delete(model).where(model.provider == key))
        scope.session.expire_all()
        if state == "none":
            return
        store.row_for(scope, provider).enabled = state != "disabled"
        store.apply(scope, provider, {field.name: "stored" for field in required})
        if state == "unreadable":
            scope.session.flush()
            scope.session.execute(update(Secret).where(Secret.provider == key).values(sealed="broken"))
            scope.session.expire_all()


@pytest.mark.both_databases
def test_readiness_is_the_same_in_python_and_in_sql(every_kind):
    """Each connection is in each state, in turn."""
    for base_url, first in [(None, 0), *(("https://voice.example.com", n) for n in range(len(CONNECTIONS)))]:
        with every_kind.transaction():
            every_kind.organization.public_base_url = base_url
        states = [CONNECTIONS[(first + n) % len(CONNECTIONS)] for n in range(len(TELEPHONY))]
        for key, state in zip(TELEPHONY, states, strict=True):
            _connect(every_kind, key, state)
        _check_readiness(every_kind, can_be_ready=base_url is not None and "complete" in states)


def _check_readiness(scope, *, can_be_ready):
    rule = readiness.load(scope)
    rows = list(scope.session.scalars(scope.select(Endpoint)))
    takes_calls = {row.id for row in rows if row.takes_calls}
    ready = {row.id for row in rows if rule.blocked_reason(row) is None}
    assert ready <= takes_calls
    assert bool(ready) == can_be_ready

    def selected(condition):
        return {row.id for row in scope.session.scalars(scope.select(Endpoint).where(condition))}

    assert selected(Endpoint.takes_calls) == takes_calls
    assert selected(rule.is_ready) == ready
    assert selected(rule.is_blocked) == takes_calls - ready
    blocked = listing.matching(scope, Filter(blocked=True))
    assert {row.id for row in scope.session.scalars(blocked)} == takes_calls - ready
    dialing = {row.id for row in rows if rule.blocked_reason(row, "outbound") is None}
    assert selected(rule.can_dial) == dialing
    affected = bulk.affected(scope, Selection(filters=Filter()))
    assert (affected.ready, affected.dialing) == (len(ready), len(dialing))


NUMBER = "+15551234567"
DRAFT = {"phone_number": NUMBER, "provider": "twilio"}
TWILIO = {
    "public_base_url": "https://voice.example.com",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "sample-token-of-twilio",
}


def test_resolve_returns_the_agent_and_the_url(acme):
    telephony.update(acme, OFFLINE, TWILIO)
    row = crud.create(acme, DRAFT | {"inbound_agent_name": "in", "outbound_agent_name": "out"})
    answer = {
        "phone_number": NUMBER,
        "direction": "inbound",
        "endpoint_id": row.id,
        "provider": "twilio",
        "agent_name": "in",
        "inbound_webhook_url": "https://voice.example.com/telephony/twilio/inbound/in",
        "ready": True,
        "blocked_reason": None,
        "health": "unknown",
        "health_reason": "not_checked",
        "health_detail": None,
        "proven": False,
    }
    for spelling in (NUMBER, " 15551234567", "+1 (555) 123-4567"):
        assert readiness.resolve(acme, spelling, "inbound") == answer
    outbound = {"direction": "outbound", "agent_name": "out", "inbound_webhook_url": None}
    assert readiness.resolve(acme, NUMBER, "outbound") == answer | outbound
    for number, direction in (("junk", "inbound"), ("", "inbound"), (NUMBER, "sideways")):
        with pytest.raises(Invalid):
            readiness.resolve(acme, number, direction)


def test_resolve_returns_every_reason(acme, globex):
    def reason(direction="inbound", number=NUMBER):
        answer = readiness.resolve(acme, number, direction)
        assert answer["ready"] is (answer["blocked_reason"] is None)
        return answer["blocked_reason"]

    crud.create(globex, DRAFT | {"phone_number": "+15551230000", "inbound_agent_name": "x"})
    assert readiness.resolve(acme, "+15551230000", "inbound")["agent_name"] is None
    assert (reason(), reason(number="+15551230000")) == ("unknown_number", "unknown_number")
    row = crud.create(acme, DRAFT | {"is_active": False})
    assert reason() == "endpoint_inactive"
    crud.update(acme, row.id, {"is_active": True})
    assert (reason(), reason("outbound")) == ("no_inbound_agent", "no_outbound_agent")
    crud.update(acme, row.id, {"inbound_agent_name": "a", "outbound_agent_name": "b"})
    assert (reason(), reason("outbound")) == ("no_public_base_url", "no_public_base_url")
    telephony.update(acme, OFFLINE, {"public_base_url": "https://voice.example.com"})
    assert reason() == "provider_not_configured"
    telephony.update(acme, OFFLINE, TWILIO)
    assert (reason(), reason("outbound")) == (None, None)
    credentials.set_enabled(acme, OFFLINE, PROVIDERS["twilio"], False)
    assert reason() == "provider_disabled"
    with acme.transaction():
        crud.get(acme, row.id).provider = "gone"
    assert reason() == "provider_unknown"
