"""`/api/settings/providers`: calls to a provider with an organization's credentials."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app import context
from app.api import error_codes, examples, parameters, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.provider import Capability
from app.services.connections import store, verification
from app.services.numbers import inventory as numbers_inventory
from app.services.scope import Scope
from app.services.voice_ai import webhook_documents

providers = blueprint(
    "providers",
    "/api/settings/providers",
    Tag("Provider accounts", "Calls to a provider with the organization's credentials."),
)


@providers.operation(
    "POST",
    "/<provider>/verify",
    who=Who.SUPERADMIN,
    body=verification.VerifiedCredentials,
    optional_body=True,
    returns="The result of the test.",
    parameters=(parameters.provider(),),
    body_example=examples.VERIFIED_CREDENTIALS,
    response=schemas.Verification,
    example=examples.VERIFICATION,
    errors=("CANNOT_VERIFY", "TOO_MANY_REQUESTS"),
)
def verify_provider(scope: Scope, provider: str, payload: Any) -> ResponseReturnValue:
    """Test the credentials of a provider

    Sends the cheapest request that proves the credentials. Fields of this provider in the body, named as
    in the telephony settings, replace the stored values for this test and are not saved. Wrong
    credentials are a result, not an error: `ok` is false and `code` has the cause.
    """
    tested = verification.verify(scope, context.outbound(), store.provider_of(provider), payload)
    return responses.document(tested.document())


@providers.operation(
    "GET",
    "/<provider>/call-webhook",
    who=Who.SUPERADMIN,
    returns="The state of the webhook.",
    parameters=(parameters.provider(Capability.CALL_REPORTS),),
    response=schemas.CallWebhook,
    example=examples.CALL_WEBHOOK,
)
def get_call_webhook(scope: Scope, provider: str) -> ResponseReturnValue:
    """Get the state of a provider's call webhook

    Returns whether a voice AI provider reports calls to Patchbay, as it was last checked. `last_failure` is
    the last delivery that failed. A provider disables a webhook after repeated failures: `auto_disabled_at`
    is when a check last found that, and enabled it again.
    """
    return responses.document(webhook_documents.of_provider(scope, store.provider_of(provider)))


@providers.operation(
    "GET",
    "/<provider>/numbers",
    who=Who.SUPERADMIN,
    returns="The phone numbers.",
    parameters=(parameters.provider(Capability.NUMBERS),),
    response=schemas.OwnedNumber,
    is_list=True,
    example=[examples.OWNED_NUMBER],
    headers=("ETag",),
    errors=(*error_codes.PROVIDER_CALL, "CANNOT_LIST_NUMBERS"),
)
def list_provider_numbers(scope: Scope, provider: str) -> ResponseReturnValue:
    """List the phone numbers of a provider account

    Reads them from the provider, and returns at most 10,000, sorted by phone number. `state` says whether
    a number has an endpoint already.
    """
    inventory = numbers_inventory.list_owned(scope, context.outbound(), store.provider_of(provider))
    return responses.document([row.document() for row in inventory.rows], tagged=True)
