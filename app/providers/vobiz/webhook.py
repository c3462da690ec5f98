"""The request for an incoming call, as Vobiz signs it, and the responses that Vobiz accepts.

The signature covers scheme, host, path and a nonce; parameters are not signed. Vobiz also calls an answer URL
without a hang-up URL when a call ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.provider.webhooks import MARK, MARK_HEADER, SampleCall, Signing, WebhookRequest, WebhookRules

RULES = WebhookRules(
    limit_seconds=2, patience_seconds=10, most_bytes=100_000, media=("application/xml", "text/xml")
)
CONNECTING = ("Stream", "Dial", "Conference", "Gather", "GetDigits", "GetInput", "Redirect", "Record")
NONCE_DIGITS = 20


def request(
    values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str
) -> WebhookRequest:
    parameters = {
        "CallUUID": call.test_id,
        "CallStatus": "completed" if call.has_ended else "ringing",
        "Direction": "inbound",
        "Event": "Hangup" if call.has_ended else "StartApp",
        "From": call.phone_number,
        "ParentAuthID": values.get("auth_id") or "",
        MARK: call.test_id,
        "To": call.phone_number,
    }
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "vobiz",
        MARK_HEADER: call.test_id,
    }
    if signing is not Signing.UNSIGNED:
        key = values["auth_token"] if signing is Signing.SIGNED else call.test_id
        headers |= _signed(key, signed_url or url)
    return WebhookRequest("POST", url, headers, urlencode(parameters).encode())


def _signed(token: str, url: str) -> dict[str, str]:
    nonce = str(secrets.randbelow(9 * 10 ** (NONCE_DIGITS - 1)) + 10 ** (NONCE_DIGITS - 1))
    headers = {}
    for version in ("V3", "V2"):
        headers[f"X-Vobiz-Signature-{version}"] = signature(token, url, nonce, version)
        headers[f"X-Vobiz-Signature-{version}-Nonce"] = nonce
    return headers


def signature(token: str, url: str, nonce: str, version: str = "V3") -> str:
    """Returns the signature of a URL, whose query is left out."""
    text = url.partition("?")[0] + ("." if version == "V3" else "") + nonce
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha256)).decode()
