"""The registration token that Sinch prints, with its inputs, in sinch/sinch-rtc-api-auth-examples."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import cast

from app.core import clock
from app.provider import MakesDialerTokens
from app.providers import PROVIDERS
from app.providers.sinch import registration

VALUES = {
    "application_key": "a32e5a8d-f7d8-411c-9645-9038e8dd051d",
    "application_secret": "ax8hTTQJF0OPXL32r1LHMA==",
}
PRINTED = (
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImhrZGZ2MS0yMDE4MDEwMiJ9.eyJleHAiOjE1MTQ4NjI4NDUsImlhdCI6MTUxNDg2MjI0NSwiaXNz"
    "IjoiLy9ydGMuc2luY2guY29tL2FwcGxpY2F0aW9ucy9hMzJlNWE4ZC1mN2Q4LTQxMWMtOTY0NS05MDM4ZThkZDA1MWQiLCJub25jZSI6Ij"
    "ZiNDM4YmRhLTJkNWMtNGU4Yy05MmIwLTM5ZjIwYTk0YjM0ZSIsInN1YiI6Ii8vcnRjLnNpbmNoLmNvbS9hcHBsaWNhdGlvbnMvYTMyZTVh"
    "OGQtZjdkOC00MTFjLTk2NDUtOTAzOGU4ZGQwNTFkL3VzZXJzL2ZvbyJ9.10N-QAvRK0-dacox5X5YusK7C0AWb-kZLiNNTKLQw8I"
)


def test_token_is_the_printed_one_with_a_nonce_of_its_own():
    issued_at = datetime.fromisoformat("2018-01-02T03:04:05")
    token = registration.token(VALUES, "foo", issued_at, "6b438bda-2d5c-4e8c-92b0-39f20a94b34e")
    assert token.jwt == PRINTED
    assert clock.seconds(token.expires_at) == 1514862845

    provider = cast(MakesDialerTokens, PROVIDERS["sinch"])
    now = clock.now()
    nonces = {_claims(provider.dialer_token(VALUES, "foo", now).jwt)["nonce"] for _ in range(3)}
    assert len(nonces) == 3


def _claims(text):
    part = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
