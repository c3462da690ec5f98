"""Voice phone numbers: assigned to users, who each have one default number for a provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core import etag, phone
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.naming import calls_name
from app.models import User, VoicePhoneNumber
from app.provider import Family
from app.providers import PROVIDERS, keys_in
from app.services import validation
from app.services.access import users
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.drift import queue
from app.services.fields import Label
from app.services.numbers import messages
from app.services.scope import Scope, expect_version
from app.services.validation import Checked


class VoicePhoneNumberDraft(BaseModel):
    """A number to assign to a user. The first one for a provider becomes the default."""

    model_config = validation.STRICT_CAMEL

    user_id: validation.RowId
    provider: Annotated[str, validation.one_of(keys_in(Family.VOICE))]
    phone_number: Annotated[str, Checked(phone.normalize, {"format": phone.FORMAT})]
    label: Label | None = None
    is_default: bool = False
    is_inbound_enabled: bool = True


FIXED = (
    *("id", "version", "provider", "phoneNumber", "userName"),
    *(calls_name(key, "phone_number_id") for key in keys_in(Family.VOICE_AI)),
)
"""The fields of a number that no operation changes."""


class VoicePhoneNumberEdit(BaseModel):
    """What may be changed of a number. Another `userId` reassigns it."""

    model_config = validation.STRICT_CAMEL
    fixed: ClassVar[Mapping[str, str]] = validation.read_only(*FIXED, "aiEnabled", "aiAgentId")

    user_id: validation.RowId = ""
    label: Label | None = None
    is_default: bool = False
    is_inbound_enabled: bool = True


def document(number: VoicePhoneNumber, user: User) -> dict[str, Any]:
    """Returns the API's entry, with the user and the id and version of the assignment."""
    return entry(number) | {
        "userId": user.id,
        "userName": user.name,
        "id": number.id,
        "version": number.version,
    }


def every(scope: Scope) -> list[dict[str, Any]]:
    """Returns every number of every user of the organization."""
    query = (
        select(VoicePhoneNumber, User)
        .join(User, User.id == VoicePhoneNumber.user_id)
        .where(VoicePhoneNumber.organization_id == scope.organization.id)
        .order_by(VoicePhoneNumber.phone_number, User.name, User.id)
    )
    return [document(*row) for row in scope.session.execute(query)]


def of_user(scope: Scope, user: User) -> list[VoicePhoneNumber]:
    query = (
        select(VoicePhoneNumber)
        .where(VoicePhoneNumber.user_id == user.id)
        .order_by(VoicePhoneNumber.provider, VoicePhoneNumber.phone_number)
    )
    return list(scope.session.scalars(query))


def assign(scope: Scope, payload: Any) -> tuple[VoicePhoneNumber, User]:
    """Assigns a number to a user of the organization.

    Raises Conflict if another organization or they have it.
    """
    draft = validation.read(VoicePhoneNumberDraft, payload, country=scope.organization.country)
    try:
        with scope.transaction():
            user = users.get(scope, draft.user_id)
            number = add(scope, user, draft)
    except IntegrityError:
        raise _has_number(scope, draft.user_id, draft.provider, draft.phone_number) from None
    return number, user


def _has_number(scope: Scope, user_id: str, provider: str, number: str) -> Conflict:
    """Returns the error for a number that the user already has, with the id of that assignment."""
    _, row = find(scope, user_id, provider, number)
    message = messages.has_number(number, PROVIDERS[provider].label)
    return Conflict(message, code="NUMBER_ALREADY_GIVEN", existing_id=row.id)


def add(scope: Scope, user: User, draft: VoicePhoneNumberDraft) -> VoicePhoneNumber:
    """Assigns a number, in an open transaction. Raises IntegrityError if the user already has it."""
    scope.require_transaction()
    _claim(scope, draft.phone_number)
    default = _default_of(scope, user, draft.provider)
    if default is not None and draft.is_default:
        default.is_default = False
        scope.session.flush()
    number = VoicePhoneNumber(
        organization_id=scope.organization.id,
        user_id=user.id,
        provider=draft.provider,
        phone_number=draft.phone_number,
        label=draft.label or None,
        **_shared_ai(scope, draft),
        is_default=draft.is_default or default is None,
        is_inbound_enabled=draft.is_inbound_enabled,
    )
    scope.session.add(number)
    scope.session.flush()
    log.record(scope, Action.NUMBER_ASSIGNED, user.email, {draft.provider: [None, draft.phone_number]})
    queue.mark_due(scope, [draft.phone_number])
    return number


def _shared_ai(scope: Scope, draft: VoicePhoneNumberDraft) -> dict[str, Any]:
    """Returns the AI state of the number, which all users who have it share."""
    same = scope.select(VoicePhoneNumber).where(
        VoicePhoneNumber.provider == draft.provider,
        VoicePhoneNumber.phone_number == draft.phone_number,
        VoicePhoneNumber.ai_enabled,
    )
    shared = scope.session.scalar(same.limit(1))
    names = ("ai_enabled", "ai_provider", "ai_agent_id", "ai_phone_number_id")
    return {name: getattr(shared, name) for name in names} if shared else {}


def _claim(scope: Scope, number: str) -> None:
    """Raises Conflict if another organization has the number. Concurrent claims take turns."""
    if scope.is_postgresql:
        scope.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(number))))
    others = select(VoicePhoneNumber.id).where(
        VoicePhoneNumber.phone_number == number,
        VoicePhoneNumber.organization_id != scope.organization.id,
    )
    if scope.session.scalar(others.limit(1)) is not None:
        raise Conflict(messages.CLAIMED, code="NUMBER_IN_USE")


def _default_of(scope: Scope, user: User, provider: str) -> VoicePhoneNumber | None:
    return scope.session.scalar(
        select(VoicePhoneNumber).where(
            VoicePhoneNumber.user_id == user.id,
            VoicePhoneNumber.provider == provider,
            VoicePhoneNumber.is_default,
        )
    )


def make_default(scope: Scope, user: User, number_id: str) -> VoicePhoneNumber:
    with scope.transaction():
        number = get(scope, user, number_id)
        _set_default(scope, user, number)
    return number


def _set_default(scope: Scope, user: User, number: VoicePhoneNumber) -> None:
    was = _default_of(scope, user, number.provider)
    if was is not None and was.id != number.id:
        was.is_default = False
        scope.session.flush()
        number.is_default = True
        changes = {f"{number.provider} default": [was.phone_number, number.phone_number]}
        log.record(scope, Action.NUMBER_DEFAULT, user.email, changes)


def update(
    scope: Scope,
    user_id: str,
    provider: str,
    number: str,
    payload: Any,
    *,
    version: int | etag.Condition = None,
) -> tuple[VoicePhoneNumber, User]:
    """Changes the submitted fields, and reassigns the number if another user is submitted.

    Raises Stale; Conflict if that user already has the number; Invalid if the number would stop being the
    default without another one becoming it.
    """
    draft, fixed = validation.read_edit(VoicePhoneNumberEdit, payload)
    changes = draft.model_dump(exclude_unset=True)
    with scope.transaction():
        user, row = find(scope, user_id, provider, number)
        expect_version(row, version)
        validation.expect_unchanged(VoicePhoneNumberEdit, fixed, document(row, user))
        to_user = users.get(scope, changes.pop("user_id", user.id))
        is_default = changes.pop("is_default", None)
        if to_user.id != user.id:
            _reassign(scope, row, user, to_user)
        elif is_default is False and row.is_default:
            raise Invalid([Problem("isDefault", messages.STAYS_DEFAULT)])
        if is_default:
            _set_default(scope, to_user, row)
        _set_values(scope, to_user, row, changes)
    return row, to_user


def _reassign(scope: Scope, row: VoicePhoneNumber, user: User, to_user: User) -> None:
    """Moves the number, with its label and AI, to another user."""
    provider, number = row.provider, row.phone_number
    if any((own.provider, own.phone_number) == (provider, number) for own in of_user(scope, to_user)):
        raise _has_number(scope, to_user.id, provider, number)
    was_default, row.is_default = row.is_default, False
    scope.session.flush()
    row.user_id = to_user.id
    row.is_default = _default_of(scope, to_user, provider) is None
    scope.session.flush()
    if was_default:
        _promote_next(scope, user, provider)
    log.record(scope, Action.NUMBER_UNASSIGNED, user.email, {provider: [number, None]})
    log.record(scope, Action.NUMBER_ASSIGNED, to_user.email, {provider: [None, number]})


def _set_values(scope: Scope, user: User, row: VoicePhoneNumber, values: Mapping[str, Any]) -> None:
    differs = log.diff({name: getattr(row, name) for name in values}, values)
    for name in differs:
        setattr(row, name, values[name])
    if differs:
        changes = {"phone_number": [row.phone_number, row.phone_number]} | differs
        log.record(scope, Action.NUMBER_SAVED, user.email, changes)
    scope.session.flush()


def get(scope: Scope, user: User, number_id: str) -> VoicePhoneNumber:
    number = scope.get(VoicePhoneNumber, number_id, what="phone number")
    if number.user_id != user.id:
        raise NotFound(messages.NOT_FOUND)
    return number


def unassign(
    scope: Scope, user_id: str, provider: str, number: str, *, reason: str | None = None
) -> VoicePhoneNumber:
    """Unassigns the number from the user. If it was the default, the user's next number becomes it.

    Raises Conflict if AI is on and this is the last assignment: AI could not be turned off afterwards.
    """
    with scope.transaction():
        user, row = find(scope, user_id, provider, number)
        if is_last_with_ai(scope, row):
            raise Conflict(messages.AI_IS_ON, code="AI_IS_ON")
        scope.session.delete(row)
        scope.session.flush()
        if row.is_default:
            _promote_next(scope, user, provider)
        changes = {provider: [row.phone_number, None]} | ({"label": [row.label, None]} if row.label else {})
        log.record(scope, Action.NUMBER_UNASSIGNED, user.email, changes | log.reasoned(reason))
        queue.mark_due(scope, [row.phone_number])
    return row


def find(scope: Scope, user_id: str, provider: str, number: str) -> tuple[User, VoicePhoneNumber]:
    """Returns the user, and their number, which may be written without its plus.

    Raises Invalid, NotFound.
    """
    number = _plus(number)
    if not phone.E164.fullmatch(number):
        raise Invalid([Problem("phone_number", messages.NOT_E164)])
    user = users.get(scope, user_id)
    owned = (own for own in of_user(scope, user) if own.phone_number == number)
    row = next((own for own in owned if own.provider == provider), None)
    if row is None:
        raise NotFound(messages.NOT_ASSIGNED)
    return user, row


def is_last_with_ai(scope: Scope, row: VoicePhoneNumber) -> bool:
    """Whether an agent answers the number, and no other user has it."""
    others = scope.select(VoicePhoneNumber).where(
        VoicePhoneNumber.provider == row.provider,
        VoicePhoneNumber.phone_number == row.phone_number,
        VoicePhoneNumber.id != row.id,
    )
    return row.ai_enabled and scope.session.scalar(others.limit(1)) is None


def _plus(number: str) -> str:
    return f"+{number}" if re.fullmatch(r"[1-9]\d+", number) else number


def _promote_next(scope: Scope, user: User, provider: str) -> None:
    following = scope.session.scalar(
        select(VoicePhoneNumber)
        .where(VoicePhoneNumber.user_id == user.id, VoicePhoneNumber.provider == provider)
        .order_by(VoicePhoneNumber.created_at, VoicePhoneNumber.phone_number)
        .limit(1)
    )
    if following is not None:
        following.is_default = True


def entry(number: Any) -> dict[str, Any]:
    """Returns the API's `CallsUserPhoneNumberEntry`, without fields that have no value."""
    id_name = calls_name(number.ai_provider or "", "phone_number_id")
    optional = {
        "aiAgentId": number.ai_agent_id,
        id_name: number.ai_phone_number_id,
        "label": number.label,
    }
    return {
        "provider": number.provider,
        "phoneNumber": number.phone_number,
        "isDefault": number.is_default,
        "isInboundEnabled": number.is_inbound_enabled,
        "aiEnabled": number.ai_enabled,
    } | {name: value for name, value in optional.items() if value is not None}
