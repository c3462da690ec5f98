from __future__ import annotations

from app.provider import Outcome

KEY = "exotel"
MUMBAI = "api.in.exotel.com"


def test_verify_requests_the_cheapest_page(upstream, verify):
    verify()
    (seen,) = upstream.requests
    assert seen.path == "/v1/Accounts/sample1/Calls.json"
    assert seen.query == {"PageSize": "1"}


def test_verify_reads_refusals_in_json_and_xml(upstream, verify, subtests):
    for speaks_xml in [False, True]:
        with subtests.test(speaks_xml=speaks_xml):
            upstream.reset()
            upstream.speaks_xml = speaks_xml
            assert verify(api_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            assert verify(api_token="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            assert verify(account_sid="sample2").code == Outcome.NOT_FOUND
            upstream.is_suspended = True
            assert verify().code == Outcome.SUSPENDED


def test_verify_calls_the_host_of_the_region(upstream, verify):
    upstream.region = MUMBAI
    assert verify(api_base=f"https://{MUMBAI}").code == Outcome.OK
    assert {seen.host for seen in upstream.requests} == {MUMBAI}
    assert verify().code == Outcome.NOT_FOUND
