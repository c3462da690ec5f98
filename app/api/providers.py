"""`/api/settings/providers`: calls to a provider with an organization's credentials."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app import context
from app.api import responses, schemas
from app.api.operations import Who, blueprint
from app.services import validation
from app.services.connections import store, verification
from app.services.numbers import inventory as numbers_inventory
from app.services.scope import Scope

providers = blueprint("providers", "/api/settings/providers")


@providers.operation(
    "POST",
    "/<provider>/verify",
    who=Who.SUPERADMIN,
    body=validation.Anything,
    optional_body=True,
    response=schemas.Verification,
    errors=(404, 409, 429),
)
def verify_provider(scope: Scope, provider: str, sent: Any) -> ResponseReturnValue:
    """Test the credentials of a provider

    Fields in the request replace stored values for this test. Nothing is saved.
    """
    tested = verification.verify(scope, context.outbound(), store.provider_of(provider), sent)
    return responses.document(tested.document())


@providers.operation(
    "GET",
    "/<provider>/numbers",
    who=Who.SUPERADMIN,
    response=schemas.OwnedNumber,
    is_list=True,
    errors=(404, 409, 429),
)
def list_provider_numbers(scope: Scope, provider: str) -> ResponseReturnValue:
    """List the phone numbers of a provider account

    Returns at most 10,000 numbers, sorted by phone number.
    """
    inventory = numbers_inventory.list_owned(scope, context.outbound(), store.provider_of(provider))
    return responses.document([row.document() for row in inventory.rows], tagged=True)
