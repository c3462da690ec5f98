"""Connects a provider from its form: tests new credentials, and makes the first provider the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core.errors import TooMany
from app.models import ProviderSwitch
from app.provider import Family, Provider
from app.services.connections import gateway, proof, store, verification
from app.services.connections.verification import Tested
from app.services.providers import active, credentials, messages
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Connected:
    """The result of saving. `tested` is None if there were no new credentials to test."""

    changed: dict[str, list[Any]]
    tested: Tested | None = None
    became_default: bool = False


def connect(
    scope: Scope,
    http: Outbound,
    provider: Provider,
    submitted: Mapping[str, Any],
    *,
    may_test: bool,
    version: int | None = None,
) -> Connected:
    """Saves as `credentials.save_submitted` does, then tests new credentials that have no proof yet.

    Without `may_test`, they are tested by the next check.
    """
    changed = credentials.save_submitted(scope, http, provider, submitted, version=version)
    tested = _test(scope, http, provider) if changed and may_test else None
    works = tested is not None and tested.result.ok
    return Connected(changed, tested, works and _make_first_default(scope, provider))


def _test(scope: Scope, http: Outbound, provider: Provider) -> Tested | None:
    state = store.load(scope, provider)
    is_new = state.is_usable and proof.last(scope, provider) is None
    if not is_new or not verification.can_verify(provider):
        return None
    try:
        gateway.consume(scope, provider, gateway.VERIFY)
    except TooMany:
        return None
    return verification.check(scope, http, state)


def _make_first_default(scope: Scope, provider: Provider) -> bool:
    """Makes the provider the default for agent calls if there never was one. Returns whether it did."""
    switches = select(ProviderSwitch.id).where(
        ProviderSwitch.organization_id == scope.organization.id, ProviderSwitch.family == Family.TELEPHONY
    )
    is_first = Family.TELEPHONY in provider.families and not active.active(scope, Family.TELEPHONY)
    if not is_first or scope.session.scalar(switches.limit(1)) is not None:
        return False
    active.make_active(scope, Family.TELEPHONY, provider.key, reason=messages.FIRST_CONNECTED)
    return True
