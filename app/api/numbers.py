"""An organization's voice phone numbers."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app import context
from app.api import responses, schemas
from app.api.operations import Who, blueprint
from app.services.numbers import assignments
from app.services.numbers.assignments import VoicePhoneNumberDraft
from app.services.scope import Scope
from app.services.voice_ai import numbers
from app.services.voice_ai.numbers import AiDraft

organizations = blueprint("organizations", "/api/organizations")


@organizations.operation(
    "GET",
    "/<organization_id>/phone-numbers",
    who=Who.SUPERADMIN,
    response=schemas.UserPhoneNumber,
    is_list=True,
    errors=(404,),
)
def list_phone_numbers(scope: Scope) -> ResponseReturnValue:
    """List voice phone numbers

    Returns the voice phone numbers of all users of the organization.
    """
    return responses.document(assignments.every(scope), tagged=True)


@organizations.operation(
    "POST",
    "/<organization_id>/phone-numbers",
    who=Who.SUPERADMIN,
    body=VoicePhoneNumberDraft,
    response=schemas.UserPhoneNumber,
    status=201,
    errors=(404, 409),
)
def assign_phone_number(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Assign a voice phone number to a user"""
    return responses.document(assignments.document(*assignments.assign(scope, sent)), 201)


@organizations.operation(
    "DELETE",
    "/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
    who=Who.SUPERADMIN,
    status=204,
    errors=(404, 409, 422),
)
def unassign_phone_number(
    scope: Scope, user_id: str, provider: str, phone_number: str
) -> ResponseReturnValue:
    """Unassign a voice phone number from a user"""
    assignments.unassign(scope, user_id, provider, phone_number)
    return responses.no_content()


@organizations.operation(
    "PUT",
    "/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>/ai",
    who=Who.SUPERADMIN,
    body=AiDraft,
    response=schemas.UserPhoneNumber,
    errors=(404, 409, 412),
)
def switch_ai(scope: Scope, user_id: str, provider: str, phone_number: str, sent: Any) -> ResponseReturnValue:
    """Switch AI on or off for a voice phone number

    Applies to all users with the number.
    """
    draft = numbers.read(sent)
    user, number = assignments.find(scope, user_id, provider, phone_number)
    number = numbers.switch(scope, context.outbound(), user, number.id, draft)
    return responses.document(assignments.document(number, user))
