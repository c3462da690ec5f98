"""`/api/settings/telephony`: the telephony providers and the public base URL."""

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


@settings.operation("GET", "/telephony", who=Who.SUPERADMIN, response=schemas.Telephony)
def telephony_settings(scope: Scope) -> ResponseReturnValue:
    """Get the telephony configuration

    Secrets are included for tokens with the secrets scope, and each such read is audited.
    """
    return responses.document(telephony.read(scope, is_sent=responses.sends), tagged=True)


@settings.operation(
    "PUT",
    "/telephony",
    who=Who.SUPERADMIN,
    body=telephony.TelephonyChanges,
    response=schemas.Telephony,
    errors=(409, 412),
)
def save_telephony_settings(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Update the telephony configuration

    Omitted fields keep their values; null clears a field. The response is that of GET without secrets.
    """
    saved = telephony.update(scope, context.outbound(), sent, if_match=responses.if_match())
    return responses.document(telephony.without_secrets(saved), tag=etag.of(saved))
