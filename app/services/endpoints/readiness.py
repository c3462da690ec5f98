"""Whether calls of a number reach an agent: one rule, in Python for a row and in SQL for a query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false

from app.core import phone, urls
from app.core.errors import Invalid, Problem
from app.models import DriftCheck, Endpoint, Verdict
from app.provider import Family
from app.providers import in_family
from app.services.connections import number_health, store
from app.services.connections.number_health import BlockedReason, Cause
from app.services.connections.store import StoredConnection
from app.services.drift import verdicts
from app.services.endpoints import messages, proven
from app.services.scope import Scope

DIRECTIONS = ("inbound", "outbound")


@dataclass(frozen=True)
class Readiness:
    """The settings of an organization that decide whether its endpoints are ready or blocked.

    `connections` are those of the telephony providers, by key.
    """

    base_url: str | None
    connections: Mapping[str, StoredConnection]

    def blocked_reason(self, endpoint: Endpoint, direction: str = "inbound") -> BlockedReason | None:
        """Returns the first reason that blocks calls in that direction, or None."""
        if not endpoint.is_active:
            return BlockedReason.ENDPOINT_INACTIVE
        if getattr(endpoint, f"{direction}_agent_name") is None:
            return BlockedReason(f"no_{direction}_agent")
        if not self.base_url:
            return BlockedReason.NO_PUBLIC_BASE_URL
        return number_health.blocked_by(self.connections.get(endpoint.provider))

    def is_live(self, endpoint: Endpoint) -> bool:
        """Whether Patchbay's settings let the endpoint answer or make calls."""
        return any(self.blocked_reason(endpoint, direction) is None for direction in DIRECTIONS)

    def stopped_by(self, endpoint: Endpoint, changes: Mapping[str, Any] | None) -> list[str]:
        """Returns the directions that are live, and would not be after these changes; None deletes it."""
        live = [name for name in DIRECTIONS if self.blocked_reason(endpoint, name) is None]
        if changes is None:
            return live
        is_active = changes.get("is_active", endpoint.is_active)
        return [name for name in live if not is_active or changes.get(f"{name}_agent_name", "") is None]

    @property
    def is_ready(self) -> ColumnElement[bool]:
        """The condition that an endpoint has no `blocked_reason` for inbound calls."""
        if not self.base_url:
            return false()
        return and_(Endpoint.takes_calls, Endpoint.provider.in_(self._usable))

    @property
    def can_dial(self) -> ColumnElement[bool]:
        """The condition that an endpoint has no `blocked_reason` for outbound calls."""
        if not self.base_url:
            return false()
        dials = and_(Endpoint.is_active, Endpoint.outbound_agent_name.is_not(None))
        return and_(dials, Endpoint.provider.in_(self._usable))

    @property
    def is_blocked(self) -> ColumnElement[bool]:
        """The condition that an endpoint takes calls and is not ready."""
        if not self.base_url:
            return and_(Endpoint.takes_calls)
        return and_(Endpoint.takes_calls, Endpoint.provider.not_in(self._usable))

    @property
    def _usable(self) -> list[str]:
        return [key for key, connection in self.connections.items() if connection.is_usable]

    def webhook_url(self, endpoint: Endpoint) -> str | None:
        """Returns the inbound webhook URL; None without an inbound agent or base URL."""
        return urls.inbound_webhook_url(self.base_url, endpoint.provider, endpoint.inbound_agent_name)

    def main_reason(self, endpoint: Endpoint) -> BlockedReason | None:
        """Returns the reason for inbound calls; for outbound calls, if the endpoint only dials."""
        inbound = self.blocked_reason(endpoint)
        if inbound is BlockedReason.NO_INBOUND_AGENT and endpoint.outbound_agent_name:
            return self.blocked_reason(endpoint, "outbound") or inbound
        return inbound


def load(scope: Scope) -> Readiness:
    """Returns the organization's settings, from two queries."""
    return Readiness(scope.organization.public_base_url, store.load_all(scope, in_family(Family.TELEPHONY)))


def resolve(scope: Scope, number: str, direction: str) -> dict[str, Any]:
    """Returns the agent, provider and URL of a number's calls, or the reason that blocks them.

    Raises Invalid for a wrong number or direction.
    """
    if direction not in DIRECTIONS:
        raise Invalid([Problem("direction", messages.UNKNOWN_DIRECTION)])
    normal = read_number(scope, number)
    row = by_number(scope, normal)
    answer = {
        "phone_number": normal,
        "direction": direction,
        "endpoint_id": row.id if row else None,
        "provider": row.provider if row else None,
        "agent_name": getattr(row, f"{direction}_agent_name", None),
        "inbound_webhook_url": None,
    }
    if row and direction == "inbound":
        answer["inbound_webhook_url"] = urls.inbound_webhook_url(
            scope.organization.public_base_url, row.provider, row.inbound_agent_name
        )
    reason = load(scope).blocked_reason(row, direction) if row else BlockedReason.UNKNOWN_NUMBER
    verdict, cause, detail = health_of(scope, row) if row else (Verdict.OFF, reason, None)
    return answer | {
        "ready": reason is None,
        "blocked_reason": reason and reason.value,
        "health": str(verdict),
        "health_reason": cause and str(cause),
        "health_detail": detail,
        "proven": row is not None and proven.of_endpoint(scope, row),
    }


def health_of(scope: Scope, row: Endpoint) -> tuple[Verdict, str | None, str | None]:
    """Returns the verdict on an endpoint's number, for inbound calls, its cause, and a sentence."""
    if not row.takes_calls:
        return Verdict.OFF, load(scope).blocked_reason(row), None
    query = scope.select(DriftCheck).where(
        DriftCheck.provider == row.provider, DriftCheck.phone_number == row.phone_number
    )
    check = scope.session.scalar(query)
    if check is None or check.verdict is None:
        return Verdict.UNKNOWN, Cause.NOT_CHECKED, None
    return Verdict(check.verdict), check.cause, verdicts.detail(check)


def read_number(scope: Scope, text: str) -> str:
    """Returns a number in any spelling as E.164. Raises Invalid for `phone_number`."""
    try:
        return phone.normalize(_with_plus(text), scope.organization.country)
    except ValueError as error:
        raise Invalid([Problem("phone_number", str(error))]) from None


def by_number(scope: Scope, number: str) -> Endpoint | None:
    return scope.session.scalar(scope.select(Endpoint).where(Endpoint.phone_number == number))


def _with_plus(number: str) -> str:
    """Restores a plus that arrived as a space, because the query did not escape it."""
    return "+" + number[1:] if re.fullmatch(r" \d+", number) else number
