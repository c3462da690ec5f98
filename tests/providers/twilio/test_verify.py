from __future__ import annotations

import pytest

from app.provider import Outcome
from simulators.base import Trouble
from simulators.twilio import SERVICES, sample_id

KEY = "twilio"


def test_a_wrong_token_may_be_a_suspended_account(verify):
    result = verify(auth_token="sample-and-wrong")
    assert result.code == Outcome.BAD_CREDENTIALS
    assert "suspended" in result.reason


def test_an_unknown_account(verify):
    assert verify(account_sid=sample_id("AC", 2)).code == Outcome.BAD_CREDENTIALS


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_not_active(upstream, verify, status):
    upstream.status = status
    result = verify()
    assert result.code == Outcome.SUSPENDED
    assert status in result.reason
    upstream.hides_status = True
    assert verify().code == Outcome.BAD_CREDENTIALS


def test_an_answer_for_another_account(upstream, verify):
    upstream.answers_for = sample_id("AC", 2)
    assert verify().code == Outcome.WRONG_ACCOUNT


@pytest.mark.parametrize(("kind", "calls"), [("main", 1), ("standard", 2)])
def test_an_api_key_that_is_proven(upstream, verify, kind, calls):
    upstream.key_kind = kind
    result = verify(twiml_app_sid=None, service_sid=None)
    assert result.code == Outcome.OK
    assert kind in result.reason
    assert len(upstream.requests) == 1 + calls


def test_a_restricted_api_key_and_a_wrong_one_look_the_same(upstream, verify):
    wrong = verify(api_key_secret="sample-and-wrong")
    upstream.key_kind = "restricted"
    restricted = verify()
    assert restricted == wrong
    assert (wrong.ok, wrong.code) == (True, Outcome.NOT_PROVEN)
    assert "restricted" in wrong.reason
    assert "wrong" in wrong.reason


@pytest.mark.parametrize("missing", ["api_key_sid", "api_key_secret"])
def test_half_an_api_key_is_not_tested(upstream, verify, missing):
    result = verify(**{missing: None})
    assert result.code == Outcome.NOT_PROVEN
    assert "IncomingPhoneNumbers" not in repr(upstream.requests)


def test_a_twiml_app_of_nobody(verify):
    result = verify(twiml_app_sid=sample_id("AP", 2))
    assert result.code == Outcome.NOT_FOUND
    assert "TwiML app" in result.reason


KINDS = {"messaging": "MG", "verify": "VA", "sync": "IS", "conversations": "IS", "chat": "IS"} | {
    "proxy": "KS",
    "trunking": "TK",
}


@pytest.mark.parametrize("host", SERVICES)
def test_a_service_is_looked_up_where_its_kind_lives(upstream, verify, host):
    sid = sample_id(KINDS[host.partition(".")[0]])
    upstream.services = {sid: host}
    assert verify(service_sid=sid).code == Outcome.OK
    assert upstream.requests[-1].host == host
    upstream.services = {}
    result = verify(service_sid=sid)
    assert result.code == Outcome.NOT_FOUND
    assert "service" in result.reason


def test_a_service_of_an_unknown_kind_is_not_tested(upstream, verify):
    result = verify(service_sid=sample_id("ZZ"))
    assert result.code == Outcome.NOT_PROVEN
    assert {seen.host for seen in upstream.requests} == {"api.twilio.com"}


def test_a_service_that_may_not_be_read_is_not_proven(upstream, verify):
    upstream.closed_to = "messaging.twilio.com"
    assert verify().code == Outcome.NOT_PROVEN


def test_a_service_is_looked_for_everywhere_before_it_is_given_up(upstream, verify):
    upstream.closed_to = "sync.twilio.com"
    upstream.services = {sample_id("IS"): "chat.twilio.com"}
    assert verify(service_sid=sample_id("IS")).code == Outcome.OK


@pytest.mark.parametrize("place", ["IncomingPhoneNumbers", "Applications", "Services"])
def test_trouble_at_a_later_step(upstream, verify, place):
    upstream.trouble, upstream.trouble_at = Trouble.FAULT, place
    assert verify().code == Outcome.UNEXPECTED_ANSWER
