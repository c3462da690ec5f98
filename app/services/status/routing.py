"""The routing map: which numbers reach which agents through which providers, in at most `GROUPS` groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, case, func, select

from app.models import DriftCheck, Endpoint, Verdict
from app.providers import PROVIDERS
from app.services.scope import Scope

SINGLE = 24
"""Maximum count of numbers that are shown individually; more are grouped by provider and agent."""

GROUPS = 24
AGENTS = 14
"""How many agents and groups are shown by name. The rest of each provider is one group, to other agents."""

OTHERS = ""
"""The name for agents that are not shown; no agent has this name."""


@dataclass(frozen=True)
class Group:
    """Numbers of one provider, counted by verdict.

    `agent` answers them; with None, they take no calls. A single number has its `endpoint_id` and label. A
    group with `rest` combines that many hidden groups; its agent is `OTHERS` if agents answer any of its
    numbers.
    """

    provider: str
    agent: str | None
    verdicts: Mapping[Verdict, int]
    first: str
    endpoint_id: str | None = None
    label: str | None = None
    rest: int = 0

    @property
    def numbers(self) -> int:
        return sum(self.verdicts.values())

    @property
    def unhealthy(self) -> int:
        return self.verdicts.get(Verdict.UNHEALTHY, 0)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict beside unhealthy; unhealthy if all numbers are."""
        others = [one for one in _WORST_FIRST if self.verdicts.get(one)]
        return others[0] if others else Verdict.UNHEALTHY


_WORST_FIRST = (Verdict.UNKNOWN, Verdict.HEALTHY, Verdict.OFF)


@dataclass(frozen=True)
class Routing:
    """The groups by provider, and the agents that they lead to, each with its count of numbers.

    `rest` counts agents that are not shown by name, `dead` numbers that take no calls.
    """

    groups: Mapping[str, list[Group]] = field(default_factory=dict)
    agents: Mapping[str, int] = field(default_factory=dict)
    rest: int = 0
    dead: int = 0

    @property
    def all_groups(self) -> list[Group]:
        return [group for groups in self.groups.values() for group in groups]

    @property
    def numbers(self) -> int:
        return sum(group.numbers for group in self.all_groups)

    @property
    def unhealthy(self) -> int:
        return sum(group.unhealthy for group in self.all_groups)


def of(scope: Scope, *, single: int = SINGLE, most: int = GROUPS) -> Routing:
    """Returns the organization's endpoints: individually if few, else by provider and agent."""
    groups = _grouped(scope)
    count = sum(group.numbers for group in groups)
    if count <= single:
        groups, most = _singles(scope), single
    agents: Counter[str] = Counter()
    for group in groups:
        if group.agent is not None:
            agents[group.agent] += group.numbers
    named = sorted(agents, key=lambda name: (-agents[name], name))[:AGENTS]
    shown = _shown(groups, named, most)
    in_picture = {group.agent for group in shown}
    shown_agents = {name: agents[name] for name in named if name in in_picture}
    return Routing(
        {key: own for key in _keys(shown) if (own := [group for group in shown if group.provider == key])},
        shown_agents,
        len(agents) - len(shown_agents),
        sum(group.numbers for group in groups if group.agent is None),
    )


def _keys(groups: Iterable[Group]) -> list[str]:
    """Returns the groups' providers in the order of the navigation; undeclared ones last."""
    keys = {group.provider for group in groups}
    return [key for key in PROVIDERS if key in keys] + sorted(keys - PROVIDERS.keys())


def _shown(groups: list[Group], named: list[str], most: int) -> list[Group]:
    """Returns the groups to show: those with most unhealthy numbers, then the largest.

    Each provider has one more group for the rest.
    """
    ranked = sorted(groups, key=lambda one: (-one.unhealthy, -one.numbers, one.first))
    shown = [one for one in ranked if one.agent is None or one.agent in named][:most]
    shown.sort(key=lambda one: (one.agent is None, named.index(one.agent) if one.agent else 0, one.first))
    is_shown = {id(one) for one in shown}
    rest = [one for one in groups if id(one) not in is_shown]
    return shown + [_merged(key, [one for one in rest if one.provider == key]) for key in _keys(rest)]


def _merged(provider: str, groups: list[Group]) -> Group:
    verdicts: Counter[Verdict] = Counter()
    for group in groups:
        verdicts.update(group.verdicts)
    agent = None if all(group.agent is None for group in groups) else OTHERS
    return Group(provider, agent, verdicts, min(group.first for group in groups), rest=len(groups))


def _verdict() -> Any:
    return case(
        (~Endpoint.takes_calls, str(Verdict.OFF)),
        else_=func.coalesce(DriftCheck.verdict, str(Verdict.UNKNOWN)),
    )


def _rows(scope: Scope, *columns: Any) -> Select[*tuple[Any, ...]]:
    is_its = and_(
        DriftCheck.organization_id == Endpoint.organization_id,
        DriftCheck.provider == Endpoint.provider,
        DriftCheck.phone_number == Endpoint.phone_number,
    )
    query = select(*columns).select_from(Endpoint).outerjoin(DriftCheck, is_its)
    return query.where(Endpoint.organization_id == scope.organization.id)


def _agent() -> Any:
    return case((Endpoint.takes_calls, Endpoint.inbound_agent_name))


def _grouped(scope: Scope) -> list[Group]:
    key = (Endpoint.provider, _agent().label("agent"), _verdict().label("verdict"))
    query = _rows(scope, *key, func.count(), func.min(Endpoint.phone_number)).group_by(*key)
    verdicts: dict[tuple[str, str | None], dict[Verdict, int]] = {}
    firsts: dict[tuple[str, str | None], str] = {}
    for provider, agent, verdict, count, first in scope.session.execute(query):
        place = (provider, agent)
        verdicts.setdefault(place, {})[Verdict(verdict)] = count
        firsts[place] = min(first, firsts.get(place, first))
    return [Group(*place, counts, firsts[place]) for place, counts in verdicts.items()]


def _singles(scope: Scope) -> list[Group]:
    row = Endpoint
    columns = (row.provider, _agent(), _verdict(), row.phone_number, row.id, row.label)
    query = _rows(scope, *columns).order_by(row.phone_number)
    return [
        Group(provider, agent, {Verdict(verdict): 1}, number, endpoint_id, label)
        for provider, agent, verdict, number, endpoint_id, label in scope.session.execute(query)
    ]
