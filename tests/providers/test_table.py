"""What each provider declares, literally: a change here is a change that people notice."""

from __future__ import annotations

import pytest

from app.provider import Family, Origin
from app.providers import PROVIDERS, keys_in

TABLE = {
    "twilio": (
        "account_sid auth_token! api_key_sid api_key_secret! twiml_app_sid service_sid phone_number "
        "max_concurrent=10",
        "account_sid auth_token",
    ),
    "sinch": (
        "application_key application_secret! phone_number",
        "application_key application_secret",
    ),
    "exotel": (
        "account_sid api_key! api_token! phone_number api_base max_concurrent=5",
        "account_sid api_key api_token",
    ),
    "vobiz": ("auth_id auth_token! phone_number max_concurrent=5", "auth_id auth_token"),
    "elevenlabs": ("api_key! tool_secret! webhook_secret! webhook_id", "api_key"),
    "sinch_est": (
        "key_id key_secret! project_id trunk_id trunk_domain",
        "key_id key_secret project_id trunk_id",
    ),
}


def _written(field):
    """`!` for a secret, and the default."""
    default = "" if field.default is None else f"={field.default}"
    return f"{field.name}{'!' if field.secret else ''}{default}"


@pytest.mark.parametrize("key", TABLE)
def test_fields_secrets_and_defaults(key):
    assert " ".join(_written(field) for field in PROVIDERS[key].fields) == TABLE[key][0]


@pytest.mark.parametrize("key", TABLE)
def test_what_is_needed_to_be_configured(key):
    assert " ".join(field.name for field in PROVIDERS[key].required) == TABLE[key][1]


def test_these_are_all():
    assert list(PROVIDERS) == ["twilio", "sinch", "exotel", "vobiz", "elevenlabs", "sinch_est"]


def test_families():
    assert keys_in(Family.VOICE) == ("twilio", "sinch")
    assert keys_in(Family.TELEPHONY) == ("twilio", "exotel", "vobiz")
    assert keys_in(Family.VOICE_AI) == ("elevenlabs", "sinch_est")


def test_what_is_not_typed():
    origins = {
        f"{provider.key}.{field.name}": field.origin
        for provider in PROVIDERS.values()
        for field in provider.fields
        if field.origin is not Origin.TYPED
    }
    assert origins == {
        "elevenlabs.tool_secret": Origin.GENERATED,
        "elevenlabs.webhook_secret": Origin.PROVIDER,
        "elevenlabs.webhook_id": Origin.PROVIDER,
    }
