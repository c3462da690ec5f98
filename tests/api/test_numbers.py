"""GET /api/settings/providers/{provider}/numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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


@pytest.fixture
def connected(dana: Caller, twilio: Twilio) -> Twilio:
    values = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    dana.put("/api/settings/telephony", {"public_base_url": "https://voice.acme.example", **values})
    return twilio


def test_list_provider_numbers_with_their_states(dana: Caller, gus: Caller, connected: Twilio) -> None:
    connected.numbers[NUMBER].voice_url = "https://calls.example/x"
    connected.numbers[NUMBER].friendly_name = "Front desk"
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


def test_list_provider_numbers_failure_is_409(
    dana: Caller, connected: Twilio, subtests: pytest.Subtests
) -> None:
    for trouble, code in [(Trouble.HTML, "PROVIDER_REFUSED"), (Trouble.SLOW, "PROVIDER_UNREACHABLE")]:
        with subtests.test(trouble=trouble):
            connected.trouble = trouble
            answer = dana.get(PATH)
            assert (answer.status_code, answer.get_json()["code"]) == (409, code)
            assert "api.twilio.com" in sentence(answer)


def test_list_provider_numbers_with_wrong_token_is_409(dana: Caller, connected: Twilio) -> None:
    dana.put("/api/settings/telephony", {"twilio_auth_token": "sample-and-wrong"})
    answer = dana.get(PATH)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "PROVIDER_REFUSED")
    assert "sample-and-wrong" not in answer.text


def test_list_provider_numbers_without_credentials_is_409(
    app: Flask, dana: Caller, mo: Caller, twilio: Twilio
) -> None:
    with unchanged(app):
        answer = dana.get(PATH)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "PROVIDER_NOT_CONFIGURED")
        assert "Account SID" in sentence(answer)
        assert dana.get(PATH.replace("twilio", "unknown")).status_code == 404
        assert mo.get(PATH).status_code == 403
    assert twilio.requests == []


def test_list_provider_numbers_is_rate_limited(
    dana: Caller, connected: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "LIST", replace(gateway.LIST, most=1))
    assert dana.get(PATH).status_code == 200
    answer: Any = dana.get(PATH)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
