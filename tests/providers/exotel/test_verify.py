from __future__ import annotations

import pytest

from app.provider import Outcome

KEY = "exotel"
MUMBAI = "api.in.exotel.com"


def test_the_cheapest_page_is_asked_for(upstream, verify):
    verify()
    (seen,) = upstream.requests
    assert seen.path == "/v1/Accounts/sample1/Calls.json"
    assert seen.query == {"PageSize": "1"}


@pytest.mark.parametrize("speaks_xml", [False, True])
def test_its_refusals_in_json_and_in_xml(upstream, verify, speaks_xml):
    upstream.speaks_xml = speaks_xml
    assert verify(api_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert verify(api_token="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert verify(account_sid="sample2").code == Outcome.NOT_FOUND
    upstream.is_suspended = True
    assert verify().code == Outcome.SUSPENDED


def test_the_region_decides_who_is_asked(upstream, verify):
    upstream.region = MUMBAI
    assert verify(api_base=f"https://{MUMBAI}").code == Outcome.OK
    assert {seen.host for seen in upstream.requests} == {MUMBAI}
    wrong = verify()
    assert wrong.code == Outcome.NOT_FOUND
    assert "region" in wrong.reason
