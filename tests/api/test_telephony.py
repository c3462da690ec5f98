"""The telephony document: read whole, written in parts."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.services import messages
from tests.support import contract
from tests.support.caller import Caller, fields, sentence
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


def test_put_accepts_the_contract_examples_from_empty(dana: Caller) -> None:
    assert _document(dana) == EMPTY

    expected = EMPTY
    for example in contract.TELEPHONY_EXAMPLES.values():
        answer = dana.put(PATH, example)
        expected = expected | example
        assert answer.status_code == 200, answer.text
        assert answer.json == _without_secrets(expected)
        assert _document(dana) == expected


def test_put_keeps_omitted_and_clears_null_fields(dana: Caller) -> None:
    example = contract.TELEPHONY_EXAMPLES["exotel"]
    dana.put(PATH, example)
    dana.put(PATH, {"exotel_phone_number": None, "exotel_max_concurrent": None})
    expected = EMPTY | example | {"exotel_phone_number": None}
    assert _document(dana) == expected
    dana.put(PATH, {"exotel_account_sid": "  new_sid\t", "exotel_max_concurrent": 7})
    assert _document(dana) == expected | {
        "exotel_account_sid": "new_sid",
        "exotel_max_concurrent": 7,
    }


def test_put_requires_a_base_url_once(app: Flask, dana: Caller) -> None:
    with unchanged(app):
        assert fields(dana.put(PATH, {"twilio_max_concurrent": 3})) == {"public_base_url"}
        assert fields(dana.put(PATH, {})) == {"public_base_url"}
    assert dana.put(PATH, BASE).status_code == 200
    assert dana.put(PATH, {"twilio_max_concurrent": 3}).status_code == 200
    assert dana.put(PATH, {}).status_code == 200
    with unchanged(app):
        assert fields(dana.put(PATH, {"public_base_url": None})) == {"public_base_url"}


def test_put_normalizes_the_base_url_and_stores_long_secrets(dana: Caller, subtests: pytest.Subtests) -> None:
    for url, stored in [
        ("https://voice.example.com/", "https://voice.example.com"),
        (" https://VOICE.example.com:443/base/ ", "https://voice.example.com/base"),
        ("https://voice.example.com:8443", "https://voice.example.com:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ]:
        with subtests.test(url=url):
            assert dana.put(PATH, {"public_base_url": url}).json["public_base_url"] == stored  # type: ignore[index]

    longest = "🔑" * 500
    assert dana.put(PATH, BASE | {"twilio_auth_token": longest}).status_code == 200
    assert _document(dana)["twilio_auth_token"] == longest


def test_put_names_every_invalid_field_and_the_nearest(
    app: Flask, dana: Caller, subtests: pytest.Subtests
) -> None:
    for misspelt, meant in [
        ("twilio_auth_tokn", "twilio_auth_token"),
        ("twilioAuthToken", "twilio_auth_token"),
        ("public_baseurl", "public_base_url"),
        ("exotel_apikey", "exotel_api_key"),
    ]:
        with subtests.test(misspelt=misspelt):
            with unchanged(app):
                answer = dana.put(PATH, BASE | {misspelt: "sample-value"})
            assert fields(answer) == {misspelt}
            assert sentence(answer) == messages.did_you_mean(meant)

    with unchanged(app):
        answer = dana.put(PATH, {"public_base_url": "x", "twilio_max_concurrent": 0, "nonsense_zzz": 1})
    assert fields(answer) == {"public_base_url", "twilio_max_concurrent", "nonsense_zzz"}


def test_put_clearing_the_active_provider_is_409(app: Flask, dana: Caller) -> None:
    dana.put(PATH, contract.TELEPHONY_EXAMPLES["vobiz"])
    with unchanged(app):
        answer = dana.put(PATH, {"vobiz_auth_token": None})
    assert answer.status_code == 409
    assert dana.put(PATH, {"provider": None, "vobiz_auth_token": None}).status_code == 200


def test_put_needs_whole_secrets_and_again_for_another_host(app: Flask, dana: Caller) -> None:
    dana.put(PATH, BASE | {"twilio_auth_token": "sample-auth-token-0001"})
    with unchanged(app):
        assert fields(dana.put(PATH, {"twilio_auth_token": "0001"})) == {"twilio_auth_token"}

    dana.put(PATH, contract.TELEPHONY_EXAMPLES["exotel"])
    other = {"exotel_api_base": "https://api.in.exotel.com"}
    with unchanged(app):
        answer = dana.put(PATH, other | {"exotel_api_key": "typed_again"})
    assert fields(answer) == {"exotel_api_token"}
    again = {"exotel_api_key": "typed_again", "exotel_api_token": "typed_again"}
    assert dana.put(PATH, other | again).status_code == 200


def test_put_reads_numbers_with_the_country(app: Flask, dana: Caller, cast: Any) -> None:
    from app.extensions import db
    from app.models import Organization

    with app.app_context():
        db.session.get_one(Organization, cast.acme).country = "IN"
        db.session.commit()
    answer = dana.put(PATH, BASE | {"vobiz_phone_number": "098765 43210"})
    assert answer.json["vobiz_phone_number"] == "+919876543210"  # type: ignore[index]


def test_put_changes_the_dialers_connection_too(dana: Caller) -> None:
    dana.put(PATH, contract.TELEPHONY_EXAMPLES["twilio"])
    config = dana.get("/api/calls/providers/config").json
    assert config is not None
    assert config["activeProvider"] is None
    assert config["providers"][0] == {
        "provider": "twilio",
        "isEnabled": True,
        "isConfigured": True,
        "phoneNumber": "+15551234567",
        "twilioAccountSid": "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "twilioAuthToken": "your_auth_token",
    }
