"""Connection tests: the cheapest read that proves the credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.core import clock
from app.core.errors import Conflict
from app.core.naming import settings_name
from app.core.outbound.answer import Answer
from app.provider import Capability, Outcome, Provider, Verified, Verifies
from app.providers import PROVIDERS
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, gateway, messages, proof, store
from app.services.connections.gateway import ProviderBusy, ProviderCallFailed
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Tested:
    """The result of a test. `is_stored`: of the stored credentials, not of others that were submitted."""

    result: Verified
    checked_at: datetime
    is_stored: bool = True

    @property
    def is_conclusive(self) -> bool:
        """False for an outage of the provider, and if nothing was sent."""
        return self.result.code not in proof.INCONCLUSIVE

    def document(self) -> dict[str, Any]:
        return {
            "ok": self.result.ok,
            "code": str(self.result.code),
            "reason": self.result.reason,
            "checked_at": clock.iso(self.checked_at),
        }


VerifiedCredentials = drafts.model(
    "VerifiedCredentials", validation.STRICT, drafts.definitions(PROVIDERS.values(), settings_name)
)
"""Of any provider; only fields of the one that is tested are accepted."""


def can_verify(provider: Provider) -> bool:
    return Capability.VERIFY in provider.capabilities


def verify(scope: Scope, http: Outbound, provider: Provider, sent: Mapping[str, Any]) -> Tested:
    """Tests the stored credentials, with the `sent` ones in their place.

    Nothing of what was sent is stored. The result is saved if it is about the stored credentials.
    Raises Invalid, Conflict, TooMany, ProviderBusy.
    """
    if not can_verify(provider):
        raise Conflict(messages.cannot_verify(provider.label), code="CANNOT_VERIFY")
    changes = drafts.read_sent(scope, provider, sent)
    state = store.load(scope, provider)
    store.refuse_unsendable(state, changes)
    tested_values = state.credentials | changes
    answers: list[Answer] = []
    http = http.calling(on_answer=answers.append)
    try:
        verify = cast(Verifies, provider).verify
        result = gateway.call(
            scope, http, state, verify, evidence=Evidence.TEST, quota=gateway.VERIFY, values=tested_values
        )
    except ProviderBusy:
        raise
    except ProviderCallFailed as error:
        result = error.result
    tested = Tested(result, clock.now(), _are_stored(state, changes))
    _keep(scope, state, tested, answers[-1].status if answers else None)
    return tested


def _are_stored(state: StoredConnection, changes: Mapping[str, Any]) -> bool:
    """A default that a form submits again equals what is in use."""
    for name, value in changes.items():
        field = state.provider.field(name)
        stored = state.raw(field)
        if value != (field.default if stored is None else stored):
            return False
    return True


def _keep(scope: Scope, state: StoredConnection, tested: Tested, status: int | None) -> None:
    """Records the test in the audit, and as the connection's last one if it is about what is stored.

    `status`: of the last response.
    """
    provider, result = state.provider, tested.result
    changes = {"result": [None, str(result.code)]}
    if status is not None and not result.ok:
        changes["status"] = [None, str(status)]
    with scope.transaction():
        if tested.is_stored and tested.is_conclusive:
            gateway.record(scope, state, Evidence.TEST, result)
        if result.code != Outcome.NOT_CONFIGURED:
            log.note(scope, Action.CONNECTION_TESTED, provider.label, changes)
