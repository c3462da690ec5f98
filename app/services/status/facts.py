"""Stored data about one organization or all of them, in a few grouped queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, func, or_, select, true

from app.core import clock
from app.models import (
    Call,
    Check,
    CheckRun,
    Connection,
    DriftCheck,
    Endpoint,
    HealthTransition,
    Organization,
    ProviderSwitch,
    Secret,
    Verdict,
    WebhookSetup,
)
from app.provider import Family
from app.provider.numbers import Reason
from app.providers import PROVIDERS
from app.services.connections import number_health, store, transitions
from app.services.connections.number_health import BlockedReason, Cause
from app.services.endpoints import proven
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


DAY = timedelta(days=1)


@dataclass
class Facts:
    """Stored data about one organization. The keys of mappings are providers' keys.

    `numbers` counts active numbers, `answered` those of them with an inbound agent. Numbers that should
    take calls are counted as `healthy`; `blocked` by a setting in Patchbay; `unchecked`, without a result
    for their present settings; or `unverified`, if their provider does not show enough. For `proven`, see
    `endpoints.proven`.

    `stored_fields` has the names of stored values. `calls` counts the last 24 hours, `calls_before` the 24
    hours before. `was_healthy`: a number was once healthy, or its provider does not show webhooks. `webhooks`
    are those for call reports: state, since when, and HTTP status of the last failed delivery.
    `dropped_at`: when agent calls last lost their default provider.
    """

    organization: Organization
    numbers: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    connections: dict[str, tuple[bool, datetime]] = field(default_factory=dict)
    stored_fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    failing_since: dict[str, datetime] = field(default_factory=dict)
    tests: dict[str, TestResult] = field(default_factory=dict)
    drifted: dict[str, DriftedNumbers] = field(default_factory=dict)
    healthy: int = 0
    blocked: int = 0
    unchecked: int = 0
    unverified: int = 0
    proven: int = 0
    was_healthy: bool = False
    checked_at: datetime | None = None
    check_failure: str | None = None
    calls: int = 0
    calls_before: int = 0
    webhooks: dict[str, tuple[str, datetime, int | None]] = field(default_factory=dict)
    dropped_at: datetime | None = None

    @property
    def live(self) -> int:
        """How many numbers are active."""
        return sum(self.numbers.values())

    @property
    def all_drifted(self) -> int:
        return sum(drifted.count for drifted in self.drifted.values())

    @property
    def unhealthy(self) -> int:
        """How many numbers are known to be unable to take calls."""
        return self.all_drifted + self.blocked

    @property
    def expected(self) -> int:
        """How many numbers should take calls."""
        return self.healthy + self.unhealthy + self.unchecked + self.unverified

    def active(self, family: Family) -> str | None:
        key: str | None = getattr(self.organization, f"active_{family}")
        return key

    def is_usable(self, key: str) -> bool:
        enabled, _ = self.connections.get(key, (False, None))
        return key in PROVIDERS and store.is_usable(
            PROVIDERS[key], enabled=enabled, stored_fields=self.stored_fields[key]
        )


def load(scope: Scope, text: str) -> list[Facts]:
    """Returns the facts of the organizations that have `text` in their name or slug."""
    query = select(Organization)
    if text:
        columns = (Organization.name, Organization.slug)
        query = query.where(or_(*(scope.contains(column, text) for column in columns)))
    return _read(_Reader(scope, {row.id: Facts(row) for row in scope.session.scalars(query)}))


def of(scope: Scope) -> Facts:
    """Returns the facts of the scope's organization."""
    own = scope.organization
    (facts,) = _read(_Reader(scope, {own.id: Facts(own)}, own.id))
    return facts


@dataclass(frozen=True)
class _Reader:
    """Joins the rows of grouped queries to the facts of their organization, or of the `only` one."""

    scope: Scope
    facts: dict[str, Facts]
    only: str | None = None

    def mine(self, owner: Any) -> ColumnElement[bool]:
        return true() if self.only is None else owner == self.only

    def rows(self, query: Any) -> Iterator[tuple[Facts, Any]]:
        """Yields the facts and each of their rows. `query` selects the organization's id first."""
        owner = next(iter(query.selected_columns))
        for row in self.scope.session.execute(query.where(self.mine(owner))):
            if row[0] in self.facts:
                yield self.facts[row[0]], row


def _read(reader: _Reader) -> list[Facts]:
    _read_numbers(reader)
    _read_connections(reader)
    _read_health(reader)
    _read_activity(reader)
    _read_tests(reader)
    _read_changes(reader)
    return list(reader.facts.values())


def _read_numbers(reader: _Reader) -> None:
    used = _used_providers(reader)
    live = select(func.count()).where(
        Endpoint.organization_id == used.c.owner, Endpoint.provider == used.c.provider, Endpoint.is_active
    )
    answered = live.where(Endpoint.inbound_agent_name.is_not(None))
    counts = select(used.c.owner, used.c.provider, live.scalar_subquery(), answered.scalar_subquery())
    for facts, row in reader.rows(counts.where(used.c.provider.is_not(None))):
        if row[2]:
            facts.numbers[row[1]] = row[2]
            facts.answered += row[3]


def _used_providers(reader: _Reader) -> CTE:
    """Returns the providers of each organization's endpoints, each found from the one before.

    Grouping 100,000 rows takes three times as long.
    """
    provider = Endpoint.provider
    first = select(func.min(provider)).where(Endpoint.organization_id == Organization.id)
    begin = select(Organization.id.label("owner"), first.scalar_subquery().label("provider"))
    used = begin.where(reader.mine(Organization.id)).cte(recursive=True)
    following = select(func.min(provider)).where(
        Endpoint.organization_id == used.c.owner, provider > used.c.provider
    )
    rest = select(used.c.owner, following.scalar_subquery()).where(used.c.provider.is_not(None))
    return used.union_all(rest)


def _read_connections(reader: _Reader) -> None:
    """Reads connections without decrypting secrets: one sealed with a known key counts as held."""
    known_fingerprints: Collection[str] = reader.scope.keys.sealer.fingerprints
    owner = Connection.organization_id
    stored = select(owner, Connection.provider, Connection.enabled, Connection.updated_at, Connection.values)
    for facts, row in reader.rows(stored):
        facts.connections[row[1]] = (row[2], row[3])
        facts.stored_fields[row[1]] |= {name for name, value in row[4].items() if value is not None}
    sealed = select(Secret.organization_id, Secret.provider, Secret.field)
    for facts, row in reader.rows(sealed.where(Secret.key_fingerprint.in_(known_fingerprints))):
        facts.stored_fields[row[1]].add(row[2])


def _read_health(reader: _Reader) -> None:
    """Counts the numbers by verdict, from a covering index; the drifted ones by provider."""
    owner, check = DriftCheck.organization_id, DriftCheck
    counted = select(owner, check.provider, func.count(), func.min(check.since)).where(
        number_health.is_drift()
    )
    for facts, row in reader.rows(counted.group_by(owner, check.provider)):
        facts.drifted[row[1]] = DriftedNumbers(*row[2:])
    verdicts = select(owner, check.verdict, check.cause, func.count())
    for facts, row in reader.rows(verdicts.group_by(owner, check.verdict, check.cause)):
        _count(facts, *row[1:])
    for owner_id, count in proven.counts(reader.scope, reader.only).items():
        if owner_id in reader.facts:
            reader.facts[owner_id].proven = count
    runs = select(CheckRun.organization_id, CheckRun.failure).where(CheckRun.failure.is_not(None))
    for facts, row in reader.rows(runs):
        facts.check_failure = row[1]


def _count(facts: Facts, verdict: str | None, cause: str | None, count: int) -> None:
    if verdict == Verdict.HEALTHY:
        facts.healthy += count
    elif verdict == Verdict.UNHEALTHY and cause in list(BlockedReason):
        facts.blocked += count
    elif verdict == Verdict.UNKNOWN and cause in (Cause.NOT_CHECKED, *BlockedReason):
        facts.unchecked += count
    elif verdict == Verdict.UNKNOWN:
        facts.unverified += count


def _read_activity(reader: _Reader) -> None:
    """Reads each organization's last check and calls, by indexes that begin with the organization."""
    last = select(func.max(DriftCheck.checked_at)).where(DriftCheck.organization_id == Organization.id)
    calls = select(func.count()).select_from(Call).where(Call.organization_id == Organization.id)
    now = clock.now()
    query = select(
        Organization.id,
        last.scalar_subquery(),
        _was_healthy(),
        calls.where(Call.at > now - DAY).scalar_subquery(),
        calls.where(Call.at > now - 2 * DAY, Call.at <= now - DAY).scalar_subquery(),
    )
    for facts, row in reader.rows(query):
        facts.checked_at, facts.was_healthy, facts.calls, facts.calls_before = row[1:]


def _was_healthy() -> ColumnElement[bool]:
    """Returns the condition of `Facts.was_healthy` for the organization of the query."""
    check, past = DriftCheck, HealthTransition
    own = select(check.phone_number).where(check.organization_id == Organization.id)
    history = select(past.id).where(
        past.organization_id == Organization.id,
        past.phone_number > transitions.CONNECTION,
        past.now == str(Verdict.HEALTHY),
    )
    return or_(
        own.where(check.verdict == str(Verdict.HEALTHY)).exists(),
        own.where(check.verdict == str(Verdict.UNKNOWN), check.cause == str(Reason.NOT_SHOWN)).exists(),
        history.exists(),
    )


def was_healthy(scope: Scope) -> bool:
    """Returns `Facts.was_healthy` of the scope's organization alone."""
    query = select(_was_healthy()).select_from(Organization)
    return bool(scope.session.scalar(query.where(Organization.id == scope.organization.id)))


def _read_tests(reader: _Reader) -> None:
    for facts, row in reader.rows(select(Check.organization_id, Check.provider, Check.ok, Check.code)):
        facts.tests[row[1]] = TestResult(*row[2:])
    last = HealthTransition
    of_connection = last.phone_number == transitions.CONNECTION
    newest = (
        select(func.max(last.id))
        .where(of_connection, reader.mine(last.organization_id))
        .group_by(last.organization_id, last.provider)
    )
    failing = select(last.organization_id, last.provider, last.since).where(
        last.id.in_(newest), last.since.is_not(None)
    )
    for facts, row in reader.rows(failing):
        facts.failing_since[row[1]] = row[2]


def _read_changes(reader: _Reader) -> None:
    setup = WebhookSetup
    columns = (setup.provider, setup.state, setup.updated_at, setup.failure_status)
    for facts, row in reader.rows(select(setup.organization_id, *columns)):
        facts.webhooks[row[1]] = (row[2], row[3], row[4])
    owner = ProviderSwitch.organization_id
    switches = select(owner, func.max(ProviderSwitch.created_at)).where(
        ProviderSwitch.family == Family.TELEPHONY, ProviderSwitch.now.is_(None)
    )
    for facts, row in reader.rows(switches.group_by(owner)):
        facts.dropped_at = row[1]
