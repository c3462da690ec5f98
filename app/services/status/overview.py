"""How every organization stands: what is live, missing, untested or drifted, since when; worst first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import CTE, func, or_, select

from app import providers
from app.models import (
    Check,
    CheckRun,
    Connection,
    DriftCheck,
    Endpoint,
    Organization,
    ProviderSwitch,
    Secret,
    User,
    WebhookSetup,
)
from app.provider import Family
from app.providers import PROVIDERS, keys_in
from app.services.connections import store
from app.services.keyset import Page
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.voice_ai.webhook import State as WebhookState

PAGE = 100
TEXT_LONGEST = 100


class Level(IntEnum):
    """The worse, the higher."""

    FINE = 0
    UNSURE = 1
    MISSING = 2
    BROKEN = 3


@dataclass(frozen=True)
class Finding:
    """Something to do, and the place to do it; `provider` says which one when there are several."""

    level: Level
    text: str
    place: Place
    provider: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Seen:
    """One provider's numbers that drifted, and since when the first of them."""

    drifted: int
    since: datetime | None


@dataclass
class Facts:
    """All that is known of one organization, by provider key where a provider is meant.

    `unseen` numbers were not looked at as they are now; the last one that was, at `checked_at`.
    `agrees`: a provider has what it should for one at least.
    """

    organization: Organization
    numbers: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    people: int = 0
    connections: dict[str, tuple[bool, datetime]] = field(default_factory=dict)
    held: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    tests: dict[str, tuple[bool, datetime]] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    unseen: int = 0
    agrees: bool = False
    checked_at: datetime | None = None
    failure: str | None = None
    webhooks: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    left_at: datetime | None = None

    def active(self, family: Family) -> str | None:
        key: str | None = getattr(self.organization, f"active_{family}")
        return key

    def works(self, key: str) -> bool:
        """Whether the provider is enabled and has all that it needs."""
        enabled, _ = self.connections.get(key, (False, None))
        return key in PROVIDERS and store.is_usable(PROVIDERS[key], enabled=enabled, held=self.held[key])


@dataclass(frozen=True)
class Standing:
    """One organization, with what is to be done there, worst first."""

    facts: Facts
    findings: list[Finding]

    @property
    def organization(self) -> Organization:
        return self.facts.organization

    @property
    def level(self) -> Level:
        return max((finding.level for finding in self.findings), default=Level.FINE)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever set up in it."""
        facts = self.facts
        return not (facts.connections or facts.numbers or facts.organization.public_base_url)

    @property
    def numbers(self) -> int:
        return sum(self.facts.numbers.values())

    @property
    def drifted(self) -> int:
        return sum(seen.drifted for seen in self.facts.seen.values())

    @property
    def checked_at(self) -> datetime | None:
        return self.facts.checked_at


ORDERS: dict[str, Callable[[Standing], Any]] = {
    "worst": lambda row: -row.level,
    "drifted": lambda row: -row.drifted,
    "numbers": lambda row: -row.numbers,
    "name": lambda _row: 0,
}
"""By what the organizations are sorted; equal ones are by name."""


@dataclass(frozen=True)
class OverviewPage(Page[Standing]):
    """Some organizations; the cursors are page numbers, because the order is computed, not stored.

    `found` counts all that match, `total` all there are, `levels` those with the text, by level.
    """

    number: int = 1
    pages: int = 1
    found: int = 0
    total: int = 0
    levels: Mapping[Level, int] = field(default_factory=dict)


def page(
    scope: Scope, text: str = "", number: int = 1, *, level: Level | None = None, order: str = "worst"
) -> OverviewPage:
    """Those with the text in name or address, worst first unless `order` is another one of `ORDERS`;
    the same few queries however many there are."""
    text = text.strip()[:TEXT_LONGEST]
    total = scope.session.scalar(select(func.count()).select_from(Organization)) or 0
    every = [Standing(facts, _findings(facts)) for facts in _facts(scope, text)]
    first = ORDERS[order]
    rows = sorted(
        (row for row in every if level is None or row.level == level),
        key=lambda row: (first(row), row.organization.name.casefold(), row.organization.id),
    )
    pages = max(1, -(-len(rows) // PAGE))
    number = min(max(number, 1), pages)
    return OverviewPage(
        rows[(number - 1) * PAGE : number * PAGE],
        number + 1 if number < pages else None,
        number - 1 if number > 1 else None,
        number,
        pages,
        len(rows),
        total,
        Counter(row.level for row in every),
    )


def _findings(facts: Facts) -> list[Finding]:
    found = [*_drifted(facts), *_missing(facts), *_active(facts), *_unseen(facts), *_webhook(facts)]
    return sorted(found, key=lambda finding: -finding.level)


def _drifted(facts: Facts) -> Iterator[Finding]:
    """People's numbers are repaired where their application's callback is set."""
    own = [seen for key, seen in facts.seen.items() if key in keys_in(Family.TELEPHONY)]
    if own:
        since = min((seen.since for seen in own if seen.since), default=None)
        text = f"{sum(seen.drifted for seen in own):,} drifted"
        yield Finding(Level.BROKEN, text, Place.DRIFTED, since=since)
    for key, seen in facts.seen.items():
        if key in PROVIDERS and key not in keys_in(Family.TELEPHONY):
            text = f"{seen.drifted:,} of people's drifted"
            yield Finding(Level.BROKEN, text, Place.CALLBACK, key, seen.since)


def _missing(facts: Facts) -> Iterator[Finding]:
    if not facts.organization.public_base_url:
        yield Finding(Level.MISSING, "No base URL", Place.SETTINGS)
    if not facts.active(Family.TELEPHONY):
        yield Finding(Level.MISSING, "No provider for agent calls", Place.CHECKLIST, since=facts.left_at)
    for key, count in facts.numbers.items():
        if key != facts.active(Family.TELEPHONY) and not facts.works(key):
            noun = "number" if count == 1 else "numbers"
            lack = "not connected" if key not in facts.connections else "cannot be used"
            is_off = key in facts.connections and not facts.connections[key][0]
            text = f"{providers.label(key)} {'disabled' if is_off else lack}: {count:,} {noun}"
            yield Finding(Level.MISSING, text, Place.PROVIDER, key)


def _active(facts: Facts) -> Iterator[Finding]:
    """Of each provider that is live, or has numbers: whether it works, is complete, and was tested."""
    live = [facts.active(family) for family in Family]
    for key in dict.fromkeys([*live, *facts.numbers]):
        if key is None or (key not in live and not facts.works(key)):
            continue
        tested = facts.tests.get(key)
        if not facts.works(key):
            yield Finding(Level.MISSING, f"{providers.label(key)} is not complete", Place.PROVIDER, key)
        elif tested is None:
            since = facts.connections[key][1]
            yield Finding(Level.UNSURE, f"{providers.label(key)} not tested", Place.PROVIDER, key, since)
        elif not tested[0]:
            yield Finding(
                Level.BROKEN, f"{providers.label(key)} does not work", Place.PROVIDER, key, tested[1]
            )


def _unseen(facts: Facts) -> Iterator[Finding]:
    if facts.unseen:
        yield Finding(Level.UNSURE, f"{facts.unseen:,} not checked", Place.ENDPOINTS)
    elif facts.failure:
        yield Finding(Level.UNSURE, "The last check was not complete", Place.ENDPOINTS)


def _webhook(facts: Facts) -> Iterator[Finding]:
    """The earliest of the webhooks that are not set up, of providers that are connected."""
    open_states = (WebhookState.FAILED, WebhookState.NEEDS_CONFIRMATION)
    since = [at for key, (state, at) in facts.webhooks.items() if state in open_states and facts.works(key)]
    if since:
        yield Finding(Level.MISSING, "Call webhook not set up", Place.CALL_WEBHOOK, since=min(since))


def _facts(scope: Scope, text: str) -> list[Facts]:
    query = select(Organization)
    if text:
        columns = (Organization.name, Organization.slug)
        query = query.where(or_(*(scope.contains(column, text) for column in columns)))
    found = {row.id: Facts(row) for row in scope.session.scalars(query)}
    among = _Among(scope, found)
    _read_numbers(among)
    _read_connections(scope, among)
    _read_checks(among)
    _read_rest(among)
    return list(found.values())


@dataclass(frozen=True)
class _Among:
    """Rows of grouped queries, each beside the facts that it belongs to."""

    scope: Scope
    found: dict[str, Facts]

    def rows(self, query: Any) -> Iterator[tuple[Facts, Any]]:
        """`query` selects the organization's id first."""
        for row in self.scope.session.execute(query):
            if row[0] in self.found:
                yield self.found[row[0]], row


def _read_numbers(among: _Among) -> None:
    used = _used()
    live = select(func.count()).where(
        Endpoint.organization_id == used.c.owner, Endpoint.provider == used.c.provider, Endpoint.is_active
    )
    answered = live.where(Endpoint.takes_calls)
    counts = select(used.c.owner, used.c.provider, live.scalar_subquery(), answered.scalar_subquery())
    for facts, row in among.rows(counts.where(used.c.provider.is_not(None))):
        if row[2]:
            facts.numbers[row[1]] = row[2]
            facts.answered += row[3]
    people = select(User.organization_id, func.count()).group_by(User.organization_id)
    for facts, row in among.rows(people):
        facts.people = row[1]


def _used() -> CTE:
    """The providers of each organization's endpoints, one after the other: an index is asked for the next
    one, and each is counted in a range of it. Grouping 100,000 rows takes three times as long."""
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


def _read_connections(scope: Scope, among: _Among) -> None:
    """Secrets are not opened: one that was sealed with a key of ours counts."""
    known: Collection[str] = scope.keys.sealer.fingerprints
    owner = Connection.organization_id
    stored = select(owner, Connection.provider, Connection.enabled, Connection.updated_at, Connection.values)
    for facts, row in among.rows(stored):
        facts.connections[row[1]] = (row[2], row[3])
        facts.held[row[1]] |= {name for name, value in row[4].items() if value is not None}
    sealed = select(Secret.organization_id, Secret.provider, Secret.field)
    usable = sealed.where(Secret.key_fingerprint.in_(known))
    for facts, row in among.rows(usable):
        facts.held[row[1]].add(row[2])


def _read_checks(among: _Among) -> None:
    """Only what drifted is counted; the rest is asked of an index, organization by organization."""
    owner, check = DriftCheck.organization_id, DriftCheck
    counted = select(owner, check.provider, func.count(), func.min(check.since)).where(
        check.in_sync.is_(False)
    )
    for facts, row in among.rows(counted.group_by(owner, check.provider)):
        facts.seen[row[1]] = Seen(*row[2:])
    mine = owner == Organization.id
    is_unknown = check.in_sync.is_(None) & check.reason.is_(None)
    looks = select(
        Organization.id,
        select(func.max(check.checked_at)).where(mine).scalar_subquery(),
        select(func.count()).select_from(check).where(mine, is_unknown).scalar_subquery(),
        select(check.phone_number).where(mine, check.in_sync.is_(True)).exists(),
    )
    for facts, row in among.rows(looks):
        facts.checked_at, facts.unseen, facts.agrees = row[1:]
    runs = select(CheckRun.organization_id, CheckRun.failure).where(CheckRun.failure.is_not(None))
    for facts, row in among.rows(runs):
        facts.failure = row[1]


def _read_rest(among: _Among) -> None:
    tests = (
        select(Check.organization_id, Check.provider, Check.ok, Check.checked_at)
        .join(
            Connection,
            (Connection.organization_id == Check.organization_id) & (Connection.provider == Check.provider),
        )
        .where(Check.connection_version == Connection.version)
    )
    for facts, row in among.rows(tests):
        facts.tests[row[1]] = (row[2], row[3])
    setup = WebhookSetup
    webhooks = select(setup.organization_id, setup.provider, setup.state, setup.updated_at)
    for facts, row in among.rows(webhooks):
        facts.webhooks[row[1]] = (row[2], row[3])
    owner = ProviderSwitch.organization_id
    switches = select(owner, func.max(ProviderSwitch.created_at)).where(
        ProviderSwitch.family == Family.TELEPHONY, ProviderSwitch.now.is_(None)
    )
    for facts, row in among.rows(switches.group_by(owner)):
        facts.left_at = row[1]
