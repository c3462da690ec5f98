"""Whether a number is answered, and what keeps it from that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement

from app.core import phone, urls
from app.core.errors import Invalid, Problem
from app.models import Endpoint, Organization
from app.provider import Family
from app.providers import in_family, keys_in
from app.services.connections import store
from app.services.connections.store import State
from app.services.scope import Scope


def usable(states: Mapping[str, State]) -> list[str]:
    """The keys of the providers whose numbers can be answered."""
    return [key for key in keys_in(Family.TELEPHONY) if states[key].is_configured and states[key].enabled]


def is_to_be_answered(scope: Scope) -> ColumnElement[bool]:
    return (
        (Endpoint.organization_id == scope.organization.id)
        & Endpoint.is_active
        & Endpoint.inbound_agent_name.is_not(None)
    )


def is_blocked(scope: Scope, states: Mapping[str, State]) -> ColumnElement[bool]:
    """Whether it is to be answered, and has a `blocked_reason` all the same."""
    wanted = is_to_be_answered(scope)
    return wanted & Endpoint.provider.not_in(usable(states)) if scope.organization.public_base_url else wanted


def resolve(scope: Scope, number: str, direction: str) -> dict[str, Any]:
    """Which agent answers or dials, on which provider, with which URL; and if nobody, why."""
    if direction not in ("inbound", "outbound"):
        raise Invalid([Problem("direction", "Use inbound or outbound.")])
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
    states = telephony_states(scope)
    reason = blocked_reason(scope.organization, states, row, direction)
    return answer | {"ready": reason is None, "blocked_reason": reason}


def read_number(scope: Scope, text: str) -> str:
    """A number in any spelling, in E.164. Raises Invalid for `phone_number`."""
    try:
        return phone.normalize(_plus(text), scope.organization.country)
    except ValueError as error:
        raise Invalid([Problem("phone_number", str(error))]) from None


def by_number(scope: Scope, number: str) -> Endpoint | None:
    return scope.session.scalar(scope.select(Endpoint).where(Endpoint.phone_number == number))


def telephony_states(scope: Scope) -> dict[str, State]:
    """The connections that endpoints use, by provider key."""
    return store.load_all(scope, in_family(Family.TELEPHONY))


def _plus(number: str) -> str:
    """An unescaped `+` in a query arrives as a space."""
    return "+" + number[1:] if re.fullmatch(r" \d+", number) else number


def blocked_reason(
    organization: Organization, states: Mapping[str, State], row: Endpoint | None, direction: str
) -> str | None:
    """The first thing that keeps a call from being answered or dialled; None where nothing does."""
    if row is None:
        return "unknown_number"
    if not row.is_active:
        return "endpoint_inactive"
    if getattr(row, f"{direction}_agent_name") is None:
        return f"no_{direction}_agent"
    if not organization.public_base_url:
        return "no_public_base_url"
    if row.provider not in states:
        return "provider_unknown"
    if not states[row.provider].is_configured:
        return "provider_not_configured"
    return None if states[row.provider].enabled else "provider_disabled"
