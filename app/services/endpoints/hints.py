"""Hints about an endpoint while it is typed or after it is saved, such as a misspelled agent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from app.core import phone, urls
from app.models import Endpoint, Verdict
from app.providers import PROVIDERS
from app.services import fields
from app.services.drift import probe, tallies
from app.services.endpoints import fields as endpoint_fields
from app.services.endpoints import messages, readiness
from app.services.scope import Scope

LEAST_DIGITS = 7
"""With this many digits, the text counts as a whole number."""


@dataclass(frozen=True)
class Preview:
    """The webhook URL of an agent's name as typed. `problem` and `warning` are sentences, or empty."""

    url: str | None = None
    problem: str = ""
    warning: str = ""


@dataclass(frozen=True)
class FollowUp:
    """The remaining step at the provider, and the label of the link to its page."""

    sentence: str
    word: str


def preview(scope: Scope, provider: str, name: str) -> Preview:
    """Returns the URL that a number of the provider would call for the agent."""
    if not name:
        return Preview()
    try:
        name = fields.check_agent(name)
    except ValueError as error:
        return Preview(problem=str(error))
    warning = "" if fields.is_safe_agent(name) else messages.unusual_agent(name)
    url = urls.inbound_webhook_url(scope.organization.public_base_url, provider, name)
    return Preview(url, "" if url else messages.NO_BASE_URL_YET, warning)


@dataclass(frozen=True)
class Number:
    """A number as typed: in E.164, or None; the problem with it; its own endpoint, if it has one."""

    normal: str | None = None
    problem: str = ""
    existing_id: str | None = None

    @property
    def addable(self) -> str | None:
        return None if self.problem else self.normal


def number(scope: Scope, text: str) -> Number:
    """Returns how a number is read, and whether it can be added; empty while it is incomplete.

    A number without its country code is a problem once it has enough digits, since more would not complete
    it.
    """
    try:
        normal = phone.normalize(text, scope.organization.country)
    except phone.NotANumber as error:
        is_known = error.kind is phone.Kind.NO_COUNTRY_CODE and sum(map(str.isdigit, text)) >= LEAST_DIGITS
        return Number(problem=str(error) if is_known else "")
    query = select(Endpoint.id, Endpoint.organization_id).where(Endpoint.phone_number == normal)
    used = scope.session.execute(query).one_or_none()
    if used is None:
        return Number(normal)
    is_own = used.organization_id == scope.organization.id
    return Number(normal, messages.in_use(normal), used.id if is_own else None)


def spelling_warnings(scope: Scope, row: Endpoint, names: Iterable[str | None]) -> Iterator[str]:
    """Yields a warning for each agent of this number alone, if others exist or its name is unusual."""
    others = (Endpoint.organization_id == scope.organization.id) & (Endpoint.id != row.id)
    columns = [field.column for field in endpoint_fields.AGENTS]
    for name in dict.fromkeys(name for name in names if name):
        if any(_exists(scope, others & (column == name)) for column in columns):
            continue
        is_unusual = not fields.is_safe_agent(name)
        if any(_exists(scope, others & column.is_not(None)) for column in columns):
            yield messages.unused_agent(name, is_unusual=is_unusual)
        elif is_unusual:
            yield messages.unusual_agent(name)


def _exists(scope: Scope, condition: ColumnElement[bool]) -> bool:
    return scope.session.scalar(select(Endpoint.id).where(condition).limit(1)) is not None


def provider_follow_up(scope: Scope, row: Endpoint, was: str | None) -> FollowUp | None:
    """Returns what to update at the provider after the inbound agent changed from `was`, or None."""
    base = scope.organization.public_base_url
    check = tallies.of_number(scope, row)
    if readiness.load(scope).blocked_reason(row) or (check and check.verdict == Verdict.HEALTHY):
        return None
    label = PROVIDERS[row.provider].label
    if not probe.can_point(row.provider):
        return FollowUp(messages.update_webhook_manually(label), "See how")
    before = urls.inbound_webhook_url(base, row.provider, was)
    calls_old = check is not None and before is not None and check.actual == before
    message = messages.webhook_is_old(label) if calls_old else messages.update_webhook(label)
    return FollowUp(message, f"Set it at {label}")
