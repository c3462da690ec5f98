"""One number at its provider: looking at it, and setting it right; against Twilio on this machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Conflict, NotFound, Stale, TooMany
from app.core.outbound.client import Outbound
from app.models import AuditEvent, DriftCheck
from app.provider.numbers import Reason
from app.providers import PROVIDERS
from app.services.connections import gateway
from app.services.drift import tallies
from app.services.endpoints import crud
from app.services.providers import credentials, telephony
from app.services.webhooks import endpoint
from simulators.base import CANARY, Trouble
from simulators.twilio import Twilio, sample_id
from tests.support.scopes import OFFLINE

TWILIO = PROVIDERS["twilio"]
NUMBER = "+15551234567"
URL = "https://voice.example.com/telephony/twilio/inbound/support"
OLD = "https://old.example/x"
ELSEWHERE = "https://app.example/calls"
LOUD = URL.replace("https://voice", "HTTPS://VOICE")


@pytest.fixture
def twilio():
    with Twilio() as upstream:
        yield upstream


@pytest.fixture
def http(twilio):
    return Outbound(twilio.upstreams, deadline=2.0)


@pytest.fixture
def here(acme, twilio):
    """The id of an endpoint whose number should call `URL`."""
    telephony.update(acme, OFFLINE, {"public_base_url": "https://voice.example.com"})
    known = {field.name for field in TWILIO.typed_fields}
    credentials.save(acme, TWILIO, {n: v for n, v in twilio.values.items() if n in known})
    sent = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"}
    return crud.create(acme, sent).id


def _kept(scope):
    return tallies.of_numbers(scope, [NUMBER]).get(("twilio", NUMBER))


def _set(twilio, **values):
    for name, value in values.items():
        setattr(twilio.numbers[NUMBER], name, value)


APPLICATION = {"voice_application_sid": sample_id("AP")}


@pytest.mark.parametrize(
    ("at_provider", "told"),
    [
        ({"voice_url": URL}, (True, None, URL)),
        ({"voice_url": LOUD}, (True, None, LOUD)),
        ({"voice_url": OLD}, (False, Reason.DIFFERENT_URL, OLD)),
        ({"voice_url": URL + "2"}, (False, Reason.DIFFERENT_URL, URL + "2")),
        ({"voice_url": URL, "voice_method": "GET"}, (False, Reason.DIFFERENT_METHOD, URL)),
        ({"voice_url": ""}, (False, Reason.NO_WEBHOOK, None)),
        ({"voice_url": URL} | APPLICATION, (False, Reason.APPLICATION_IN_THE_WAY, ELSEWHERE)),
        ({"voice_url": URL, "trunk_sid": sample_id("TK")}, (False, Reason.TRUNK_IN_THE_WAY, None)),
    ],
)
def test_what_the_provider_has_is_told_and_kept(acme, twilio, http, here, *, at_provider, told):
    _set(twilio, **at_provider)
    seen = endpoint.observe(acme, http, here)
    assert (seen.in_sync, seen.reason, seen.actual) == told
    assert seen.expected == URL
    kept = _kept(acme)
    assert (kept.in_sync, kept.reason, kept.actual, kept.expected) == (*told, URL)
    assert (kept.since is not None) == (seen.in_sync is False)
    assert not kept.due
    assert seen.message
    assert CANARY not in seen.message


def test_an_application_that_calls_the_right_url_is_in_sync(acme, twilio, http, here):
    twilio.applications[sample_id("AP")].voice_url = URL
    _set(twilio, **APPLICATION)
    assert endpoint.observe(acme, http, here).in_sync is True


def test_a_number_that_is_gone(acme, twilio, http, here):
    del twilio.numbers[NUMBER]
    seen = endpoint.observe(acme, http, here)
    assert (seen.in_sync, seen.reason, seen.actual) == (False, Reason.NUMBER_GONE, None)


def test_refused_credentials_are_drift(acme, twilio, http, here):
    twilio.status, twilio.hides_status = "suspended", True
    seen = endpoint.observe(acme, http, here)
    assert (seen.in_sync, seen.reason) == (False, Reason.CREDENTIALS_REFUSED)
    assert "Account Info" in seen.message


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMITED, Trouble.FAULT, Trouble.HTML, Trouble.ODD])
def test_no_answer_says_nothing_and_takes_nothing_back(acme, twilio, http, here, trouble):
    _set(twilio, voice_url=OLD)
    endpoint.observe(acme, http, here)
    since = _kept(acme).since
    twilio.trouble = trouble
    seen = endpoint.observe(acme, http, here)
    assert (seen.in_sync, seen.reason) == (None, Reason.PROVIDER_UNREACHABLE)
    kept = _kept(acme)
    assert (kept.in_sync, kept.reason, kept.since) == (False, "different_url", since)


def test_since_lasts_until_it_is_right_again(acme, twilio, http, here):
    _set(twilio, voice_url=OLD)
    endpoint.observe(acme, http, here)
    since = _kept(acme).since
    _set(twilio, voice_url="https://other.example/x")
    endpoint.observe(acme, http, here)
    assert _kept(acme).since == since
    _set(twilio, voice_url=URL)
    endpoint.observe(acme, http, here)
    assert _kept(acme).since is None


def test_an_inactive_endpoint_expects_nothing(acme, http, here):
    crud.update(acme, here, {"is_active": False})
    seen = endpoint.observe(acme, http, here)
    assert (seen.in_sync, seen.reason, seen.expected) == (None, Reason.NOTHING_EXPECTED, None)


def test_a_disabled_provider_is_not_asked(acme, twilio, http, here):
    credentials.set_enabled(acme, OFFLINE, TWILIO, False)
    before = len(twilio.requests)
    assert endpoint.observe(acme, http, here).reason is Reason.PROVIDER_NOT_CONFIGURED
    assert len(twilio.requests) == before


def test_no_transaction_is_open_while_the_provider_is_asked(acme, http, here, monkeypatch):
    open_meanwhile = []
    send = Outbound.send

    def watch(self, *arguments, **more):
        open_meanwhile.append(acme.session.in_transaction())
        return send(self, *arguments, **more)

    monkeypatch.setattr(Outbound, "send", watch)
    endpoint.point(acme, http, here)
    assert len(open_meanwhile) >= 3
    assert not any(open_meanwhile)


def test_another_organization_s_endpoint_is_not_found(globex, http, here):
    with pytest.raises(NotFound):
        endpoint.observe(globex, http, here)
    with pytest.raises(NotFound):
        endpoint.point(globex, http, here)


@pytest.mark.parametrize(
    "at_provider",
    [
        {"voice_url": ""},
        {"voice_url": OLD, "voice_method": "GET"},
        {"voice_url": URL} | APPLICATION,
        {"voice_url": URL, "trunk_sid": sample_id("TK")},
    ],
)
def test_pointing_sets_it_right_and_says_so(acme, twilio, http, here, at_provider):
    _set(twilio, **at_provider)
    after = endpoint.point(acme, http, here)
    assert (after.in_sync, after.actual) == (True, URL)
    number = twilio.numbers[NUMBER]
    assert (number.voice_url, number.voice_method) == (URL, "POST")
    assert not number.voice_application_sid
    assert not number.trunk_sid
    assert _kept(acme).in_sync is True
    event = acme.session.scalars(acme.select(AuditEvent).where(AuditEvent.action == "number.pointed")).one()
    assert event.subject == NUMBER
    assert event.changes["webhook"][1] == URL


def test_what_is_right_already_is_not_written(acme, twilio, http, here):
    _set(twilio, voice_url=URL)
    assert endpoint.point(acme, http, here).in_sync is True
    assert {seen.method for seen in twilio.requests} == {"GET"}


def test_what_changed_since_it_was_shown_is_not_replaced(acme, twilio, http, here):
    _set(twilio, voice_url=OLD)
    plan = endpoint.plan(acme, http, here)
    assert plan.can_point
    _set(twilio, voice_url="https://newer.example/x")
    with pytest.raises(Stale):
        endpoint.point(acme, http, here, seen=plan.seen)
    assert twilio.numbers[NUMBER].voice_url == "https://newer.example/x"
    again = endpoint.plan(acme, http, here)
    assert endpoint.point(acme, http, here, seen=again.seen).in_sync is True


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.FAULT, gateway.REFUSED),
        (Trouble.RATE_LIMITED, gateway.REFUSED),
        (Trouble.HTML, gateway.REFUSED),
        (Trouble.SLOW, gateway.UNREACHABLE),
    ],
)
def test_a_write_that_fails_is_sent_once_and_told(acme, twilio, here, trouble, code):
    http = Outbound(twilio.upstreams, deadline=1.0)
    twilio.trouble, twilio.trouble_at = trouble, twilio.numbers[NUMBER].sid
    with pytest.raises(Conflict) as raised:
        endpoint.point(acme, http, here)
    assert "was not set" in raised.value.message
    assert raised.value.code == code
    assert [seen.method for seen in twilio.requests].count("POST") == 1
    assert _kept(acme).in_sync is False


def test_what_cannot_be_pointed_is_refused_with_the_reason(acme, twilio, http, here):
    def code(endpoint_id):
        with pytest.raises(Conflict) as raised:
            endpoint.point(acme, http, endpoint_id)
        return raised.value.code

    del twilio.numbers[NUMBER]
    assert code(here) == "NUMBER_GONE"
    crud.update(acme, here, {"inbound_agent_name": None})
    assert code(here) == "NO_INBOUND_AGENT"
    crud.update(acme, here, {"is_active": False})
    assert code(here) == "ENDPOINT_INACTIVE"
    sent = {"phone_number": "+918047112345", "provider": "exotel", "inbound_agent_name": "support"}
    assert code(crud.create(acme, sent).id) == "CANNOT_POINT"
    assert "POST" not in {seen.method for seen in twilio.requests}


def test_looking_is_throttled(acme, http, here, monkeypatch):
    monkeypatch.setattr(gateway, "OBSERVE", replace(gateway.OBSERVE, most=2))
    endpoint.observe(acme, http, here)
    endpoint.observe(acme, http, here)
    with pytest.raises(TooMany):
        endpoint.observe(acme, http, here)


def test_a_change_of_what_is_expected_makes_it_due(acme, twilio, http, here):
    asked: list[str] = []
    acme = type(acme)(**{**vars(acme), "queue_drift_check": asked.append})

    def look():
        _set(twilio, voice_url=OLD)
        endpoint.observe(acme, http, here)
        asked.clear()

    def is_void():
        kept = _kept(acme)
        return (kept.due, kept.in_sync, kept.reason, kept.since) == (True, None, None, None)

    look()
    crud.update(acme, here, {"label": "Reception"})
    assert (_kept(acme).due, asked) == (False, [])
    crud.update(acme, here, {"inbound_agent_name": "sales"})
    assert is_void()
    assert asked == [acme.organization.id]
    look()
    telephony.update(acme, OFFLINE, {"public_base_url": "https://new.example.com"})
    assert is_void()
    assert asked == [acme.organization.id]
    crud.update(acme, here, {"is_active": False})
    assert _kept(acme) is None
    crud.update(acme, here, {"is_active": True})
    assert is_void()
    crud.delete(acme, here)
    assert list(acme.session.scalars(acme.select(DriftCheck))) == []
