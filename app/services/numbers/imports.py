"""Numbers of a provider's account become endpoints, or a person's voice phone numbers: all or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from app.core import phone, texts
from app.core.errors import Conflict, Invalid, Problem
from app.models import Endpoint, User
from app.provider import Provider
from app.provider.numbers import ProviderNumber
from app.services import validation
from app.services.access import users
from app.services.endpoints import crud
from app.services.endpoints.fields import EndpointDraft
from app.services.fields import Agent
from app.services.numbers import assignments, claims, inventory
from app.services.numbers.assignments import VoicePhoneNumberDraft
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

MOST_AT_ONCE = 200
UNUSABLE = "Not a phone number in E.164, such as +15551234567"
NAMED = 10
"""Numbers that one sentence names."""


class Refused(Conflict):
    """Nothing was imported. `reasons` says why, by number."""

    def __init__(self, taken: Mapping[str, Sequence[str]], code: str) -> None:
        told = [f"{why}: {_named(sorted(numbers))}." for why, numbers in taken.items() if numbers]
        super().__init__(" ".join(["Nothing was imported.", *told]), code=code)
        self.reasons = {number: why for why, numbers in taken.items() for number in numbers}


class Agents(BaseModel):
    """Who answers the imported numbers, and who dials from them."""

    model_config = validation.STRICT

    inbound_agent_name: Agent | None = None
    outbound_agent_name: Agent | None = None


def import_endpoints(
    scope: Scope, http: Outbound, provider: Provider, ticked: Iterable[str], draft: Any
) -> list[Endpoint]:
    """An endpoint for each number, with the provider's label.

    Nothing is imported where one of them is not the account's, or has been claimed meanwhile.
    Raises Invalid, Refused, NotAnswered.
    """
    if not inventory.can_import_as_endpoints(provider):
        message = f"Numbers of {provider.label} cannot be endpoints. Give them to people."
        raise Conflict(message, code="CANNOT_IMPORT")
    agents = validation.read(Agents, draft)
    lines = _still_owned(scope, http, provider, _checked(ticked))
    try:
        with scope.transaction():
            _refuse_claimed(scope, lines)
            drafts = [_draft(provider, line, agents) for line in lines]
            rows = crud.add(scope, drafts, {"imported_from": [None, provider.label]})
    except IntegrityError:
        _refuse_claimed(scope, lines)
        raise
    return rows


def _draft(provider: Provider, line: ProviderNumber, agents: Agents) -> dict[str, Any]:
    own = {"phone_number": line.phone_number, "provider": provider.key, "label": line.label}
    return EndpointDraft(**own, **agents.model_dump()).model_dump()


def import_voice_numbers(
    scope: Scope, http: Outbound, provider: Provider, ticked: Iterable[str], user_id: str
) -> User:
    """Gives every number to the person, who it then is. Raises as `import_endpoints`."""
    given_as = inventory.voice_key(provider)
    if given_as is None:
        message = f"Numbers of {provider.label} cannot be given to people. Import them as endpoints."
        raise Conflict(message, code="CANNOT_IMPORT")
    checked = _checked(ticked)
    if not user_id:
        raise Invalid([Problem("user_id", "Choose who gets the numbers.")])
    users.get(scope, user_id)
    lines = _still_owned(scope, http, provider, checked)
    with scope.transaction():
        user = users.get(scope, user_id)
        _refuse_taken(scope, user, given_as, lines)
        for line in lines:
            sent = {"user_id": user.id, "provider": given_as, "label": line.label}
            sent |= {"phone_number": line.phone_number}
            draft = VoicePhoneNumberDraft.model_validate(sent, by_alias=False, by_name=True)
            assignments.add(scope, user, draft)
    return user


def _checked(ticked: Iterable[str]) -> list[str]:
    """In order, each once, so that two imports at once claim numbers in the same order."""
    wanted = sorted(set(ticked))
    if not wanted:
        raise Invalid([Problem("phone_numbers", "Tick the numbers to import.")])
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid([Problem("phone_numbers", f"Import at most {MOST_AT_ONCE} numbers at once.")])
    _refuse({UNUSABLE: [number for number in wanted if not is_usable(number)]}, "NUMBER_UNUSABLE")
    return wanted


def is_usable(number: str) -> bool:
    """Whether it can be stored: what a provider lists need not be a number that anybody can call."""
    try:
        return phone.normalize(number, None) == number
    except ValueError:
        return False


def _still_owned(scope: Scope, http: Outbound, provider: Provider, wanted: list[str]) -> list[ProviderNumber]:
    """The lines as the provider has them now: what a page showed is not believed."""
    found, _ = inventory.read(scope, http, inventory.connection_for_listing(scope, provider))
    lines: Mapping[str, ProviderNumber] = {line.phone_number: line for line in found}
    gone = [number for number in wanted if number not in lines]
    _refuse({f"Not among the account's numbers at {provider.label}": gone}, "NUMBER_NOT_OWNED")
    return [lines[number] for number in wanted]


def _refuse_claimed(scope: Scope, lines: Iterable[ProviderNumber]) -> None:
    known = claims.claims(scope, [line.phone_number for line in lines])
    _refuse(
        {
            "Already an endpoint here": [number for number in known if known[number].endpoint_id],
            "Claimed by another organization": [number for number in known if known[number].is_elsewhere],
        }
    )


def _refuse_taken(scope: Scope, user: User, given_as: str, lines: Iterable[ProviderNumber]) -> None:
    known = claims.claims(scope, [line.phone_number for line in lines])
    had = {own.phone_number for own in assignments.of_user(scope, user) if own.provider == given_as}
    _refuse(
        {"Claimed by another organization": [number for number in known if known[number].is_elsewhere]},
    )
    _refuse(
        {f"Already given to {texts.bidi_isolate(user.name)}": [number for number in known if number in had]},
        "NUMBER_ALREADY_GIVEN",
    )


def _refuse(taken: Mapping[str, list[str]], code: str = "NUMBER_IN_USE") -> None:
    if any(taken.values()):
        raise Refused(taken, code)


def _named(taken: list[str]) -> str:
    more = len(taken) - NAMED
    return ", ".join(taken[:NAMED]) + (f" and {more} more" if more > 0 else "")
