"""Findings: problems and open tasks of an organization, worst first, each with the place to fix it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from app import providers
from app.core import texts
from app.provider import Family
from app.providers import PROVIDERS, is_trunk, keys_in
from app.services.connections import health
from app.services.connections.health import Health
from app.services.status.facts import Facts
from app.services.status.places import Place
from app.services.voice_ai.webhook import State as WebhookState


class Level(IntEnum):
    """The severity of a finding; a higher value is worse."""

    FINE = 0
    UNSURE = 1
    MISSING = 2
    BROKEN = 3


class Kind(StrEnum):
    """Kinds of findings: each has its code, level, label, explanation, and the text of its button."""

    level: Level
    label: str
    hint: str
    action: str

    def __new__(cls, value: str, level: Level, label: str, hint: str, action: str) -> Kind:
        self = str.__new__(cls, value)
        self._value_, self.level, self.label, self.hint, self.action = value, level, label, hint, action
        return self

    DRIFTED = (
        "drifted",
        Level.BROKEN,
        "{count:,} drifted",
        "The provider has another configuration for them, so calls may not reach their agents.",
        "Show numbers",
    )
    DIALER_DRIFTED = (
        "dialer-drifted",
        Level.BROKEN,
        "{count:,} drifted in dialers",
        "The provider calls another URL for them.",
        "Open callback",
    )
    AI_DRIFTED = (
        "ai-drifted",
        Level.BROKEN,
        "{count:,} not reaching an agent",
        "AI is on, and calls to them do not reach the chosen agent.",
        "Show numbers",
    )
    TEST_FAILED = (
        "test-failed",
        Level.BROKEN,
        "{provider} connection failed",
        "{provider} doesn't accept the stored credentials.",
        "Open {provider}",
    )
    NO_BASE_URL = (
        "no-base-url",
        Level.MISSING,
        "No base URL{numbers}",
        "Every webhook URL starts with it.",
        "Set base URL",
    )
    NO_PROVIDER = (
        "no-provider",
        Level.MISSING,
        "No provider for agent calls",
        "The API names none, and new numbers have no default.",
        "Choose the default",
    )
    NOT_CONNECTED = (
        "not-connected",
        Level.MISSING,
        "{provider} not connected{numbers}",
        "Numbers of {provider} can't be answered without its credentials.",
        "Connect {provider}",
    )
    DISABLED = (
        "disabled",
        Level.MISSING,
        "{provider} disabled{numbers}",
        "Numbers of {provider} aren't answered while it is disabled.",
        "Open {provider}",
    )
    INCOMPLETE = (
        "incomplete",
        Level.MISSING,
        "{provider} incomplete{numbers}",
        "Required credentials are missing.",
        "Open {provider}",
    )
    NO_WEBHOOK = (
        "no-webhook",
        Level.MISSING,
        "Call webhook not set up",
        "Calls aren't reported to Patchbay.",
        "Set up webhook",
    )
    WEBHOOK_IMPAIRED = (
        "webhook-impaired",
        Level.MISSING,
        "Calls not reported{status}",
        "The provider could not deliver a call report.",
        "Open webhook",
    )
    UNTESTED = (
        "untested",
        Level.UNSURE,
        "{provider} untested",
        "The stored credentials haven't been used yet.",
        "Test connection",
    )
    UNCHECKED = (
        "unchecked",
        Level.UNSURE,
        "{count:,} not checked",
        "They haven't been compared with the provider since they were changed.",
        "Show numbers",
    )
    CHECK_FAILED = (
        "check-failed",
        Level.UNSURE,
        "Last check incomplete",
        "A provider did not respond. Numbers keep their last result.",
        "Show numbers",
    )


@dataclass(frozen=True)
class Finding:
    """A problem or open task, and the place to fix it.

    `provider` and `count` of numbers are None if it has none. `status` is that of the last failed delivery
    to a webhook.
    """

    kind: Kind
    place: Place
    provider: str | None = None
    since: datetime | None = None
    count: int | None = None
    status: int | None = None

    @property
    def level(self) -> Level:
        """The severity: something missing counts as broken if numbers depend on it."""
        return Level.BROKEN if self.kind.level is Level.MISSING and self.count else self.kind.level

    @property
    def text(self) -> str:
        return self._words(self.kind.label)

    @property
    def hint(self) -> str:
        return self._words(self.kind.hint)

    @property
    def action(self) -> str:
        return self._words(self.kind.action)

    def _words(self, template: str) -> str:
        numbers = f": {texts.count_of(self.count, 'number')}" if self.count else ""
        provider = providers.label(self.provider) if self.provider else ""
        status = f" (HTTP {self.status})" if self.status else ""
        return template.format(provider=provider, count=self.count, numbers=numbers, status=status)


def of(facts: Facts) -> list[Finding]:
    """Returns an organization's findings, worst first."""
    unsorted = [
        *_drifted(facts),
        *_missing(facts),
        *_connections(facts),
        *_unchecked(facts),
        *_webhook(facts),
    ]
    return sorted(unsorted, key=lambda finding: -finding.level)


def _drifted(facts: Facts) -> Iterator[Finding]:
    """Yields drifted numbers. Those in dialers are repaired at their application's callback."""
    endpoints = [drifted for key, drifted in facts.drifted.items() if key in keys_in(Family.TELEPHONY)]
    if endpoints:
        since = min((drifted.since for drifted in endpoints if drifted.since), default=None)
        count = sum(drifted.count for drifted in endpoints)
        yield Finding(Kind.DRIFTED, Place.DRIFTED, since=since, count=count)
    for key, drifted in facts.drifted.items():
        if is_trunk(key):
            yield Finding(Kind.AI_DRIFTED, Place.AI_NUMBERS, key, drifted.since, drifted.count)
        elif key in PROVIDERS and key not in keys_in(Family.TELEPHONY):
            yield Finding(Kind.DIALER_DRIFTED, Place.CALLBACK, key, drifted.since, drifted.count)


def _missing(facts: Facts) -> Iterator[Finding]:
    if not facts.organization.public_base_url:
        yield Finding(Kind.NO_BASE_URL, Place.SETTINGS, count=facts.answered or None)
    active = facts.active(Family.TELEPHONY)
    if not active:
        yield _no_provider(facts)
    for key, count in facts.numbers.items():
        if key != active and not facts.is_usable(key):
            yield Finding(_connection_kind(facts, key), Place.PROVIDER, key, count=count)


def _no_provider(facts: Facts) -> Finding:
    """Returns the finding of a missing default provider.

    Its place is a provider that can be the default; before any is connected, the home with its setup.
    """
    keys = keys_in(Family.TELEPHONY)
    connected = next((key for key in keys if key in facts.connections), None)
    if connected is None and not facts.was_healthy:
        return Finding(Kind.NO_PROVIDER, Place.HOME, since=facts.dropped_at)
    return Finding(Kind.NO_PROVIDER, Place.PROVIDER, connected or keys[0], facts.dropped_at)


def _connection_kind(facts: Facts, key: str) -> Kind:
    if key not in facts.connections:
        return Kind.NOT_CONNECTED
    is_enabled, _ = facts.connections[key]
    return Kind.INCOMPLETE if is_enabled else Kind.DISABLED


def _connections(facts: Facts) -> Iterator[Finding]:
    """Yields the finding, if any, of each provider that is a default or has numbers.

    It is incomplete, untested, or its last test failed.
    """
    active = [facts.active(family) for family in Family]
    for key in dict.fromkeys([*active, *facts.numbers]):
        if key is None or (key not in active and not facts.is_usable(key)):
            continue
        test = facts.tests.get(key)
        result = health.of_test(test)
        if not facts.is_usable(key):
            yield Finding(Kind.INCOMPLETE, Place.PROVIDER, key, count=facts.numbers.get(key))
        elif test is None:
            _, saved_at = facts.connections[key]
            yield Finding(Kind.UNTESTED, Place.PROVIDER, key, saved_at)
        elif result is Health.FAILED:
            yield Finding(Kind.TEST_FAILED, Place.PROVIDER, key, facts.failing_since.get(key))


def _unchecked(facts: Facts) -> Iterator[Finding]:
    if facts.unchecked:
        yield Finding(Kind.UNCHECKED, Place.ENDPOINTS, count=facts.unchecked)
    elif facts.check_failure:
        yield Finding(Kind.CHECK_FAILED, Place.ENDPOINTS)


def _webhook(facts: Facts) -> Iterator[Finding]:
    """Yields the earliest failure of a webhook for call reports, of connected providers."""
    for kind, states in (
        (Kind.NO_WEBHOOK, (WebhookState.FAILED, WebhookState.NEEDS_CONFIRMATION)),
        (Kind.WEBHOOK_IMPAIRED, (WebhookState.IMPAIRED,)),
    ):
        failures = [
            (at, status)
            for key, (state, at, status) in facts.webhooks.items()
            if state in states and facts.is_usable(key)
        ]
        if failures:
            at, status = min(failures, key=lambda one: one[0])
            yield Finding(kind, Place.CALL_WEBHOOK, since=at, status=status)
