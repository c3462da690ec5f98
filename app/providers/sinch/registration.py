"""The token with which a client of the application registers its user."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.provider import dialer
from app.provider.dialer import DialerToken
from app.providers.sinch import signing

LIFE = timedelta(minutes=10)
"""Clients register with the token immediately, and its signing key is valid for one day in UTC."""


def token(values: Mapping[str, Any], identity: str, issued_at: datetime, nonce: str) -> DialerToken:
    """Returns a registration token. Its signing key is derived from the secret and the date."""
    day = issued_at.strftime("%Y%m%d")
    key = hmac.digest(signing.decoded(values["application_secret"]), day.encode(), hashlib.sha256)
    application = f"//rtc.sinch.com/applications/{values['application_key']}"
    claims = {"iss": application, "nonce": nonce, "sub": f"{application}/users/{identity}"}
    return dialer.mint({"kid": f"hkdfv1-{day}"}, claims, key, issued_at=issued_at, life=LIFE)
