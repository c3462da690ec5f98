"""Requests and responses about notifications."""

from __future__ import annotations

from typing import Any

DESTINATION_ID = "3a7f1c52-8d4e-4b96-9e0a-1c6d5f2b7e84"
DELIVERY_ID = "9d2c4e6f-0a1b-4c3d-8e5f-7a9b1c3d5e70"
PROBLEM_ID = "e4b1a7c3-5d29-4f86-a0b7-2c8d6e1f3a95"
PERIOD_ID = "6f0e2d4c-8b1a-4957-9c3e-5d7f1a2b4c68"
LATER = "2026-03-19T10:00:00Z"
SIGNING_SECRET = "whsec_ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZQ=="  # noqa: S105 (an example)

NEW_DESTINATION: dict[str, Any] = {
    "kind": "webhook",
    "url": "https://hooks.your-domain.com/patchbay",
    "label": "On call",
    "events": ["number.unhealthy", "number.recovered"],
}
DESTINATION: dict[str, Any] = {
    "id": DESTINATION_ID,
    "kind": "webhook",
    "label": "On call",
    "url": "https://hooks.your-domain.com/patchbay",
    "events": ["number.unhealthy", "number.recovered"],
    "digest_hour": None,
    "muted_until": None,
    "enabled": True,
    "disabled_reason": None,
    "failing_since": None,
    "previous_secret_until": None,
    "created_at": "2026-03-18T10:00:00Z",
    "updated_at": "2026-03-18T10:00:00Z",
    "version": 1,
}
DESTINATION_CHANGES: dict[str, Any] = {"events": ["*"], "label": "On call"}
DELIVERY: dict[str, Any] = {
    "id": DELIVERY_ID,
    "message_id": PROBLEM_ID,
    "type": "number.unhealthy",
    "title": "+1 555-123-4567 at Twilio is unhealthy: calls may not be answered.",
    "state": "delivered",
    "resent": False,
    "created_at": "2026-03-18T10:00:00Z",
    "next_attempt_at": None,
    "attempts": [
        {"at": "2026-03-18T10:00:06Z", "ok": True, "status": 204, "duration_ms": 84, "reason": None}
    ],
}
TEST_DELIVERY: dict[str, Any] = DELIVERY | {
    "type": "notification.test",
    "title": "This is a test message. The destination works.",
    "resent": True,
}
PROBLEM: dict[str, Any] = {
    "id": PROBLEM_ID,
    "type": "number.unhealthy",
    "title": "+1 555-123-4567 at Twilio is unhealthy: calls may not be answered.",
    "details": ["Twilio is configured with a different webhook URL."],
    "subject": "+15551234567",
    "count": 1,
    "reason": "different_url",
    "at": "2026-03-18T10:00:00Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
}
NEW_QUIET_PERIOD: dict[str, Any] = {"hours": 24, "reason": "Move to a new runtime"}
QUIET_PERIOD: dict[str, Any] = {
    "id": PERIOD_ID,
    "starts_at": "2026-03-18T10:00:00Z",
    "ends_at": LATER,
    "reason": "Move to a new runtime",
    "created_by": "alex@example.com",
}
LIMITS: dict[str, Any] = {"most_secret_days": None, "most_backup_days": None}
