"""The settings API: what can be asked of a provider."""

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
    answer=schemas.Verification,
    refusals=(404, 409, 429),
)
def verify_provider(scope: Scope, provider: str, sent: Any) -> ResponseReturnValue:
    """Test the stored values, with what is sent in their place; nothing sent is stored"""
    tested = verification.verify(scope, context.outbound(), store.provider_of(provider), sent)
    return responses.document(tested.document())


@providers.operation(
    "GET",
    "/<provider>/numbers",
    who=Who.SUPERADMIN,
    answer=schemas.OwnedNumber,
    is_list=True,
    refusals=(404, 409, 429),
)
def list_provider_numbers(scope: Scope, provider: str) -> ResponseReturnValue:
    """List the numbers that the provider's account owns, by number; the first 10,000 of more"""
    inventory = numbers_inventory.list_owned(scope, context.outbound(), store.provider_of(provider))
    return responses.document([row.document() for row in inventory.rows], tagged=True)
