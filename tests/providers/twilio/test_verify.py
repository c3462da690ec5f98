from __future__ import annotations

from app.provider import Outcome
from simulators.base import Trouble
from simulators.twilio import SERVICES, sample_id

KEY = "twilio"


def test_verify_of_a_wrong_inactive_or_failing_account_is_refused(verify, upstream, subtests):
    result = verify(auth_token="sample-and-wrong")
    assert result.code == Outcome.BAD_CREDENTIALS
    assert "suspended" in result.reason.lower()

    assert verify(account_sid=sample_id("AC", 2)).code == Outcome.BAD_CREDENTIALS

    upstream.reset()
    for status in ["suspended", "closed"]:
        with subtests.test(status=status):
            upstream.reset()
            upstream.status = status
            result = verify()
            assert result.code == Outcome.SUSPENDED
            assert status in result.reason
            upstream.hides_status = True
            assert verify().code == Outcome.BAD_CREDENTIALS

    upstream.reset()
    upstream.answers_for = sample_id("AC", 2)
    assert verify().code == Outcome.WRONG_ACCOUNT

    upstream.reset()
    assert verify(twiml_app_sid=sample_id("AP", 2)).code == Outcome.NOT_FOUND

    upstream.reset()
    for place in ["IncomingPhoneNumbers", "Applications", "Services"]:
        with subtests.test(place=place):
            upstream.reset()
            upstream.trouble, upstream.trouble_at = Trouble.FAULT, place
            assert verify().code == Outcome.UNEXPECTED_ANSWER


def test_verify_proves_api_keys_of_every_kind_as_far_as_possible(upstream, verify, subtests):
    for kind, calls in [("main", 1), ("standard", 2)]:
        with subtests.test(kind=kind, calls=calls):
            upstream.reset()
            upstream.key_kind = kind
            result = verify(twiml_app_sid=None, service_sid=None)
            assert result.code == Outcome.OK
            assert kind in result.reason
            assert len(upstream.requests) == 2 + calls

    upstream.reset()
    wrong = verify(api_key_secret="sample-and-wrong")
    upstream.key_kind = "restricted"
    restricted = verify()
    assert restricted == wrong
    assert (wrong.ok, wrong.code) == (True, Outcome.NOT_PROVEN)
    assert "restricted" in wrong.reason
    assert "wrong" in wrong.reason

    upstream.reset()
    for missing in ["api_key_sid", "api_key_secret"]:
        with subtests.test(missing=missing):
            upstream.reset()
            result = verify(**{missing: None})
            assert result.code == Outcome.NOT_PROVEN
            assert len([one for one in upstream.requests if "IncomingPhoneNumbers" in one.path]) == 1


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

    upstream.reset()
    result = verify(service_sid=sample_id("ZZ"))
    assert result.code == Outcome.NOT_PROVEN
    assert {request.host for request in upstream.requests} == {"api.twilio.com"}

    upstream.closed_to = "messaging.twilio.com"
    assert verify().code == Outcome.NOT_PROVEN
