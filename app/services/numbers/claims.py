"""Which organization has a number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select

from app.models import Endpoint, VoicePhoneNumber
from app.services.scope import Scope


class Claim(StrEnum):
    """Who has a number here."""

    MAPPED = "mapped"
    UNMAPPED = "unmapped"
    ELSEWHERE = "elsewhere"


@dataclass
class Claims:
    """On one number: the organization's own by their ids, and whether another organization has one."""

    endpoint_id: str | None = None
    user_id: str | None = None
    is_elsewhere: bool = False


def claims(scope: Scope, numbers: Collection[str]) -> dict[str, Claims]:
    """Of the numbers that anybody has here, in two queries however many there are."""
    here = scope.organization.id
    found: dict[str, Claims] = {}
    for number, owner, endpoint_id in scope.session.execute(_query(Endpoint, Endpoint.id, numbers)):
        claim = found.setdefault(number, Claims())
        claim.endpoint_id = endpoint_id if owner == here else claim.endpoint_id
        claim.is_elsewhere |= owner != here
    given = _query(VoicePhoneNumber, VoicePhoneNumber.user_id, numbers)
    for number, owner, user_id in scope.session.execute(given):
        claim = found.setdefault(number, Claims())
        claim.user_id = user_id if owner == here else claim.user_id
        claim.is_elsewhere |= owner != here
    return found


def _query(model: Any, whose: Any, numbers: Collection[str]) -> Select[str, str, str]:
    return select(model.phone_number, model.organization_id, whose).where(model.phone_number.in_(numbers))
