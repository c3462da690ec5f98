"""Imports numbers of a provider's account as endpoints, or as a user's voice phone numbers: all or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from app.core import phone
from app.core.errors import Conflict, Invalid, Problem
from app.models import Endpoint, User
from app.provider import Provider
from app.provider.numbers import ProviderNumber
from app.services import validation
from app.services.access import users
from app.services.endpoints import crud
from app.services.endpoints.fields import EndpointDraft
from app.services.fields import Agent
from app.services.numbers import assignments, claims, inventory, messages
from app.services.numbers.assignments import VoicePhoneNumberDraft
from app.services.numbers.claims import Claims
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

MAX_NUMBERS = 200
"""How many numbers one import can have."""


class Refused(Conflict):
    """Nothing was imported. `reasons` has the reason for each refused number."""

    def __init__(self, numbers_by_reason: Mapping[str, Sequence[str]], code: str) -> None:
        sentences = [
            messages.refused(why, sorted(numbers)) for why, numbers in numbers_by_reason.items() if numbers
        ]
        super().__init__(" ".join([messages.NOTHING_IMPORTED, *sentences]), code=code)
        self.reasons = {number: why for why, numbers in numbers_by_reason.items() for number in numbers}


class Agents(BaseModel):
    """The agents that answer the imported numbers, and that dial from them."""

    model_config = validation.STRICT

    inbound_agent_name: Agent | None = None
    outbound_agent_name: Agent | None = None


def import_endpoints(
    scope: Scope, http: Outbound, provider: Provider, submitted: Iterable[str], draft: Any
) -> list[Endpoint]:
    """Creates an endpoint for each number, with the provider's label.

    Imports nothing if one of the numbers is not in the account, or was claimed meanwhile. Raises Invalid,
    Refused, ProviderCallFailed.
    """
    if not inventory.can_import_as_endpoints(provider):
        raise Conflict(messages.cannot_be_endpoints(provider.label), code="CANNOT_IMPORT")
    agents = validation.read(Agents, draft)
    numbers = _still_owned(scope, http, provider, _checked(submitted))
    try:
        with scope.transaction():
            _refuse_claimed(scope, numbers)
            drafts = [_draft(provider, number, agents) for number in numbers]
            rows = crud.add(scope, drafts, {"imported_from": [None, provider.label]})
    except IntegrityError:
        _refuse_claimed(scope, numbers)
        raise
    return rows


def _draft(provider: Provider, number: ProviderNumber, agents: Agents) -> dict[str, Any]:
    own = {"phone_number": number.phone_number, "provider": provider.key, "label": number.label}
    return EndpointDraft(**own, **agents.model_dump()).model_dump()


def import_voice_numbers(
    scope: Scope, http: Outbound, provider: Provider, submitted: Iterable[str], user_id: str
) -> User:
    """Assigns every number to the user, and returns the user. Raises the errors of `import_endpoints`."""
    voice_key = inventory.voice_key(provider)
    if voice_key is None:
        raise Conflict(messages.cannot_be_assigned(provider.label), code="CANNOT_IMPORT")
    checked = _checked(submitted)
    if not user_id:
        raise Invalid([Problem("user_id", messages.NO_USER)])
    users.get(scope, user_id)
    numbers = _still_owned(scope, http, provider, checked)
    with scope.transaction():
        user = users.get(scope, user_id)
        _refuse_taken(scope, user, voice_key, numbers)
        for number in numbers:
            assignment = {"user_id": user.id, "provider": voice_key, "label": number.label}
            assignment |= {"phone_number": number.phone_number}
            draft = VoicePhoneNumberDraft.model_validate(assignment, by_alias=False, by_name=True)
            assignments.add(scope, user, draft)
    return user


def _checked(submitted: Iterable[str]) -> list[str]:
    """Returns the numbers sorted and without duplicates. Raises Invalid, Refused.

    Sorted, concurrent imports claim numbers in the same order.
    """
    selected = sorted(set(submitted))
    if not selected:
        raise Invalid([Problem("phone_numbers", messages.NONE_SELECTED)])
    if len(selected) > MAX_NUMBERS:
        raise Invalid([Problem("phone_numbers", messages.too_many(MAX_NUMBERS))])
    _refuse({messages.UNUSABLE: [number for number in selected if not is_usable(number)]}, "NUMBER_UNUSABLE")
    return selected


def is_usable(number: str) -> bool:
    """Whether a number that a provider lists can be stored."""
    try:
        return phone.normalize(number, None) == number
    except ValueError:
        return False


def _still_owned(
    scope: Scope, http: Outbound, provider: Provider, selected: list[str]
) -> list[ProviderNumber]:
    """Returns the selected numbers as the account has them now. Raises Refused if one is gone."""
    listed, _ = inventory.read(scope, http, inventory.connection_for_listing(scope, provider))
    numbers: Mapping[str, ProviderNumber] = {number.phone_number: number for number in listed}
    missing = [phone_number for phone_number in selected if phone_number not in numbers]
    _refuse({messages.not_owned(provider.label): missing}, "NUMBER_NOT_OWNED")
    return [numbers[phone_number] for phone_number in selected]


def _refuse_claimed(scope: Scope, numbers: Iterable[ProviderNumber]) -> None:
    claims_by_number = claims.claims(scope, [number.phone_number for number in numbers])
    own = [number for number, claim in claims_by_number.items() if claim.endpoint_id]
    _refuse(
        {messages.IS_ENDPOINT: own, messages.IN_OTHER_ORGANIZATION: _in_other_organization(claims_by_number)}
    )


def _refuse_taken(scope: Scope, user: User, voice_key: str, numbers: Iterable[ProviderNumber]) -> None:
    claims_by_number = claims.claims(scope, [number.phone_number for number in numbers])
    had = {own.phone_number for own in assignments.of_user(scope, user) if own.provider == voice_key}
    _refuse({messages.IN_OTHER_ORGANIZATION: _in_other_organization(claims_by_number)})
    _refuse(
        {messages.already_assigned(user.name): [number for number in claims_by_number if number in had]},
        "NUMBER_ALREADY_GIVEN",
    )


def _in_other_organization(claims_by_number: Mapping[str, Claims]) -> list[str]:
    return [number for number, claim in claims_by_number.items() if claim.in_other_organization]


def _refuse(numbers_by_reason: Mapping[str, list[str]], code: str = "NUMBER_IN_USE") -> None:
    if any(numbers_by_reason.values()):
        raise Refused(numbers_by_reason, code)
