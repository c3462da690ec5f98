"""The settings API: the telephony provider, and endpoints."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app import context
from app.api import responses, schemas
from app.api.operations import Who, blueprint
from app.core import etag
from app.services.providers import telephony
from app.services.scope import Scope

settings = blueprint("settings", "/api/settings")


@settings.operation("GET", "/telephony", who=Who.SUPERADMIN, answer=schemas.Telephony)
def telephony_settings(scope: Scope) -> ResponseReturnValue:
    """Read the telephony configuration"""
    return responses.document(telephony.read(scope, is_sent=responses.sends), tagged=True)


@settings.operation(
    "PUT",
    "/telephony",
    who=Who.SUPERADMIN,
    body=telephony.TelephonyChanges,
    answer=schemas.Telephony,
    refusals=(409, 412),
)
def save_telephony_settings(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Update the telephony configuration; absent keeps, null clears

    The answer is what GET answers, with its tag, but for the secrets: those leave by GET alone.
    """
    saved = telephony.update(scope, context.outbound(), sent, if_match=responses.if_match())
    return responses.document(telephony.without_secrets(saved), tag=etag.of(saved))
