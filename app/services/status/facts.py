"""What the database has about every organization, in a few grouped queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, func, or_, select

from app.models import (
    Check,
    CheckRun,
    Connection,
    DriftCheck,
    Endpoint,
    HealthTransition,
    Organization,
    ProviderSwitch,
    Secret,
    User,
    Verdict,
    WebhookSetup,
)
from app.provider import Family
from app.providers import PROVIDERS
from app.services.connections import number_health, store, transitions
from app.services.connections.number_health import Cause
from app.services.scope import Scope


@dataclass(frozen=True)
class DriftedNumbers:
    """How many of one provider's numbers drifted, and since when the first of them."""

    count: int
    since: datetime | None


class TestResult(NamedTuple):
    """The last proof about a connection's credentials."""

    ok: bool
    code: str


@dataclass
class Facts:
    """Everything stored about one organization; mappings are by provider key.

    `unchecked` numbers have no result for their present settings; `blocked` ones wait for something in
    Patchbay. `is_verified`: a provider has the expected webhook for at least one number. `dropped_at`: when
    agent calls last lost their provider.
    """

    organization: Organization
    numbers: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    people: int = 0
    connections: dict[str, tuple[bool, datetime]] = field(default_factory=dict)
    held: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    failing_since: dict[str, datetime] = field(default_factory=dict)
    tests: dict[str, TestResult] = field(default_factory=dict)
    drifted: dict[str, DriftedNumbers] = field(default_factory=dict)
    unchecked: int = 0
    blocked: int = 0
    is_verified: bool = False
    checked_at: datetime | None = None
    check_failure: str | None = None
    webhooks: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    dropped_at: datetime | None = None

    def active(self, family: Family) -> str | None:
        key: str | None = getattr(self.organization, f"active_{family}")
        return key

    def is_usable(self, key: str) -> bool:
        enabled, _ = self.connections.get(key, (False, None))
        return key in PROVIDERS and store.is_usable(PROVIDERS[key], enabled=enabled, held=self.held[key])


def load(scope: Scope, text: str) -> list[Facts]:
    """Returns the facts of the organizations that have `text` in their name or slug."""
    query = select(Organization)
    if text:
        columns = (Organization.name, Organization.slug)
        query = query.where(or_(*(scope.contains(column, text) for column in columns)))
    reader = _Reader(scope, {row.id: Facts(row) for row in scope.session.scalars(query)})
    _read_numbers(reader)
    _read_connections(reader)
    _read_drift(reader)
    _read_tests(reader)
    _read_changes(reader)
    return list(reader.facts.values())


@dataclass(frozen=True)
class _Reader:
    """Joins the rows of grouped queries to the facts of their organization."""

    scope: Scope
    facts: dict[str, Facts]

    def rows(self, query: Any) -> Iterator[tuple[Facts, Any]]:
        """`query` selects the organization's id first."""
        for row in self.scope.session.execute(query):
            if row[0] in self.facts:
                yield self.facts[row[0]], row


def _read_numbers(reader: _Reader) -> None:
    used = _used_providers()
    live = select(func.count()).where(
        Endpoint.organization_id == used.c.owner, Endpoint.provider == used.c.provider, Endpoint.is_active
    )
    answered = live.where(Endpoint.inbound_agent_name.is_not(None))
    counts = select(used.c.owner, used.c.provider, live.scalar_subquery(), answered.scalar_subquery())
    for facts, row in reader.rows(counts.where(used.c.provider.is_not(None))):
        if row[2]:
            facts.numbers[row[1]] = row[2]
            facts.answered += row[3]
    people = select(User.organization_id, func.count()).group_by(User.organization_id)
    for facts, row in reader.rows(people):
        facts.people = row[1]


def _used_providers() -> CTE:
    """The providers of each organization's endpoints, each found from the one before by an index.

    Grouping 100,000 rows takes three times as long.
    """
    provider = Endpoint.provider
    first = select(func.min(provider)).where(Endpoint.organization_id == Organization.id)
    used = select(Organization.id.label("owner"), first.scalar_subquery().label("provider")).cte(
        recursive=True
    )
    following = select(func.min(provider)).where(
        Endpoint.organization_id == used.c.owner, provider > used.c.provider
    )
    rest = select(used.c.owner, following.scalar_subquery()).where(used.c.provider.is_not(None))
    return used.union_all(rest)


def _read_connections(reader: _Reader) -> None:
    """Secrets are not opened: one that is sealed with a known key counts as held."""
    known: Collection[str] = reader.scope.keys.sealer.fingerprints
    owner = Connection.organization_id
    stored = select(owner, Connection.provider, Connection.enabled, Connection.updated_at, Connection.values)
    for facts, row in reader.rows(stored):
        facts.connections[row[1]] = (row[2], row[3])
        facts.held[row[1]] |= {name for name, value in row[4].items() if value is not None}
    sealed = select(Secret.organization_id, Secret.provider, Secret.field)
    for facts, row in reader.rows(sealed.where(Secret.key_fingerprint.in_(known))):
        facts.held[row[1]].add(row[2])


def _read_drift(reader: _Reader) -> None:
    """Counts drifted numbers in one query; the rest comes from an index, organization by organization."""
    owner, check = DriftCheck.organization_id, DriftCheck
    counted = select(owner, check.provider, func.count(), func.min(check.since)).where(
        number_health.is_drift()
    )
    for facts, row in reader.rows(counted.group_by(owner, check.provider)):
        facts.drifted[row[1]] = DriftedNumbers(*row[2:])
    mine = owner == Organization.id
    is_unchecked = check.cause == Cause.NOT_CHECKED
    results = select(
        Organization.id,
        select(func.max(check.checked_at)).where(mine).scalar_subquery(),
        select(func.count()).select_from(check).where(mine, is_unchecked).scalar_subquery(),
        select(func.count()).select_from(check).where(mine, number_health.is_blocked()).scalar_subquery(),
        select(check.phone_number).where(mine, check.verdict == Verdict.HEALTHY).exists(),
    )
    for facts, row in reader.rows(results):
        facts.checked_at, facts.unchecked, facts.blocked, facts.is_verified = row[1:]
    runs = select(CheckRun.organization_id, CheckRun.failure).where(CheckRun.failure.is_not(None))
    for facts, row in reader.rows(runs):
        facts.check_failure = row[1]


def _read_tests(reader: _Reader) -> None:
    for facts, row in reader.rows(select(Check.organization_id, Check.provider, Check.ok, Check.code)):
        facts.tests[row[1]] = TestResult(*row[2:])
    last = HealthTransition
    of_connection = last.phone_number == transitions.CONNECTION
    newest = select(func.max(last.id)).where(of_connection).group_by(last.organization_id, last.provider)
    failing = select(last.organization_id, last.provider, last.since).where(
        last.id.in_(newest), last.since.is_not(None)
    )
    for facts, row in reader.rows(failing):
        facts.failing_since[row[1]] = row[2]


def _read_changes(reader: _Reader) -> None:
    setup = WebhookSetup
    webhooks = select(setup.organization_id, setup.provider, setup.state, setup.updated_at)
    for facts, row in reader.rows(webhooks):
        facts.webhooks[row[1]] = (row[2], row[3])
    owner = ProviderSwitch.organization_id
    switches = select(owner, func.max(ProviderSwitch.created_at)).where(
        ProviderSwitch.family == Family.TELEPHONY, ProviderSwitch.now.is_(None)
    )
    for facts, row in reader.rows(switches.group_by(owner)):
        facts.dropped_at = row[1]
