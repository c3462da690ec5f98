"""The event for an incoming call, as Sinch signs it, and the responses that Sinch accepts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.core import clock, strict_json
from app.core.errors import Malformed
from app.provider.call_xml import shown
from app.provider.webhooks import (
    MARK,
    MARK_HEADER,
    Effect,
    Instructions,
    SampleCall,
    Signing,
    Unreadable,
    WebhookRequest,
    WebhookRules,
)
from app.providers.sinch.signing import signature

RULES = WebhookRules(limit_seconds=5, most_bytes=64 * 1024, media=("application/json",))
"""Sinch documents the limit only for the next version of the API."""

CONNECTING = "connect"
SPEAKING = ("runMenu", "park", "continue")
JSON = "application/json"


def request(
    values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str
) -> WebhookRequest:
    at = clock.utc(call.at)
    body = json.dumps(_event(values, call, at), separators=(",", ":")).encode()
    headers = {"Content-Type": JSON, "x-timestamp": at, MARK_HEADER: call.test_id}
    if signing is not Signing.UNSIGNED:
        key = values["application_secret"] if signing is Signing.SIGNED else call.test_id
        path = urlsplit(signed_url or url).path
        signed = signature(key, method="POST", path=path, timestamp=at, content_type=JSON, body=body)
        headers["Authorization"] = f"application {values['application_key']}:{signed}"
    return WebhookRequest("POST", url, headers, body)


def _event(values: Mapping[str, Any], call: SampleCall, at: str) -> dict[str, Any]:
    shared = {
        "event": "dice" if call.has_ended else "ice",
        "callid": call.test_id,
        "timestamp": at,
        "version": 1,
        "applicationKey": values.get("application_key") or "",
        "to": {"type": "did", "endpoint": call.phone_number},
        MARK: call.test_id,
    }
    if call.has_ended:
        return shared | {"reason": "CANCEL", "result": "N/A", "from": call.phone_number, "duration": 0}
    rate = {"currencyId": "USD", "amount": 0.0}
    return shared | {"cli": call.phone_number, "domain": "pstn", "originationType": "PSTN", "userRate": rate}


def instructions(body: bytes) -> Instructions:
    try:
        parsed = strict_json.parse(body)
    except Malformed:
        raise Unreadable from None
    action = parsed.get("action") if isinstance(parsed, dict) else None
    name = action.get("name") if isinstance(action, dict) else None
    if not isinstance(name, str):
        raise Unreadable
    effect = Effect.SPEAKS if name in SPEAKING else Effect.REJECTS if name == "hangup" else Effect.NOTHING
    return Instructions("action", (shown(name),), Effect.CONNECTS if name.startswith(CONNECTING) else effect)
