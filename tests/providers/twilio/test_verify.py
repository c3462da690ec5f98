from __future__ import annotations

from app.provider import Outcome
from simulators.base import Trouble
from simulators.twilio import SERVICES, sample_id

KEY = "twilio"


def test_verify_wrong_token_or_account_is_bad_credentials(verify):
    result = verify(auth_token="sample-and-wrong")
    assert result.code == Outcome.BAD_CREDENTIALS
    assert "suspended" in result.reason.lower()

    assert verify(account_sid=sample_id("AC", 2)).code == Outcome.BAD_CREDENTIALS


def test_verify_inactive_account_is_suspended(upstream, verify, subtests):
    for status in ["suspended", "closed"]:
        with subtests.test(status=status):
            upstream.reset()
            upstream.status = status
            result = verify()
            assert result.code == Outcome.SUSPENDED
            assert status in result.reason
            upstream.hides_status = True
            assert verify().code == Outcome.BAD_CREDENTIALS


def test_verify_response_for_another_account_is_wrong_account(upstream, verify):
    upstream.answers_for = sample_id("AC", 2)
    assert verify().code == Outcome.WRONG_ACCOUNT


def test_verify_proves_main_and_standard_api_keys(upstream, verify, subtests):
    for kind, calls in [("main", 1), ("standard", 2)]:
        with subtests.test(kind=kind, calls=calls):
            upstream.reset()
            upstream.key_kind = kind
            result = verify(twiml_app_sid=None, service_sid=None)
            assert result.code == Outcome.OK
            assert kind in result.reason
            assert len(upstream.requests) == 2 + calls


def test_verify_restricted_and_wrong_api_keys_are_not_proven(upstream, verify):
    wrong = verify(api_key_secret="sample-and-wrong")
    upstream.key_kind = "restricted"
    restricted = verify()
    assert restricted == wrong
    assert (wrong.ok, wrong.code) == (True, Outcome.NOT_PROVEN)
    assert "restricted" in wrong.reason
    assert "wrong" in wrong.reason


def test_verify_half_an_api_key_is_not_tested(upstream, verify, subtests):
    for missing in ["api_key_sid", "api_key_secret"]:
        with subtests.test(missing=missing):
            upstream.reset()
            result = verify(**{missing: None})
            assert result.code == Outcome.NOT_PROVEN
            assert len([one for one in upstream.requests if "IncomingPhoneNumbers" in one.path]) == 1


def test_verify_unknown_twiml_app_is_not_found(verify):
    assert verify(twiml_app_sid=sample_id("AP", 2)).code == Outcome.NOT_FOUND


KINDS = {"messaging": "MG", "verify": "VA", "sync": "IS", "conversations": "IS", "chat": "IS"} | {
    "proxy": "KS",
    "trunking": "TK",
}


def test_verify_reads_a_service_at_each_host_of_its_kind(upstream, verify, subtests):
    for host in SERVICES:
        with subtests.test(host=host):
            upstream.reset()
            sid = sample_id(KINDS[host.partition(".")[0]])
            upstream.services = {sid: host}
            assert verify(service_sid=sid).code == Outcome.OK
            assert upstream.requests[-1].host == host
            upstream.services = {}
            assert verify(service_sid=sid).code == Outcome.NOT_FOUND

    upstream.reset()
    upstream.closed_to = "sync.twilio.com"
    upstream.services = {sample_id("IS"): "chat.twilio.com"}
    assert verify(service_sid=sample_id("IS")).code == Outcome.OK


def test_verify_service_of_unknown_kind_or_unreadable_is_not_proven(upstream, verify):
    result = verify(service_sid=sample_id("ZZ"))
    assert result.code == Outcome.NOT_PROVEN
    assert {seen.host for seen in upstream.requests} == {"api.twilio.com"}

    upstream.closed_to = "messaging.twilio.com"
    assert verify().code == Outcome.NOT_PROVEN


def test_verify_fault_in_a_later_request_is_reported(upstream, verify, subtests):
    for place in ["IncomingPhoneNumbers", "Applications", "Services"]:
        with subtests.test(place=place):
            upstream.reset()
            upstream.trouble, upstream.trouble_at = Trouble.FAULT, place
            assert verify().code == Outcome.UNEXPECTED_ANSWER
