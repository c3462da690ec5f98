"""An organization's voice phone numbers."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from app import context
from app.api import error_codes, examples, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import Parameter
from app.provider import Family
from app.providers import keys_in
from app.services.numbers import assignments
from app.services.numbers.assignments import VoicePhoneNumberDraft, VoicePhoneNumberEdit
from app.services.scope import Scope
from app.services.voice_ai import numbers
from app.services.voice_ai.numbers import AiDraft

phone_numbers = blueprint(
    "phone_numbers",
    "/api/organizations",
    Tag("Voice phone numbers", "The phone numbers that users call with, and AI on them."),
)

PROVIDER = Parameter(
    "provider",
    "Voice provider of the phone number.",
    {"type": "string", "enum": list(keys_in(Family.VOICE))},
    example="sinch",
)


@phone_numbers.operation(
    "GET",
    "/<organization_id>/phone-numbers",
    who=Who.SUPERADMIN,
    returns="The phone numbers.",
    response=schemas.UserPhoneNumber,
    is_list=True,
    example=[examples.USER_NUMBER],
    headers=("ETag",),
)
def list_phone_numbers(scope: Scope) -> ResponseReturnValue:
    """List voice phone numbers

    Returns the voice phone numbers of all users of the organization, sorted by phone number. A number
    that users share is listed once for each of them.
    """
    return responses.document(assignments.every(scope), tagged=True)


@phone_numbers.operation(
    "POST",
    "/<organization_id>/phone-numbers",
    who=Who.SUPERADMIN,
    returns="The assigned phone number.",
    body=VoicePhoneNumberDraft,
    body_example=examples.ASSIGNMENT,
    response=schemas.UserPhoneNumber,
    example=examples.USER_NUMBER,
    status=201,
    headers=("ETag", "Location"),
    errors=("NUMBER_IN_USE", "NUMBER_ALREADY_GIVEN"),
)
def assign_phone_number(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Assign a voice phone number to a user

    The user's first number of a provider becomes the default that the dialer calls with. Users of one
    organization can share a number; another organization's number is rejected.
    """
    number, user = assignments.assign(scope, payload)
    location = url_for(
        ".get_phone_number",
        organization_id=scope.organization.id,
        user_id=user.id,
        provider=number.provider,
        phone_number=number.phone_number,
    )
    return responses.resource(assignments.document(number, user), 201, location=location)


@phone_numbers.operation(
    "GET",
    "/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
    who=Who.SUPERADMIN,
    returns="The phone number.",
    parameters=(PROVIDER,),
    response=schemas.UserPhoneNumber,
    example=examples.USER_NUMBER,
    headers=("ETag",),
)
def get_phone_number(scope: Scope, user_id: str, provider: str, phone_number: str) -> ResponseReturnValue:
    """Get a voice phone number

    Returns a phone number of a user, with its label and what answers it.
    """
    user, number = assignments.find(scope, user_id, provider, phone_number)
    return responses.resource(assignments.document(number, user))


@phone_numbers.operation(
    "PUT",
    "/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
    who=Who.SUPERADMIN,
    returns="The phone number after the change.",
    parameters=(PROVIDER,),
    body=VoicePhoneNumberEdit,
    body_example=examples.ASSIGNMENT_CHANGES,
    response=schemas.UserPhoneNumber,
    example=examples.USER_NUMBER,
    headers=("ETag",),
    errors=("NUMBER_ALREADY_GIVEN", "STALE"),
)
def update_phone_number(
    scope: Scope, user_id: str, provider: str, phone_number: str, payload: Any
) -> ResponseReturnValue:
    """Update or reassign a voice phone number

    Omitted fields keep their values, and null clears the label. `isDefault: true` replaces the user's default
    number of the provider. Another `userId` moves the number to that user, with its label and AI: it is at
    another URL afterwards.
    """
    version = responses.version_condition()
    saved = assignments.update(scope, user_id, provider, phone_number, payload, version=version)
    return responses.resource(assignments.document(*saved))


@phone_numbers.operation(
    "DELETE",
    "/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
    who=Who.SUPERADMIN,
    returns="The phone number was unassigned.",
    parameters=(PROVIDER,),
    status=204,
    errors=("AI_IS_ON",),
)
def unassign_phone_number(
    scope: Scope, user_id: str, provider: str, phone_number: str
) -> ResponseReturnValue:
    """Unassign a voice phone number from a user

    If it was the user's default, their next number of the provider becomes the default. While AI is on
    for the number, its last user keeps it.
    """
    assignments.unassign(scope, user_id, provider, phone_number)
    return responses.no_content()


@phone_numbers.operation(
    "PUT",
    "/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>/ai",
    who=Who.SUPERADMIN,
    returns="The phone number after the change.",
    parameters=(PROVIDER,),
    body=AiDraft,
    body_example=examples.AI_CHOICE,
    response=schemas.UserPhoneNumber,
    example=examples.AI_NUMBER,
    headers=("ETag",),
    errors=(*error_codes.PROVIDER_CALL, *error_codes.NOT_SWITCHED, "STALE"),
)
def switch_ai(
    scope: Scope, user_id: str, provider: str, phone_number: str, payload: Any
) -> ResponseReturnValue:
    """Turn AI on or off for a voice phone number

    Imports the number at the voice AI provider and lets the agent answer its calls, or removes it there.
    Applies to all users with the number. If a step fails at the provider, what was done is undone.
    """
    draft = numbers.read(payload)
    user, number = assignments.find(scope, user_id, provider, phone_number)
    version = responses.version_condition()
    number = numbers.update(scope, context.outbound(), user, number.id, draft, version=version)
    return responses.resource(assignments.document(number, user))
