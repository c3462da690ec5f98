"""Access tokens, decoded and rebuilt with Twilio's own library."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
from twilio.jwt import JwtDecodeError
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant

from app.core import clock
from app.provider import MakesDialerTokens
from app.providers import PROVIDERS

VALUES = {
    "account_sid": "AC" + "0" * 32,
    "auth_token": "sample-auth-token-of-an-account-01",
    "api_key_sid": "SK" + "0" * 32,
    "api_key_secret": "sample-secret-of-an-api-key-0001",
    "twiml_app_sid": "AP" + "0" * 32,
}
IDENTITY = "user_0123456789abcdef"


def _mint(**values):
    return cast(MakesDialerTokens, PROVIDERS["twilio"]).dialer_token(VALUES | values, IDENTITY, clock.now())


def _decode(text, key=VALUES["api_key_secret"]):
    return AccessToken.from_jwt(text, key)


def test_token_is_the_one_of_the_official_library_and_its_key():
    wrong = []
    for region, claimed in ((None, None), ("us1", None), ("ie1", "ie1"), ("au1", "au1")):
        token = _mint(region=region)
        decoded = _decode(token.jwt)
        official_token = AccessToken(
            VALUES["account_sid"],
            VALUES["api_key_sid"],
            VALUES["api_key_secret"],
            grants=[VoiceGrant(incoming_allow=True, outgoing_application_sid=VALUES["twiml_app_sid"])],
            identity=IDENTITY,
            nbf=None,
            valid_until=clock.seconds(token.expires_at),
            region=claimed,
        )
        times = {name: decoded.payload[name] for name in ("iat", "jti")}
        if decoded.headers != official_token.headers or decoded.payload != official_token.payload | times:
            wrong.append(region)
        assert decoded.payload["jti"] == f"{VALUES['api_key_sid']}-{decoded.payload['iat']}"
        assert decoded.payload["exp"] - decoded.payload["iat"] == timedelta(hours=1).total_seconds()
    assert wrong == []

    text = _mint().jwt
    for key in (VALUES["auth_token"], "another-secret-of-an-api-key-0001"):
        with pytest.raises(JwtDecodeError):
            _decode(text, key)
