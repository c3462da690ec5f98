"""`/api/settings/telephony`: the telephony providers and the public base URL."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app import context
from app.api import examples, responses, schemas
from app.api.operations import Named, Tag, Who, blueprint
from app.core import etag
from app.services.providers import telephony
from app.services.scope import Scope

settings = blueprint(
    "settings",
    "/api/settings",
    Tag(
        "Telephony settings", "The telephony provider, its credentials, and the public base URL of webhooks."
    ),
)


@settings.operation(
    "GET",
    "/telephony",
    who=Who.SUPERADMIN,
    returns="The telephony configuration.",
    response=schemas.Telephony,
    example=examples.TELEPHONY,
    headers=("ETag",),
)
def telephony_settings(scope: Scope) -> ResponseReturnValue:
    """Get the telephony configuration

    Returns the active telephony provider, the public base URL, and the values of every telephony
    provider; null if a value is not set. Secrets are included only for tokens with the `secrets` scope;
    each response with secrets is audited.
    """
    return responses.document(telephony.read(scope, is_sent=responses.sends), tagged=True, has_secrets=True)


@settings.operation(
    "PUT",
    "/telephony",
    who=Who.SUPERADMIN,
    returns="The configuration after the change, without secrets.",
    body=telephony.TelephonyChanges,
    body_example=Named(examples.TELEPHONY_CHANGES),
    response=schemas.Telephony,
    example=examples.TELEPHONY_SAVED,
    headers=("ETag",),
    errors=("PROVIDER_NOT_CONFIGURED", "PROVIDER_DISABLED", "PROVIDER_ACTIVE", "STALE"),
)
def save_telephony_settings(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Update the telephony configuration

    Omitted fields keep their values, and null clears a field: send only the fields of your provider.
    `public_base_url` has to be set afterwards, because providers call back to it. When it changes, the
    webhook URL of every endpoint changes with it.
    """
    saved = telephony.update(scope, context.outbound(), payload, if_match=responses.condition())
    return responses.document(telephony.without_secrets(saved), tag=etag.of(saved))
