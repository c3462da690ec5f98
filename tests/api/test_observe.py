"""What the provider has for an endpoint's number, and setting it right, by the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from simulators.twilio import Twilio
from tests.support.caller import Caller

NUMBER = "+15551234567"
BASE = "https://voice.acme.example"
OLD = "https://old.example/x"


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        upstream.numbers[NUMBER].voice_url = OLD
        yield upstream


@pytest.fixture
def endpoint(dana: Caller, twilio: Twilio) -> str:
    """The endpoint's path."""
    values = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    dana.put("/api/settings/telephony", {"public_base_url": BASE, **values})
    payload = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"}
    created = dana.post("/api/settings/endpoints", payload).get_json()
    return f"/api/settings/endpoints/{created['id']}"


def test_observe_and_point_a_number_until_it_is_gone(
    dana: Caller, mo: Caller, gus: Caller, twilio: Twilio, endpoint: str
) -> None:
    expected = f"{BASE}/telephony/twilio/inbound/support"
    body = dana.get(f"{endpoint}/observe").get_json()
    assert set(body) == {"in_sync", "reason", "detail", "warnings", "expected", "actual", "checked_at"}
    assert (body["in_sync"], body["reason"]) == (False, "different_url")
    assert (body["expected"], body["actual"]) == (expected, OLD)
    answer = dana.post(f"{endpoint}/point", {})
    assert answer.status_code == 200
    assert set(answer.get_json()) == set(body)
    assert (answer.get_json()["in_sync"], answer.get_json()["reason"]) == (True, None)
    assert twilio.numbers[NUMBER].voice_url == expected
    assert dana.get(f"{endpoint}/observe").get_json()["in_sync"] is True
    del twilio.numbers[NUMBER]
    assert dana.get(f"{endpoint}/observe").get_json()["reason"] == "number_gone"
    answer = dana.post(f"{endpoint}/point", {})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "NUMBER_GONE")
    for caller, status in ((mo, 403), (gus, 404)):
        assert caller.get(f"{endpoint}/observe").status_code == status
        assert caller.post(f"{endpoint}/point", {}).status_code == status
