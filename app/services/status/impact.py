"""The effects of a change: counts and names, shown before the change is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, union

from app import providers
from app.models import Endpoint, User, VoicePhoneNumber
from app.provider import Family, Provider
from app.services.connections import store
from app.services.providers import active
from app.services.scope import Scope
from app.services.status import messages
from app.services.voice_ai import webhook

NAMED = 5
"""How many names are shown; the rest is counted."""


@dataclass(frozen=True)
class NameSample:
    """The first few names, and the total count."""

    names: list[str]
    total: int

    @property
    def words(self) -> str:
        return messages.some_names(self.names, self.total)


@dataclass(frozen=True)
class ProviderImpact:
    """The uses of a provider: active endpoints and their agents, and users with its numbers.

    `ai` counts numbers whose AI agent needs it.
    """

    families: list[Family]
    numbers: int
    agents: NameSample
    dialers: NameSample
    ai: int

    @property
    def is_unused(self) -> bool:
        return not (self.families or self.numbers or self.dialers.total or self.ai)


@dataclass(frozen=True)
class SwitchImpact:
    """The effects of another default provider.

    `without`: users who have numbers, but none of the new provider.
    """

    was: str | None
    now: str | None
    numbers: dict[str, int]
    dialers: NameSample
    without: NameSample


@dataclass(frozen=True)
class BaseUrlImpact:
    """The effects of another base URL: webhook URLs by provider, and providers with call webhooks."""

    was: str | None
    now: str | None
    urls: dict[str, int]
    agents: NameSample
    call_webhooks: list[str]

    @property
    def total(self) -> int:
        return sum(self.urls.values())

    @property
    def has_effect(self) -> bool:
        """Whether something that is set up now stops working."""
        return self.was is not None and self.was != self.now and (self.total > 0 or bool(self.call_webhooks))

    @property
    def by_provider(self) -> str:
        return messages.urls_by_provider(
            (providers.label(key), count) for key, count in sorted(self.urls.items())
        )


def of_provider(scope: Scope, provider: Provider) -> ProviderImpact:
    own = (Endpoint.organization_id == scope.organization.id) & (Endpoint.provider == provider.key)
    is_live = own & Endpoint.is_active
    return ProviderImpact(
        active.active_families(scope, provider),
        _count(scope, select(Endpoint.id).where(is_live)),
        _agents(scope, is_live),
        _people(scope, _has_number(scope, VoicePhoneNumber.provider == provider.key)),
        _ai(scope, provider),
    )


def _ai(scope: Scope, provider: Provider) -> int:
    if provider.families != (Family.VOICE_AI,):
        return 0
    number = VoicePhoneNumber
    own = (number.organization_id == scope.organization.id) & number.ai_enabled
    return _count(scope, select(number.phone_number).where(own).distinct())


def holders(scope: Scope, number: str) -> NameSample:
    """Returns the users who have the number in their dialer."""
    return _people(scope, _has_number(scope, VoicePhoneNumber.phone_number == number))


def of_switch(scope: Scope, family: Family, key: str | None) -> SwitchImpact:
    none = NameSample([], 0)
    was = active.active(scope, family)
    if family is not Family.VOICE:
        is_live = (Endpoint.organization_id == scope.organization.id) & Endpoint.is_active
        return SwitchImpact(was, key, _by_provider(scope, is_live), none, none)
    has_any = _has_number(scope)
    lacks = ~_has_number(scope, VoicePhoneNumber.provider == key)
    return SwitchImpact(was, key, {}, _people(scope), _people(scope, has_any & lacks))


def of_base_url(scope: Scope, url: str | None) -> BaseUrlImpact:
    """Returns what changing the base URL to `url` affects. The URL is in the form to be stored."""
    has_url = (Endpoint.organization_id == scope.organization.id) & Endpoint.inbound_agent_name.is_not(None)
    reporting = store.load_all(scope, webhook.providers())
    return BaseUrlImpact(
        scope.organization.public_base_url,
        url,
        _by_provider(scope, has_url),
        _sample(scope, select(Endpoint.inbound_agent_name.label("name")).where(has_url).distinct()),
        [state.provider.label for state in reporting.values() if webhook.is_made(state)],
    )


def _by_provider(scope: Scope, among: ColumnElement[bool]) -> dict[str, int]:
    query = select(Endpoint.provider, func.count().label("numbers")).where(among).group_by(Endpoint.provider)
    return {row.provider: row.numbers for row in scope.session.execute(query)}


def _agents(scope: Scope, among: ColumnElement[bool]) -> NameSample:
    """Returns the inbound and outbound agents."""
    columns = (Endpoint.inbound_agent_name, Endpoint.outbound_agent_name)
    named = (select(column.label("name")).where(among, column.is_not(None)) for column in columns)
    return _sample(scope, union(*named))


def _has_number(scope: Scope, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    own = VoicePhoneNumber.organization_id == scope.organization.id
    return exists().where(own, VoicePhoneNumber.user_id == User.id, *conditions)


def _people(scope: Scope, *conditions: ColumnElement[bool]) -> NameSample:
    own = (User.organization_id == scope.organization.id) & User.disabled_at.is_(None)
    return _sample(scope, select(User.name.label("name"), User.id).where(own, *conditions))


def _sample(scope: Scope, query: Any) -> NameSample:
    """Returns the first names and the count. `query` selects each row once, with a `name`."""
    rows = query.subquery()
    total = scope.session.scalar(select(func.count()).select_from(rows)) or 0
    names = scope.session.scalars(select(rows.c.name).order_by(rows.c.name).limit(NAMED))
    return NameSample(list(names), total)


def _count(scope: Scope, query: Any) -> int:
    return scope.session.scalar(select(func.count()).select_from(query.subquery())) or 0
