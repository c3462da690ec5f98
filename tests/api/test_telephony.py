"""The telephony document: read whole, written in parts."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.services import messages
from tests.support import contract
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import unchanged

PATH = "/api/settings/telephony"
BASE = {"public_base_url": "https://voice.example.com"}
EMPTY: dict[str, Any] = {
    "provider": None,
    "public_base_url": None,
    **dict.fromkeys(contract.TELEPHONY_TEXTS),
    **contract.TELEPHONY_COUNTS,
}


def _document(caller: Caller) -> dict[str, Any]:
    answer = caller.get(PATH)
    assert answer.status_code == 200
    assert answer.json is not None
    return answer.json


def _without_secrets(document: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in document.items() if name not in contract.TELEPHONY_SECRETS}


def test_put_accepts_the_contract_examples_and_keeps_omitted_fields(dana: Caller) -> None:
    """What is null is cleared."""
    assert _document(dana) == EMPTY
    expected = EMPTY
    for example in contract.TELEPHONY_EXAMPLES.values():
        answer = dana.put(PATH, example)
        expected = expected | example
        assert answer.status_code == 200, answer.text
        assert answer.json == _without_secrets(expected)
        assert _document(dana) == expected
    dana.put(PATH, {"exotel_phone_number": None, "exotel_max_concurrent": None})
    expected |= {"exotel_phone_number": None, "exotel_max_concurrent": EMPTY["exotel_max_concurrent"]}
    assert _document(dana) == expected
    dana.put(PATH, {"exotel_account_sid": "  new_sid\t", "exotel_max_concurrent": 7})
    assert _document(dana) == expected | {"exotel_account_sid": "new_sid", "exotel_max_concurrent": 7}


def test_put_requires_a_base_url_once_and_names_every_invalid_field(
    app: Flask, dana: Caller, cast: Cast
) -> None:
    """And the nearest to one that is unknown. The URL is normalized, as are numbers, with the
    organization's country."""
    with unchanged(app):
        for misspelt, meant in MISSPELT.items():
            answer = dana.put(PATH, BASE | {misspelt: "sample-value"})
            assert (fields(answer), sentence(answer)) == ({misspelt}, messages.did_you_mean(meant))
        answer = dana.put(PATH, {"public_base_url": "x", "twilio_max_concurrent": 0, "nonsense_zzz": 1})
        assert fields(answer) == {"public_base_url", "twilio_max_concurrent", "nonsense_zzz"}

    with unchanged(app):
        assert fields(dana.put(PATH, {"twilio_max_concurrent": 3})) == {"public_base_url"}
        assert fields(dana.put(PATH, {})) == {"public_base_url"}
    dana.put(f"/api/organizations/{cast.acme}", {"country": "IN"})
    answer = dana.put(PATH, BASE | {"vobiz_phone_number": "098765 43210"})
    assert answer.get_json()["vobiz_phone_number"] == "+919876543210"
    for url, stored in (
        ("https://voice.example.com/", "https://voice.example.com"),
        (" https://VOICE.example.com:443/base/ ", "https://voice.example.com/base"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ):
        assert dana.put(PATH, {"public_base_url": url}).get_json()["public_base_url"] == stored
    assert dana.put(PATH, {"twilio_max_concurrent": 3}).status_code == 200
    assert dana.put(PATH, {}).status_code == 200
    with unchanged(app):
        assert fields(dana.put(PATH, {"public_base_url": None})) == {"public_base_url"}


MISSPELT = {
    "twilio_auth_tokn": "twilio_auth_token",
    "twilioAuthToken": "twilio_auth_token",
    "public_baseurl": "public_base_url",
    "exotel_apikey": "exotel_api_key",
}


def test_put_changes_the_dialers_connection_and_needs_whole_secrets(app: Flask, dana: Caller) -> None:
    dana.put(PATH, contract.TELEPHONY_EXAMPLES["twilio"])
    config = dana.get("/api/calls/providers/config").get_json()
    assert config["activeProvider"] is None
    assert config["providers"][0] == {
        "provider": "twilio",
        "isEnabled": True,
        "isConfigured": True,
        "phoneNumber": "+15551234567",
        "twilioAccountSid": "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "twilioAuthToken": "your_auth_token",
    }
    with unchanged(app):
        assert dana.put(PATH, {"twilio_auth_token": None}).status_code == 409
    assert dana.put(PATH, {"provider": None, "twilio_auth_token": None}).status_code == 200

    longest = "🔑" * 500
    dana.put(PATH, BASE | {"twilio_auth_token": longest})
    assert _document(dana)["twilio_auth_token"] == longest
    dana.put(PATH, BASE | {"twilio_auth_token": "sample-auth-token-0001"})
    with unchanged(app):
        assert fields(dana.put(PATH, {"twilio_auth_token": "0001"})) == {"twilio_auth_token"}
    dana.put(PATH, contract.TELEPHONY_EXAMPLES["exotel"])
    other = {"exotel_api_base": "https://api.in.exotel.com"}
    with unchanged(app):
        assert fields(dana.put(PATH, other | {"exotel_api_key": "typed_again"})) == {"exotel_api_token"}
    again = {"exotel_api_key": "typed_again", "exotel_api_token": "typed_again"}
    assert dana.put(PATH, other | again).status_code == 200
