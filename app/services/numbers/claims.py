"""The organizations that have a number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select

from app.models import Endpoint, VoicePhoneNumber
from app.services.scope import Scope


class Claim(StrEnum):
    """Whether a number is in this organization, in none, or in another one."""

    MAPPED = "mapped"
    UNMAPPED = "unmapped"
    ELSEWHERE = "elsewhere"


@dataclass
class Claims:
    """The ids of the organization's endpoint and user, and whether another one has the number."""

    endpoint_id: str | None = None
    user_id: str | None = None
    in_other_organization: bool = False


def claims(scope: Scope, numbers: Collection[str]) -> dict[str, Claims]:
    """Returns the claims by number, for those that any organization has, in two queries."""
    here = scope.organization.id
    by_number: dict[str, Claims] = {}
    for number, owner, endpoint_id in scope.session.execute(_query(Endpoint, Endpoint.id, numbers)):
        claim = by_number.setdefault(number, Claims())
        claim.endpoint_id = endpoint_id if owner == here else claim.endpoint_id
        claim.in_other_organization |= owner != here
    assigned = _query(VoicePhoneNumber, VoicePhoneNumber.user_id, numbers)
    for number, owner, user_id in scope.session.execute(assigned):
        claim = by_number.setdefault(number, Claims())
        claim.user_id = user_id if owner == here else claim.user_id
        claim.in_other_organization |= owner != here
    return by_number


def _query(model: Any, whose: Any, numbers: Collection[str]) -> Select[str, str, str]:
    return select(model.phone_number, model.organization_id, whose).where(model.phone_number.in_(numbers))
