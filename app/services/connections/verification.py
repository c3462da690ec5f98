"""Connection tests: the cheapest read that proves the credentials."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.core import clock
from app.core.errors import Conflict, Invalid, Problem
from app.core.naming import settings_name
from app.core.outbound.answer import Answer
from app.provider import Capability, Outcome, Provider, Verified, Verifies
from app.providers import PROVIDERS
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, gateway, messages, proof, store
from app.services.connections.gateway import ProviderCallFailed
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Tested:
    """The result of a test. `is_stored`: the tested values are the stored ones."""

    result: Verified
    checked_at: datetime
    is_stored: bool = True
    latency_ms: int = 0
    """The duration of all requests to the provider together."""

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
"""The body of a test of any provider. Fields of other providers are refused later."""


def can_verify(provider: Provider) -> bool:
    return Capability.VERIFY in provider.capabilities


def require_complete(scope: Scope, provider: Provider, submitted: Mapping[str, Any]) -> None:
    """Raises Invalid with each required value that was neither submitted nor stored."""
    missing = store.load(scope, provider).missing_after(drafts.read_submitted(scope, provider, submitted))
    if missing:
        raise Invalid(
            [
                Problem(settings_name(provider.key, field.name), messages.needed_to_test(field.label))
                for field in missing
            ]
        )


def verify(scope: Scope, http: Outbound, provider: Provider, submitted: Mapping[str, Any]) -> Tested:
    """Tests the stored credentials, or the `submitted` ones in place of those with the same name.

    Nothing that was sent is stored. The result is saved if it is about the stored credentials. Raises
    Invalid, Conflict, TooMany, ProviderBusy.
    """
    if not can_verify(provider):
        raise Conflict(messages.cannot_verify(provider.label), code="CANNOT_VERIFY")
    changes = drafts.read_submitted(scope, provider, submitted)
    state = store.load(scope, provider)
    store.refuse_unsendable(state, changes)
    tested_values = state.credentials | changes
    gateway.consume(scope, provider, gateway.VERIFY)
    started = time.monotonic()
    result, status = _call(scope, http, state, tested_values)
    latency_ms = _milliseconds_since(started)
    if result.code == Outcome.BUSY:
        raise gateway.failed(result.code, result.reason)
    tested = Tested(result, clock.now(), _are_stored(state, changes), latency_ms)
    _save(scope, state, tested, status)
    return tested


def check(scope: Scope, http: Outbound, state: StoredConnection) -> Tested:
    """Tests the stored credentials during a check.

    Audits the result only if it differs from the last one.
    """
    started = time.monotonic()
    result, status = _call(scope, http, state, state.credentials)
    tested = Tested(result, clock.now(), latency_ms=_milliseconds_since(started))
    if tested.is_conclusive:
        with scope.transaction():
            last = proof.last(scope, state.provider)
            is_other = last is None or last.code != result.code
            gateway.record(scope, state, Evidence.TEST, result)
            if is_other:
                _audit(scope, state.provider, result, status)
    return tested


def _milliseconds_since(started: float) -> int:
    """Returns the milliseconds since `started`, a reading of the monotonic clock."""
    return round((time.monotonic() - started) * 1000)


def _call(
    scope: Scope, http: Outbound, state: StoredConnection, values: Mapping[str, Any]
) -> tuple[Verified, int | None]:
    """Returns the result for the values, and the HTTP status that belongs to it.

    That is the status of the last refusal, because later requests may succeed; otherwise of the last
    response.
    """
    answers: list[Answer] = []
    client = http.within(gateway.VERIFY.seconds).calling(on_answer=answers.append)
    verify = cast(Verifies, state.provider).verify
    try:
        result = gateway.call(scope, client, state, verify, evidence=Evidence.TEST, values=values)
        result = replace(result, facts=_without_secrets(result.facts, state.provider, values))
    except ProviderCallFailed as error:
        result = error.result
    statuses = [answer.status for answer in answers]
    refusals = [status for status in statuses if status >= 400]
    return result, next(reversed(refusals or statuses), None)


def _without_secrets(
    facts: tuple[str, ...], provider: Provider, values: Mapping[str, Any]
) -> tuple[str, ...]:
    """Returns the facts that contain no secret: some are text from the provider."""
    secrets = [values[field.name] for field in provider.secrets if values.get(field.name)]
    return tuple(fact for fact in facts if not any(secret in fact for secret in secrets))


def _are_stored(state: StoredConnection, changes: Mapping[str, Any]) -> bool:
    """Whether the changes equal the stored values. A submitted default equals a field without a value."""
    for name, value in changes.items():
        field = state.provider.field(name)
        stored = state.raw(field)
        if value != (field.default if stored is None else stored):
            return False
    return True


def _save(scope: Scope, state: StoredConnection, tested: Tested, status: int | None) -> None:
    """Audits the test, and saves its result if the stored values were tested.

    `status` is that of the refusal, or of the last response.
    """
    provider, result = state.provider, tested.result
    with scope.transaction():
        if tested.is_stored and tested.is_conclusive:
            gateway.record(scope, state, Evidence.TEST, result)
        if result.code != Outcome.NOT_CONFIGURED:
            _audit(scope, provider, result, status)


def _audit(scope: Scope, provider: Provider, result: Verified, status: int | None) -> None:
    changes = {"result": [None, str(result.code)]}
    if status is not None and not result.ok:
        changes["status"] = [None, str(status)]
    log.note(scope, Action.CONNECTION_TESTED, provider.label, changes)
