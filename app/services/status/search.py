"""Search by a few letters or digits: organizations, numbers, users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, select

from app.core import phone
from app.models import Endpoint, Organization, User
from app.services.scope import Scope

MOST = 6
"""Results of each kind."""

FEWEST_DIGITS = 3
"""Almost every number contains fewer."""

MOST_DIGITS = 20


@dataclass(frozen=True)
class FoundNumber:
    phone_number: str
    label: str | None
    endpoint_id: str
    slug: str
    organization: str


@dataclass(frozen=True)
class FoundPerson:
    id: str
    name: str
    email: str
    slug: str
    organization: str


@dataclass(frozen=True)
class Found:
    """The first few of each kind; `has_more` if there are others."""

    organizations: list[Organization] = field(default_factory=list)
    numbers: list[FoundNumber] = field(default_factory=list)
    people: list[FoundPerson] = field(default_factory=list)
    has_more: bool = False


def find(scope: Scope, text: str) -> Found:
    """Returns what has the digits, or the text in its name, in every organization.

    Numbers that begin with the digits come first, and users of the scope's organization.
    """
    text = text.strip()
    if not text:
        return _first(_organizations(scope, ""), [], [])
    return _first(_organizations(scope, text), _numbers(scope, text), _people(scope, text))


def _first(organizations: list[Organization], numbers: list[FoundNumber], people: list[FoundPerson]) -> Found:
    """Each query has one row more than is shown."""
    has_more = any(len(found) > MOST for found in (organizations, numbers, people))
    return Found(organizations[:MOST], numbers[:MOST], people[:MOST], has_more)


def _organizations(scope: Scope, text: str) -> list[Organization]:
    query = select(Organization).order_by(Organization.name, Organization.id).limit(MOST + 1)
    return list(scope.session.scalars(query.where(scope.contains(Organization.name, text))))


def _numbers(scope: Scope, text: str) -> list[FoundNumber]:
    """By prefix, in E.164 or as written in the scope's country; then by substring."""
    digits = re.sub(r"[\s().\-+/]", "", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > MOST_DIGITS:
        return []
    number = Endpoint.phone_number
    found: dict[str, FoundNumber] = {}
    for matches in [
        *(number.startswith(beginning) for beginning in _beginnings(scope, digits, text)),
        *([number.contains(digits)] if len(digits) >= FEWEST_DIGITS else []),
    ]:
        if len(found) <= MOST:
            found |= {one.endpoint_id: one for one in _matching(scope, matches)}
    return list(found.values())


def _matching(scope: Scope, matches: ColumnElement[bool]) -> Iterator[FoundNumber]:
    query = (
        select(Endpoint, Organization)
        .join(Organization, Organization.id == Endpoint.organization_id)
        .where(matches)
        .order_by(Endpoint.phone_number)
        .limit(MOST + 1)
    )
    for row, owner in scope.session.execute(query):
        yield FoundNumber(row.phone_number, row.label, row.id, owner.slug, owner.name)


def _beginnings(scope: Scope, digits: str, text: str) -> list[str]:
    country = scope.organization_or_none.country if scope.organization_or_none else None
    code = phone.calling_code(country) if country else 0
    national = [f"+{code}{digits.lstrip('0')}"] if code and not text.startswith("+") else []
    return [f"+{digits}", *national]


def _people(scope: Scope, text: str) -> list[FoundPerson]:
    matches = scope.contains(User.name, text) | scope.contains(User.email, text)
    own = scope.organization_or_none.id if scope.organization_or_none else ""
    query = (
        select(User, Organization)
        .join(Organization, Organization.id == User.organization_id)
        .where(matches)
        .order_by(User.organization_id != own, User.name, User.id)
        .limit(MOST + 1)
    )
    rows = scope.session.execute(query)
    return [FoundPerson(user.id, user.name, user.email, of.slug, of.name) for user, of in rows]
