"""Connection tests: the cheapest read that proves the credentials, and its last result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.core import clock
from app.core.errors import Conflict
from app.models import Check
from app.provider import Capability, Outcome, Provider, Verified, Verifies
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, gateway, messages, store
from app.services.connections.gateway import ProviderCallFailed
from app.services.connections.store import StoredConnection
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

INCONCLUSIVE = (Outcome.UNREACHABLE, Outcome.RATE_LIMITED, Outcome.UNEXPECTED_ANSWER)


@dataclass(frozen=True)
class Tested:
    """The result of a test. `is_stored`: of the stored credentials, not of others that were submitted."""

    result: Verified
    checked_at: datetime
    is_stored: bool = True

    @property
    def is_conclusive(self) -> bool:
        """False for an outage of the provider, which says nothing about the credentials."""
        return self.result.code not in INCONCLUSIVE

    def document(self) -> dict[str, Any]:
        return {
            "ok": self.result.ok,
            "code": str(self.result.code),
            "reason": self.result.reason,
            "checked_at": clock.iso(self.checked_at),
        }


def can_verify(provider: Provider) -> bool:
    return Capability.VERIFY in provider.capabilities


def verify(scope: Scope, http: Outbound, provider: Provider, sent: Mapping[str, Any]) -> Tested:
    """Tests the stored credentials, with the `sent` ones in their place.

    Nothing of what was sent is stored. The result is saved if it is about the stored credentials.
    Raises Invalid, Conflict, TooMany.
    """
    if not can_verify(provider):
        raise Conflict(messages.cannot_verify(provider.label), code="CANNOT_VERIFY")
    changes = drafts.read_sent(scope, provider, sent)
    state = store.load(scope, provider)
    store.refuse_unsendable(state, changes)
    tested_values = state.credentials | changes
    try:
        verify = cast(Verifies, provider).verify
        result = gateway.call(scope, http, state, verify, quota=gateway.VERIFY, values=tested_values)
    except ProviderCallFailed as error:
        result = error.result
    tested = Tested(result, clock.now(), _are_stored(state, changes))
    _keep(scope, state, tested)
    return tested


def _are_stored(state: StoredConnection, changes: Mapping[str, Any]) -> bool:
    """A default that a form submits again equals what is in use."""
    for name, value in changes.items():
        field = state.provider.field(name)
        stored = state.raw(field)
        if value != (field.default if stored is None else stored):
            return False
    return True


def _keep(scope: Scope, state: StoredConnection, tested: Tested) -> None:
    """Records the test in the audit, and as the connection's last one if it is about what is stored."""
    provider, result = state.provider, tested.result
    with scope.transaction():
        if tested.is_stored and tested.is_conclusive and store.load(scope, provider).version == state.version:
            check = _row(scope, provider) or Check(
                organization_id=scope.organization.id, provider=provider.key
            )
            check.ok, check.code, check.reason = result.ok, str(result.code), result.reason[:1000]
            check.connection_version, check.checked_at = state.version, tested.checked_at
            check.actor_name = scope.actor.name
            scope.session.add(check)
        log.note(scope, Action.CONNECTION_TESTED, provider.label, {"result": [None, str(result.code)]})


def _row(scope: Scope, provider: Provider) -> Check | None:
    return scope.session.scalar(scope.select(Check).where(Check.provider == provider.key))


def last(scope: Scope, state: StoredConnection) -> Check | None:
    """Returns the last test of the present credentials; None if they have changed since."""
    check = _row(scope, state.provider)
    return check if check and check.connection_version == state.version else None


def last_of_all(scope: Scope, states: Mapping[str, StoredConnection]) -> dict[str, Check]:
    """As `last`, by provider key, in one query."""
    return {
        check.provider: check
        for check in scope.session.scalars(scope.select(Check))
        if check.provider in states and check.connection_version == states[check.provider].version
    }


def carry_over(scope: Scope, state: StoredConnection, before: int) -> None:
    """The last test holds still, though the version rose: what changed is not tested. In a transaction."""
    check = _row(scope, state.provider)
    if check and check.connection_version == before:
        check.connection_version = state.version
