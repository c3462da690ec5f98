"""What to look at again after an endpoint was saved: a name that may be mistyped, a provider to be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from app.core import texts, urls
from app.models import Endpoint
from app.providers import PROVIDERS
from app.services.drift import probe, tallies
from app.services.endpoints import fields, readiness
from app.services.scope import Scope

_USUAL = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class FollowUp:
    """What is still to be done at the provider, and the words of the link to where."""

    sentence: str
    word: str


def spelling_warnings(scope: Scope, row: Endpoint, names: Iterable[str | None]) -> Iterator[str]:
    """A sentence for each agent that no other number has, where there are others or the name is unusual."""
    others = (Endpoint.organization_id == scope.organization.id) & (Endpoint.id != row.id)
    columns = [field.column for field in fields.AGENTS]
    for name in dict.fromkeys(name for name in names if name):
        if any(_is_one(scope, others & (column == name)) for column in columns):
            continue
        is_odd = not _USUAL.fullmatch(name)
        if any(_is_one(scope, others & column.is_not(None)) for column in columns):
            odd = ", and its name has spaces or signs" if is_odd else ""
            yield f"No other number uses the agent “{texts.bidi_isolate(name)}”{odd}. Check the spelling."
        elif is_odd:
            yield f"The agent's name “{texts.bidi_isolate(name)}” has spaces or signs. Check the spelling."


def _is_one(scope: Scope, condition: ColumnElement[bool]) -> bool:
    return scope.session.scalar(select(Endpoint.id).where(condition).limit(1)) is not None


def provider_follow_up(scope: Scope, row: Endpoint, was: str | None) -> FollowUp | None:
    """After its inbound agent changed from `was`: what its provider has to be told."""
    base = scope.organization.public_base_url
    check = tallies.of_number(scope, row)
    if readiness.load(scope).blocked_reason(row) or (check and check.in_sync):
        return None
    label = PROVIDERS[row.provider].label
    if not probe.can_point(row.provider):
        return FollowUp(f"{label} has to be told its new address by hand.", "See how")
    before = urls.inbound_webhook_url(base, row.provider, was)
    calls_old = check is not None and before is not None and check.actual == before
    told = "still calls the old agent's address" if calls_old else "has to be told its new address"
    return FollowUp(f"{label} {told}.", f"Set it at {label}")
