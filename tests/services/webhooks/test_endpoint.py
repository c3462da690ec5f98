"""One number at its provider: observed, and its webhook set; against the Twilio simulator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Conflict, NotFound, Stale, TooMany
from app.core.outbound.client import Outbound
from app.models import AuditEvent, DriftCheck
from app.provider.numbers import Reason
from app.services.connections import gateway, proof, verification
from app.services.drift import tallies
from app.services.endpoints import crud
from app.services.providers import credentials, telephony
from app.services.webhooks import endpoint, messages
from simulators.base import CANARY, Trouble
from simulators.twilio import sample_id
from tests.support.scopes import OFFLINE, open_during_requests
from tests.support.statuses import NUMBER, OLD_URL, TWILIO, URL

OTHER = "https://app.example/calls"
LOUD = URL.replace("https://voice", "HTTPS://VOICE")


def _kept(scope):
    return tallies.of_numbers(scope, [NUMBER]).get(("twilio", NUMBER))


def _set(twilio, **values):
    for name, value in values.items():
        setattr(twilio.numbers[NUMBER], name, value)


APPLICATION = {"voice_application_sid": sample_id("AP")}


USUAL = {"voice_method": "POST", "trunk_sid": "", "voice_application_sid": ""}
AT_PROVIDER = [
    ({"voice_url": URL}, (True, None, URL)),
    ({"voice_url": LOUD}, (True, None, LOUD)),
    ({"voice_url": OLD_URL}, (False, Reason.DIFFERENT_URL, OLD_URL)),
    ({"voice_url": URL + "2"}, (False, Reason.DIFFERENT_URL, URL + "2")),
    ({"voice_url": URL, "voice_method": "GET"}, (False, Reason.DIFFERENT_METHOD, URL)),
    ({"voice_url": ""}, (False, Reason.NO_WEBHOOK, None)),
    ({"voice_url": URL} | APPLICATION, (False, Reason.APPLICATION_OVERRIDES, OTHER)),
    ({"voice_url": URL, "trunk_sid": sample_id("TK")}, (False, Reason.TRUNK_OVERRIDES, None)),
]


def test_observe_returns_and_saves_what_the_provider_has(acme, twilio, http, endpoint_id, subtests):
    for at_provider, expected in AT_PROVIDER:
        with subtests.test(at_provider=at_provider):
            _set(twilio, **USUAL | at_provider)
            observation = endpoint.observe(acme, http, endpoint_id)
            assert (observation.in_sync, observation.reason, observation.actual) == expected
            assert observation.expected == URL
            check = _kept(acme)
            assert (check.in_sync, check.reason, check.actual, check.expected) == (*expected, URL)
            assert (check.since is not None) == (observation.in_sync is False)
            assert not check.due
            assert observation.message
            assert CANARY not in observation.message
    twilio.applications[sample_id("AP")].voice_url = URL
    _set(twilio, **USUAL | APPLICATION)
    assert endpoint.observe(acme, http, endpoint_id).in_sync is True, "by an application with the right URL"


def test_observe_and_point_return_the_verdict_of_the_connection_too(acme, twilio, http, endpoint_id):
    """The number calls the right URL, and is not in sync if its signatures will not verify."""
    _set(twilio, voice_url=OLD_URL)
    for changes, reason in [
        ({"primary_token": "sample-of-another"}, Reason.SECONDARY_TOKEN),
        ({"primary_token": "", "status": "suspended"}, Reason.CREDENTIALS_REFUSED),
    ]:
        for name, value in changes.items():
            setattr(twilio, name, value)
        verification.verify(acme, http, TWILIO, {})
        for observation in (
            endpoint.point(acme, http, endpoint_id),
            endpoint.observe(acme, http, endpoint_id),
        ):
            assert (observation.in_sync, observation.reason, observation.actual) == (False, reason, URL)
            assert [observation.message] == [check.reason for check in proof.last_of_all(acme).values()]
        assert _kept(acme).cause == reason
    assert len(twilio.writes) == 1
    twilio.status = "active"
    verification.verify(acme, http, TWILIO, {})
    assert endpoint.observe(acme, http, endpoint_id).in_sync is True


def test_observe_without_a_response_keeps_the_result_and_gone_is_drift(
    acme, twilio, http, endpoint_id, subtests
):
    _set(twilio, voice_url=OLD_URL)
    endpoint.observe(acme, http, endpoint_id)
    since = _kept(acme).since
    for trouble in (Trouble.RATE_LIMITED, Trouble.FAULT, Trouble.HTML, Trouble.ODD):
        with subtests.test(trouble=trouble):
            twilio.trouble = trouble
            observation = endpoint.observe(acme, http, endpoint_id)
            assert (observation.in_sync, observation.reason) == (None, Reason.PROVIDER_UNREACHABLE)
            check = _kept(acme)
            assert (check.in_sync, check.reason, check.since) == (False, "different_url", since)

    twilio.trouble = None
    _set(twilio, voice_url="https://other.example/x")
    endpoint.observe(acme, http, endpoint_id)
    assert _kept(acme).since == since
    _set(twilio, voice_url=URL)
    endpoint.observe(acme, http, endpoint_id)
    assert _kept(acme).since is None

    del twilio.numbers[NUMBER]
    observation = endpoint.observe(acme, http, endpoint_id)
    assert (observation.in_sync, observation.reason, observation.actual) == (False, Reason.NUMBER_GONE, None)

    twilio.status, twilio.hides_status = "suspended", True
    observation = endpoint.observe(acme, http, endpoint_id)
    assert (observation.in_sync, observation.reason) == (False, Reason.CREDENTIALS_REFUSED)


def test_observe_is_of_ones_own_endpoint_needs_a_connection_and_is_limited(
    acme, globex, twilio, http, endpoint_id
):
    for act in (endpoint.observe, endpoint.point):
        with pytest.raises(NotFound):
            act(globex, http, endpoint_id)
    crud.update(acme, endpoint_id, {"is_active": False})
    observation = endpoint.observe(acme, http, endpoint_id)
    assert (observation.in_sync, observation.reason, observation.expected) == (
        None,
        Reason.NOTHING_EXPECTED,
        None,
    )

    credentials.set_enabled(acme, OFFLINE, TWILIO, False)
    before = len(twilio.requests)
    assert endpoint.observe(acme, http, endpoint_id).reason is Reason.PROVIDER_NOT_CONFIGURED
    assert len(twilio.requests) == before
    credentials.set_enabled(acme, OFFLINE, TWILIO, True)
    assert endpoint.observe(acme, http, endpoint_id).expected is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway, "OBSERVE", replace(gateway.OBSERVE, most=2))
        with pytest.raises(TooMany):
            endpoint.observe(acme, http, endpoint_id)


def test_point_sets_the_webhook_once_unless_it_was_changed_since(
    acme, twilio, http, endpoint_id, monkeypatch
):
    for at_provider in (
        {"voice_url": ""},
        {"voice_url": OLD_URL, "voice_method": "GET"},
        {"voice_url": URL} | APPLICATION,
        {"voice_url": URL, "trunk_sid": sample_id("TK")},
    ):
        _set(twilio, **USUAL | at_provider)
        after = endpoint.point(acme, http, endpoint_id)
        assert (after.in_sync, after.actual) == (True, URL)
        number = twilio.numbers[NUMBER]
        assert (number.voice_url, number.voice_method) == (URL, "POST")
        assert not number.voice_application_sid
        assert not number.trunk_sid
        assert _kept(acme).in_sync is True
    pointed = acme.select(AuditEvent).where(AuditEvent.action == "number.pointed")
    events = list(acme.session.scalars(pointed))
    assert [(event.subject, event.changes["webhook"][1]) for event in events] == [(NUMBER, URL)] * 4

    _set(twilio, **USUAL)
    twilio.requests.clear()
    open_meanwhile = open_during_requests(acme, monkeypatch)
    _set(twilio, voice_url=OLD_URL)
    plan = endpoint.plan(acme, http, endpoint_id)
    assert plan.can_point
    _set(twilio, voice_url="https://newer.example/x")
    with pytest.raises(Stale):
        endpoint.point(acme, http, endpoint_id, expected_digest=plan.digest)
    assert twilio.numbers[NUMBER].voice_url == "https://newer.example/x"
    again = endpoint.plan(acme, http, endpoint_id)
    assert endpoint.point(acme, http, endpoint_id, expected_digest=again.digest).in_sync is True
    assert endpoint.point(acme, http, endpoint_id).in_sync is True
    assert len(twilio.writes) == 1, "nothing is written to a number in sync"
    assert len(open_meanwhile) > 5
    assert not any(open_meanwhile)


def test_point_that_fails_is_sent_once_and_has_the_code_of_the_reason(
    acme, twilio, endpoint_id, subtests, http
):
    http = Outbound(twilio.upstreams, deadline=0.5)
    for trouble, expected in (
        (Trouble.FAULT, gateway.REFUSED),
        (Trouble.RATE_LIMITED, gateway.REFUSED),
        (Trouble.HTML, gateway.REFUSED),
        (Trouble.SLOW, gateway.UNREACHABLE),
    ):
        with subtests.test(trouble=trouble):
            twilio.requests.clear()
            twilio.trouble, twilio.trouble_at = trouble, twilio.numbers[NUMBER].sid
            with pytest.raises(Conflict) as raised:
                endpoint.point(acme, http, endpoint_id)
            assert raised.value.message.endswith(messages.NOT_SET)
            assert raised.value.code == expected
            assert [request.method for request in twilio.requests].count("POST") == 1
            assert _kept(acme).in_sync is False

    twilio.trouble = None
    twilio.requests.clear()

    def code(row_id):
        with pytest.raises(Conflict) as raised:
            endpoint.point(acme, http, row_id)
        return raised.value.code

    del twilio.numbers[NUMBER]
    assert code(endpoint_id) == "NUMBER_GONE"
    crud.update(acme, endpoint_id, {"inbound_agent_name": None})
    assert code(endpoint_id) == "NO_INBOUND_AGENT"
    crud.update(acme, endpoint_id, {"is_active": False})
    assert code(endpoint_id) == "ENDPOINT_INACTIVE"
    payload = {"phone_number": "+918047112345", "provider": "exotel", "inbound_agent_name": "support"}
    assert code(crud.create(acme, payload).id) == "CANNOT_POINT"
    assert "POST" not in {request.method for request in twilio.requests}


def test_changed_expectation_queues_a_check(acme, twilio, http, endpoint_id):
    queued: list[str] = []
    acme = type(acme)(**{**vars(acme), "queue_drift_check": queued.append})

    def look():
        _set(twilio, voice_url=OLD_URL)
        endpoint.observe(acme, http, endpoint_id)
        queued.clear()

    def is_void():
        check = _kept(acme)
        return (check.due, check.verdict, check.cause) == (True, "unknown", "not_checked")

    look()
    crud.update(acme, endpoint_id, {"label": "Reception"})
    assert (_kept(acme).due, queued) == (False, [])
    crud.update(acme, endpoint_id, {"inbound_agent_name": "sales"})
    assert is_void()
    assert queued == [acme.organization.id]
    look()
    telephony.update(acme, OFFLINE, {"public_base_url": "https://new.example.com"})
    assert is_void()
    assert queued == [acme.organization.id]
    crud.update(acme, endpoint_id, {"is_active": False})
    assert _kept(acme) is None
    crud.update(acme, endpoint_id, {"is_active": True})
    assert is_void()
    crud.delete(acme, endpoint_id)
    assert list(acme.session.scalars(acme.select(DriftCheck))) == []
