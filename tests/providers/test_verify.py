"""What testing a connection promises for every provider."""

from __future__ import annotations

from typing import cast

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Verifies
from app.providers import PROVIDERS
from simulators.base import CANARY, Reply, Trouble

WRONG = "sample-and-wrong-0001"
TROUBLES = {
    Trouble.RATE_LIMITED: (Outcome.RATE_LIMITED, "429"),
    Trouble.FAULT: (Outcome.UNEXPECTED_ANSWER, "500"),
    Trouble.HTML: (Outcome.UNEXPECTED_ANSWER, "200"),
    Trouble.REFUSED_IN_HTML: (Outcome.UNEXPECTED_ANSWER, "401"),
    Trouble.ODD: (Outcome.UNEXPECTED_ANSWER, "200"),
}
NAMES = ("detail", "error", "errorCode", "sid", "auth_id", "id", "access_token", "RestException")
ODD = [None, 7, "x", [], {}, [7], {"code": 7, "status": [7]}]

pytestmark = pytest.mark.parametrize("key", PROVIDERS)


@pytest.fixture
def key(request):
    return request.param


def wrong_secrets(key, values):
    """Wrong required secrets; an optional one is tested with its provider."""
    return {field.name: WRONG for field in PROVIDERS[key].required if field.secret and field.name in values}


def test_verify_right_values_is_ok_and_only_reads(key, upstream, verify):
    assert verify().code == Outcome.OK
    assert upstream.requests
    assert verify(**{field.name: None for field in PROVIDERS[key].fields if not field.required}).ok
    assert verify(**wrong_secrets(key, upstream.values)).code == Outcome.BAD_CREDENTIALS
    assert upstream.writes == []
    assert len(upstream.requests) <= 11
    assert {request.host for request in upstream.requests} <= set(upstream.hosts)
    secrets = [
        upstream.values[field.name] for field in PROVIDERS[key].secrets if field.name in upstream.values
    ]
    assert secrets
    assert not [secret for secret in secrets if secret in repr(upstream.requests)]

    for field in PROVIDERS[key].required:
        if not field.secret and not getattr(field, "pattern", ""):
            assert verify(**{field.name: "a/../b?c#d%é"}).ok is False
    assert {request.host for request in upstream.requests} <= set(upstream.hosts)
    assert not [request for request in upstream.requests if "c" in request.query]


def test_verify_without_values_sends_nothing(key, upstream):
    for values in ({}, dict.fromkeys(upstream.values)):
        result = cast(Verifies, PROVIDERS[key]).verify(Outbound(upstream.upstreams), values)
        assert (result.ok, result.code) == (False, Outcome.NOT_CONFIGURED)
        assert all(field.label in result.reason for field in PROVIDERS[key].required)
    assert upstream.requests == []


def test_verify_fault_says_nothing_of_the_values_and_is_never_ok(upstream, verify):
    wrong = []
    for upstream.trouble, (code, shown) in TROUBLES.items():
        result = verify()
        if result.code != code or shown not in result.reason:
            wrong.append((upstream.trouble, result))
    assert wrong == []

    upstream.reset()
    accepted = []
    for status in (201, 204, 400, 401, 402, 403, 404, 418):
        for odd in ODD:
            reply = Reply(status, dict.fromkeys(NAMES, odd))
            upstream.answer = lambda request, reply=reply: reply
            if verify().ok:
                accepted.append((status, odd))
    assert accepted == []


def test_verify_without_a_response_has_no_result(key, upstream, verify, thorough):
    """Each provider closes its connection; one, and thorough each, is slow too."""
    upstream.is_off = True
    with pytest.raises(OutboundError) as failed:
        verify()
    assert failed.value.code == "connect"
    if thorough or key == next(iter(PROVIDERS)):
        upstream.is_off, upstream.trouble = False, Trouble.SLOW
        with pytest.raises(OutboundError) as failed:
            verify(deadline=0.2)
        assert failed.value.code == "timeout"


LISTS = {
    "twilio": "/IncomingPhoneNumbers.json",
    "exotel": "/IncomingPhoneNumbers",
    "vobiz": "/numbers",
    "sinch": "/configuration/numbers",
    "sinch_est": "/phoneNumbers",
    "elevenlabs": "/convai/phone-numbers",
}


FACTS: dict[str, tuple[dict[str, object], str]] = {
    "twilio": ({"account_name": "Meridian"}, "account Meridian"),
    "vobiz": ({"account": {"name": "Meridian"}}, "account Meridian"),
    "sinch_est": ({"trunk": {"name": "Agents"}}, "trunk Agents"),
    "sinch": ({"urls": {"primary": "https://voice.acme.example/s3cret"}}, "callback voice.acme.example"),
    "elevenlabs": ({}, "numbers"),
}


def test_verify_says_what_it_read_of_all_that_checks_need(key, upstream, verify):
    """Without a list, each check would test well and fail at the list: its result would alternate."""
    if key in LISTS:
        upstream.instead["GET", LISTS[key]] = Reply(402, {"message": CANARY})
        assert verify().code == Outcome.NO_CREDIT
        upstream.reset()
    if key not in FACTS:
        assert verify().facts == (), "its response says nothing of the account"
        return
    settings, expected = FACTS[key]
    for name, value in settings.items():
        assert hasattr(upstream, name), name
        setattr(upstream, name, value)
    (fact, *_) = verify().facts
    assert fact.endswith(expected)
