"""Search by text or digits: numbers, agents, organizations, users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, or_, select, union

from app.core import phone
from app.models import Endpoint, Organization, User
from app.services.endpoints import fields
from app.services.scope import Scope

MOST = 6
"""How many results of each kind are returned."""

FEWEST_DIGITS = 3
"""Almost every number contains any two digits."""

MOST_DIGITS = 20


@dataclass(frozen=True)
class NumberMatch:
    phone_number: str
    label: str | None
    endpoint_id: str
    slug: str
    organization: str


@dataclass(frozen=True)
class AgentMatch:
    """An agent's name, in one organization."""

    name: str
    slug: str
    organization: str


@dataclass(frozen=True)
class PersonMatch:
    id: str
    name: str
    email: str
    slug: str
    organization: str


@dataclass(frozen=True)
class Matches:
    """The first results of each kind; `has_more` if there are others."""

    organizations: list[Organization] = field(default_factory=list)
    numbers: list[NumberMatch] = field(default_factory=list)
    agents: list[AgentMatch] = field(default_factory=list)
    people: list[PersonMatch] = field(default_factory=list)
    has_more: bool = False


def find(scope: Scope, text: str) -> Matches:
    """Returns numbers with the digits or label, and agents, users and organizations by name.

    It searches all organizations. Numbers that begin with the digits come first, then results of the scope's
    organization.
    """
    text = text.strip()
    if not text:
        return _first(Matches(_organizations(scope, "")))
    return _first(
        Matches(
            _organizations(scope, text),
            _numbers(scope, text) or _labelled(scope, text),
            _agents(scope, text),
            _people(scope, text),
        )
    )


def _first(matches: Matches) -> Matches:
    """Returns the results to show. Each query returns one row more, which sets `has_more`."""
    kinds = (matches.organizations, matches.numbers, matches.agents, matches.people)
    return Matches(
        matches.organizations[:MOST],
        matches.numbers[:MOST],
        matches.agents[:MOST],
        matches.people[:MOST],
        has_more=any(len(kind) > MOST for kind in kinds),
    )


def _organizations(scope: Scope, text: str) -> list[Organization]:
    query = select(Organization).order_by(Organization.name, Organization.id).limit(MOST + 1)
    return list(scope.session.scalars(query.where(scope.contains(Organization.name, text))))


def _numbers(scope: Scope, text: str) -> list[NumberMatch]:
    """Returns numbers by prefix, in E.164 or as written in the scope's country; then by substring."""
    digits = re.sub(r"[\s().\-+/]", "", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > MOST_DIGITS:
        return []
    number = Endpoint.phone_number
    by_id: dict[str, NumberMatch] = {}
    for matches in [
        *(number.startswith(beginning) for beginning in _beginnings(scope, digits, text)),
        *([number.contains(digits)] if len(digits) >= FEWEST_DIGITS else []),
    ]:
        if len(by_id) <= MOST:
            by_id |= {one.endpoint_id: one for one in _matching(scope, matches)}
    return list(by_id.values())


def _matching(scope: Scope, matches: ColumnElement[bool]) -> Iterator[NumberMatch]:
    query = (
        select(Endpoint, Organization)
        .join(Organization, Organization.id == Endpoint.organization_id)
        .where(matches)
        .order_by(Endpoint.phone_number)
        .limit(MOST + 1)
    )
    for row, owner in scope.session.execute(query):
        yield NumberMatch(row.phone_number, row.label, row.id, owner.slug, owner.name)


def _labelled(scope: Scope, text: str) -> list[NumberMatch]:
    """Returns numbers with the text in their label or an agent's name.

    Those of the scope's organization come first.
    """
    has_text = or_(*(scope.contains(column, text) for column in (Endpoint.label, *_agent_columns())))
    is_own = Endpoint.organization_id == _own_id(scope)
    own = list(_matching(scope, has_text & is_own))
    return own if len(own) > MOST else [*own, *_matching(scope, has_text & ~is_own)]


def _agents(scope: Scope, text: str) -> list[AgentMatch]:
    """Returns agents by name. The union lists an agent of both directions once."""
    named = union(
        *(
            select(column.label("agent"), Organization.slug, Organization.name)
            .join(Endpoint, Organization.id == Endpoint.organization_id)
            .where(scope.contains(column, text))
            for column in _agent_columns()
        )
    ).subquery()
    order = (named.c.slug != _slug(scope), named.c.name, named.c.agent)
    rows = scope.session.execute(select(named).order_by(*order).limit(MOST + 1))
    return [AgentMatch(agent, slug, organization) for agent, slug, organization in rows]


def _agent_columns() -> list[Any]:
    return [agent.column for agent in fields.AGENTS]


def _own_id(scope: Scope) -> str:
    """Returns the id of the scope's organization; "", which matches none, outside organizations."""
    return scope.organization_or_none.id if scope.organization_or_none else ""


def _slug(scope: Scope) -> str:
    return scope.organization_or_none.slug if scope.organization_or_none else ""


def _beginnings(scope: Scope, digits: str, text: str) -> list[str]:
    country = scope.organization_or_none.country if scope.organization_or_none else None
    code = phone.calling_code(country) if country else 0
    national = [f"+{code}{digits.lstrip('0')}"] if code and not text.startswith("+") else []
    return [f"+{digits}", *national]


def _people(scope: Scope, text: str) -> list[PersonMatch]:
    matches = scope.contains(User.name, text) | scope.contains(User.email, text)
    query = (
        select(User, Organization)
        .join(Organization, Organization.id == User.organization_id)
        .where(matches)
        .order_by(User.organization_id != _own_id(scope), User.name, User.id)
        .limit(MOST + 1)
    )
    rows = scope.session.execute(query)
    return [PersonMatch(user.id, user.name, user.email, of.slug, of.name) for user, of in rows]
