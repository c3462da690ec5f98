"""The last call to an endpoint's number, by the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from simulators.twilio import Twilio
from tests.support.caller import Caller

NUMBER = "+15551234567"
BASE = "https://voice.acme.example"
URL = f"{BASE}/telephony/twilio/inbound/support"


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=10.0)
        yield upstream


@pytest.fixture
def path(dana: Caller, twilio: Twilio) -> str:
    values = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    dana.put("/api/settings/telephony", {"public_base_url": BASE, **values})
    payload = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"}
    created = dana.post("/api/settings/endpoints", payload).get_json()
    return f"/api/settings/endpoints/{created['id']}/last-call"


def test_post_reads_what_get_and_the_list_return(dana: Caller, twilio: Twilio, path: str) -> None:
    body = dana.get(path).get_json()
    assert (body["state"], body["checked_at"]) == ("not_read", None)
    assert not [request for request in twilio.requests if "Calls" in request.path]
    twilio.calls.add(NUMBER, errors=[(11200, URL)])
    read = dana.post(path, {})
    assert read.status_code == 200
    body = read.get_json()
    assert (body["state"], body["last_call"]["outcome"]) == ("webhook_failed", "answered")
    assert (body["webhook_failure"]["code"], body["webhook_failure"]["url_is_ours"]) == ("11200", True)
    assert dana.get(path).get_json() == body
    url = "/api/settings/endpoints?proven="
    lists = {word: dana.get(f"{url}{word}") for word in ("true", "false")}
    assert {word: len(listed.get_json()) for word, listed in lists.items()} == {"true": 0, "false": 1}
    assert len({listed.headers["ETag"] for listed in lists.values()}) == 2
    assert dana.get(f"{url}yes").status_code == 422


def test_last_call_requires_a_superadmin_and_a_connection(
    dana: Caller, mo: Caller, gus: Caller, path: str
) -> None:
    for caller, status in ((mo, 403), (gus, 404)):
        assert (caller.get(path).status_code, caller.post(path, {}).status_code) == (status, status)
    elsewhere = path.replace(path.split("/")[4], "not-an-id")
    assert (dana.get(elsewhere).status_code, dana.post(elsewhere, {}).status_code) == (404, 404)
    wrong = [dana.get(f"{path}?limit=1").status_code, dana.post(f"{path}?caller=x", {}).status_code]
    assert wrong == [422, 422]
    dana.put("/api/settings/telephony", {"twilio_auth_token": None})
    answer = dana.post(path, {})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "PROVIDER_NOT_CONFIGURED")
    assert dana.get(path).get_json()["state"] == "not_read"
