from __future__ import annotations

from app.provider import Outcome
from simulators.base import PLAIN, Reply, Trouble

KEY = "exotel"
MUMBAI = "api.in.exotel.com"


def test_verify_requests_the_cheapest_pages_and_needs_permission_for_each(upstream, verify):
    verify()
    calls, numbers = upstream.requests
    assert calls.path == "/v1/Accounts/sample1/Calls.json"
    assert calls.query == {"PageSize": "1"}
    assert numbers.path == "/v2_beta/Accounts/sample1/IncomingPhoneNumbers"
    assert numbers.query == {"Page": "0", "PageSize": "1"}

    upstream.reset()
    upstream.region = MUMBAI
    assert verify(api_base=f"https://{MUMBAI}").code == Outcome.OK
    assert {request.host for request in upstream.requests} == {MUMBAI}
    assert verify().code == Outcome.WRONG_ACCOUNT

    upstream.reset()
    for status in (401, 403):
        upstream.instead = {("GET", "IncomingPhoneNumbers"): Reply(status, {"RestException": {}})}
        result = verify()
        assert (result.code, "phone numbers" in result.reason) == (Outcome.NO_PERMISSION, True)
    upstream.instead = {("GET", "IncomingPhoneNumbers"): Reply(503, {})}
    assert verify().code == Outcome.OK

    upstream.reset()
    assert verify(phone_number="+918055500001").code == Outcome.OK
    result = verify(phone_number="+15550001111")
    assert (result.code, "+15550001111" in result.reason) == (Outcome.LIMITED, True)
    upstream.trouble, upstream.trouble_at = Trouble.FAULT, "IncomingPhoneNumbers"
    assert verify(phone_number="+918055500001").code == Outcome.NOT_PROVEN


def test_verify_reads_refusals_in_json_and_xml_as_lists_do(upstream, verify, subtests, account):
    for speaks_xml in [False, True]:
        with subtests.test(speaks_xml=speaks_xml):
            upstream.reset()
            upstream.speaks_xml = speaks_xml
            assert verify(api_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            assert verify(api_token="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            assert verify(account_sid="sample2").code == Outcome.WRONG_ACCOUNT
            upstream.is_suspended = True
            assert verify().code == Outcome.SUSPENDED

    upstream.reset()
    wrong = []
    for status, body, code in [
        (401, "", Outcome.BAD_CREDENTIALS),
        (401, "Unauthorized", Outcome.BAD_CREDENTIALS),
        (402, {"RestException": {"Status": 402}}, Outcome.NO_CREDIT),
        (403, {"RestException": {"Status": 403}}, Outcome.SUSPENDED),
        (429, {"RestException": {"Status": 429}}, Outcome.RATE_LIMITED),
    ]:
        upstream.instead = {("GET", "/"): Reply(status, body, PLAIN if isinstance(body, str) else {})}
        for result in (verify(), account.refusal("numbers")):
            if result.code != code:
                wrong.append((status, body, result))
    assert wrong == []
