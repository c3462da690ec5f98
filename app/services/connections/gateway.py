"""Calls to providers: rate limits, deadlines, stored credentials, and errors.

Every call that a service makes to a provider goes through `call`, which also stores what the response
proves about the credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import Conflict, TryLater
from app.core.outbound.answer import Answer, OutboundError
from app.provider import Outcome, Provider, Refusal, Verified
from app.services import rate_limits
from app.services.connections import check_days, health, messages, number_health, proof, store
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.rate_limits import Limit
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

REFUSED = "PROVIDER_REFUSED"
UNREACHABLE = "PROVIDER_UNREACHABLE"
BUSY = "PROVIDER_BUSY"
NOT_CONFIGURED = "PROVIDER_NOT_CONFIGURED"

Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Quota:
    """Limits of calls for one purpose: how many within `rate_limits.WINDOW`, and seconds for each.

    Each connection has its own count.
    """

    purpose: str
    most: int
    seconds: float


VERIFY = Quota("verify", most=30, seconds=20)
OBSERVE = Quota("observe", most=300, seconds=30)
LIST = Quota("numbers", most=30, seconds=60)
CALLBACK = Quota("callback", most=30, seconds=20)
LAST_CALL = Quota("last-call", most=60, seconds=30)


class ProviderCallFailed(Conflict):
    """The provider refused, or its response is missing or unusable. `result` has the sentence for users."""

    def __init__(self, result: Verified, code: str) -> None:
        super().__init__(result.reason, code=code)
        self.result = result


class ProviderBusy(ProviderCallFailed, TryLater):
    """The call was not made: too many calls to the provider or of the organization are running."""

    status = 503
    retry_after = 5


def configured(scope: Scope, provider: Provider) -> StoredConnection:
    """Returns the stored connection. Raises Conflict, with the missing fields, if it is incomplete."""
    connection = store.load(scope, provider)
    if not connection.is_configured:
        message = messages.not_configured(provider.label, [field.label for field in connection.missing])
        raise Conflict(message, code=NOT_CONFIGURED)
    return connection


def call(
    scope: Scope,
    http: Outbound,
    connection: StoredConnection,
    operation: Callable[[Outbound, Mapping[str, Any]], Returned],
    *,
    evidence: Evidence,
    quota: Quota | None = None,
    values: Mapping[str, Any] | None = None,
) -> Returned:
    """Returns the result of `operation`, called with the stored credentials, or with `values`.

    Ends the read transaction, so that none is open during the call. A listing must be read to its end
    inside the operation. The result of a call with stored credentials is saved as their last proof;
    `evidence` is its purpose. Raises TooMany if the quota is used up, and ProviderCallFailed.
    """
    if quota:
        consume(scope, connection.provider, quota)
        http = http.within(quota.seconds)
    http = http.for_organization(scope.organization.id)
    scope.end_read()
    if values is not None:
        return _request(connection.provider, lambda: operation(http, values))
    answers: list[Answer] = []
    client = http.calling(on_answer=answers.append)
    try:
        returned = _request(connection.provider, lambda: operation(client, connection.credentials))
    except ProviderCallFailed as error:
        if error.result.code in proof.CREDENTIAL_ERRORS:
            _store_proof(scope, connection, evidence, error.result)
        raise
    if any(answer.status < 300 for answer in answers):
        _store_proof(scope, connection, evidence, None)
    return returned


def consume(scope: Scope, provider: Provider, quota: Quota) -> None:
    """Counts one call. Raises TooMany if the quota is used up."""
    key = rate_limits.key(quota.purpose, scope.organization.id, provider.key)
    rate_limits.consume(scope, Limit(key, quota.most))


def _request(provider: Provider, operation: Callable[[], Returned]) -> Returned:
    """Returns the result of `operation`. Raises ProviderCallFailed, with the code of its outcome."""
    try:
        return operation()
    except Refusal as refusal:
        raise _call_failed(provider, refusal.result) from None
    except OutboundError as error:
        code = Outcome.BUSY if error.code == "busy" else Outcome.UNREACHABLE
        raise _call_failed(provider, Verified(False, code, error.message)) from None


def _code_of(outcome: str | None) -> str:
    """Returns the error code of an outcome: `PROVIDER_REFUSED`, if the provider responded."""
    if outcome == Outcome.BUSY:
        return BUSY
    return UNREACHABLE if outcome == Outcome.UNREACHABLE else REFUSED


def failed(outcome: str | None, sentence: str) -> ProviderCallFailed:
    """Returns the error of a call that ended with `outcome`."""
    kind = ProviderBusy if outcome == Outcome.BUSY else ProviderCallFailed
    return kind(Verified(False, outcome or Outcome.UNEXPECTED_ANSWER, sentence), _code_of(outcome))


def _call_failed(provider: Provider, result: Verified) -> ProviderCallFailed:
    log.warning("provider.call_failed", provider=provider.key, code=str(result.code))
    error = failed(result.code, result.reason)
    error.result = result
    return error


def _store_proof(
    scope: Scope, connection: StoredConnection, evidence: Evidence, result: Verified | None
) -> None:
    """Stores a result in a transaction of its own. The call succeeds even if storing fails."""
    try:
        is_news = proof.is_news(proof.last(scope, connection.provider), evidence, result)
        scope.end_read()
        if is_news:
            with scope.transaction():
                record(scope, connection, evidence, result)
    except SQLAlchemyError:
        log.warning("connection.proof_not_stored", provider=connection.provider.key, exc_info=True)
        scope.session.rollback()


def record(scope: Scope, connection: StoredConnection, evidence: Evidence, result: Verified | None) -> None:
    """Stores a result in the open transaction, unless the credentials have changed since the call."""
    now = store.load(scope, connection.provider)
    if not (now.exists and now.has_credentials_of(connection)):
        return
    if proof.record(scope, connection.provider, evidence, result):
        number_health.changed(scope)
    verdict = health.of(now, proof.last(scope, connection.provider)).verdict
    check_days.count_connection(scope, connection.provider, verdict)
