"""GET /api/settings/providers/{provider}/numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.services.connections import gateway
from simulators.base import Trouble
from simulators.twilio import Twilio
from tests.support import contract
from tests.support.caller import Caller, sentence
from tests.support.rows import unchanged

PATH = "/api/settings/providers/twilio/numbers"
NUMBER = "+15551234567"
DRAFT = contract.ENDPOINT_EXAMPLE | {"provider": "twilio"}


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=0.5)
        yield upstream


def connect(dana: Caller, twilio: Twilio) -> None:
    values = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    dana.put("/api/settings/telephony", {"public_base_url": "https://voice.acme.example", **values})


def test_list_provider_numbers_with_their_states(dana: Caller, gus: Caller, twilio: Twilio) -> None:
    connect(dana, twilio)
    twilio.numbers[NUMBER].voice_url = "https://calls.example/x"
    twilio.numbers[NUMBER].friendly_name = "Front desk"
    dana.post("/api/settings/endpoints", DRAFT | {"phone_number": NUMBER})
    gus.post("/api/settings/endpoints", DRAFT | {"phone_number": "+15551234568"})
    answer = dana.get(PATH)
    assert answer.status_code == 200
    first, second, third = answer.get_json()
    assert first == {
        "phone_number": NUMBER,
        "label": "Front desk",
        "state": "mapped",
        "webhook_url": "https://calls.example/x",
    }
    assert [row["state"] for row in (second, third)] == ["elsewhere", "unmapped"]
    assert "lobex" not in answer.text


def test_list_provider_numbers_refusals_have_codes(
    app: Flask, dana: Caller, mo: Caller, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(part: str) -> tuple[int, str]:
        answer = dana.get(PATH)
        assert part in sentence(answer)
        assert "sample-and-wrong" not in answer.text
        return answer.status_code, answer.get_json()["code"]

    with unchanged(app):
        assert refusal("Account SID") == (409, "PROVIDER_NOT_CONFIGURED")
        assert dana.get(PATH.replace("twilio", "unknown")).status_code == 404
        assert mo.get(PATH).status_code == 403
    assert twilio.requests == []
    connect(dana, twilio)
    twilio.trouble = Trouble.HTML
    assert refusal("api.twilio.com") == (409, "PROVIDER_REFUSED")
    twilio.trouble, twilio.is_off = None, True
    assert refusal("api.twilio.com") == (409, "PROVIDER_UNREACHABLE")
    twilio.is_off = False
    dana.put("/api/settings/telephony", {"twilio_auth_token": "sample-and-wrong"})
    assert refusal("") == (409, "PROVIDER_REFUSED")
    monkeypatch.setattr(gateway, "LIST", replace(gateway.LIST, most=1))
    assert refusal("") == (429, "TOO_MANY_REQUESTS")
    assert int(dana.get(PATH).headers["Retry-After"]) > 0
