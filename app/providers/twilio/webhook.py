"""The request for an incoming call, as Twilio signs it, and the responses that Twilio accepts."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.provider.webhooks import MARK, MARK_HEADER, SampleCall, Signing, WebhookRequest, WebhookRules

RULES = WebhookRules(
    limit_seconds=15, most_bytes=64 * 1024, media=("text/xml", "application/xml", "text/html")
)
CONNECTING = ("Connect", "Dial", "Enqueue", "Gather", "Redirect", "Record", "Pay", "Prompt")


def request(
    values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str
) -> WebhookRequest:
    number = call.phone_number
    parameters = {
        "AccountSid": values.get("account_sid") or "",
        "ApiVersion": "2010-04-01",
        "CallSid": f"CA{call.test_id}",
        "CallStatus": "completed" if call.has_ended else "ringing",
        "Called": number,
        "Caller": number,
        "Direction": "inbound",
        "From": number,
        MARK: call.test_id,
        "To": number,
    }
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent": "TwilioProxy/1.1",
        MARK_HEADER: call.test_id,
    }
    if signing is not Signing.UNSIGNED:
        key = values["auth_token"] if signing is Signing.SIGNED else call.test_id
        headers["X-Twilio-Signature"] = signature(key, signed_url or url, parameters)
    return WebhookRequest("POST", url, headers, urlencode(parameters).encode())


def signature(token: str, url: str, parameters: Mapping[str, str]) -> str:
    """Returns the value of X-Twilio-Signature; each parameter has one value."""
    text = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()
