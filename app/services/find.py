"""Finding things by a few letters or digits: organizations, numbers, people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core import phone
from app.models import Endpoint, Organization, User
from app.services.scope import Scope

MOST = 6
"""Of each kind."""


@dataclass(frozen=True)
class FoundNumber:
    phone_number: str
    label: str | None
    endpoint_id: str
    slug: str
    organization: str


@dataclass(frozen=True)
class Found:
    """The first few of each kind; `has_more` where there are others."""

    organizations: list[Organization] = field(default_factory=list)
    numbers: list[FoundNumber] = field(default_factory=list)
    people: list[User] = field(default_factory=list)
    has_more: bool = False


def find(scope: Scope, text: str) -> Found:
    """What begins with the digits, or has the text in its name. In every organization, but for people:
    those are looked for in the scope's alone."""
    text = text.strip()
    if not text or "\0" in text:
        return _first(_organizations(scope, ""), [], [])
    return _first(_organizations(scope, text), _numbers(scope, text), _people(scope, text))


def _first(organizations: list[Organization], numbers: list[FoundNumber], people: list[User]) -> Found:
    """Each was asked for one more than is shown."""
    has_more = any(len(found) > MOST for found in (organizations, numbers, people))
    return Found(organizations[:MOST], numbers[:MOST], people[:MOST], has_more)


def _organizations(scope: Scope, text: str) -> list[Organization]:
    query = select(Organization).order_by(Organization.name, Organization.id).limit(MOST + 1)
    return list(scope.session.scalars(query.where(scope.contains(Organization.name, text))))


def _numbers(scope: Scope, text: str) -> list[FoundNumber]:
    """By how they begin, in E.164 or as they are written in the scope's country."""
    found: dict[str, FoundNumber] = {}
    for beginning in _beginnings(scope, text):
        query = (
            select(Endpoint, Organization)
            .join(Organization, Organization.id == Endpoint.organization_id)
            .where(Endpoint.phone_number.startswith(beginning))
            .order_by(Endpoint.phone_number)
            .limit(MOST + 1)
        )
        for row, owner in scope.session.execute(query):
            found[row.id] = FoundNumber(row.phone_number, row.label, row.id, owner.slug, owner.name)
    return list(found.values())


def _beginnings(scope: Scope, text: str) -> list[str]:
    digits = re.sub(r"[\s().\-+/]", "", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        return []
    country = scope.found.country if scope.found else None
    code = phone.calling_code(country) if country else 0
    national = [f"+{code}{digits.lstrip('0')}"] if code and not text.startswith("+") else []
    return [f"+{digits}", *national]


def _people(scope: Scope, text: str) -> list[User]:
    if scope.found is None:
        return []
    matches = scope.contains(User.name, text) | scope.contains(User.email, text)
    return list(scope.session.scalars(scope.select(User).where(matches).order_by(User.name).limit(MOST + 1)))
