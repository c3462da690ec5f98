"""Calling a provider: rate limit, deadline, stored credentials, and what a failure means.

Every call that a service makes to a provider goes through `call`, or through `request` if it takes the
credentials of more than one provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from app.core.errors import Conflict
from app.core.outbound.answer import OutboundError
from app.provider import Outcome, Provider, Refusal, Verified
from app.services import rate_limits
from app.services.connections import messages, store
from app.services.connections.store import StoredConnection
from app.services.rate_limits import Limit
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

REFUSED = "PROVIDER_REFUSED"
UNREACHABLE = "PROVIDER_UNREACHABLE"
NOT_CONFIGURED = "PROVIDER_NOT_CONFIGURED"

Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Quota:
    """For one purpose: how many calls a connection may make in the rate limiter's window, and how long."""

    purpose: str
    most: int
    seconds: float


VERIFY = Quota("verify", most=30, seconds=20)
OBSERVE = Quota("observe", most=300, seconds=30)
LIST = Quota("numbers", most=30, seconds=60)
CALLBACK = Quota("callback", most=30, seconds=20)


class ProviderCallFailed(Conflict):
    """The provider refused, or its response is missing or unusable. `result` has the sentence for people."""

    def __init__(self, result: Verified, code: str) -> None:
        super().__init__(result.reason, code=code)
        self.result = result


def configured(scope: Scope, provider: Provider) -> StoredConnection:
    """Returns what is stored. Raises Conflict, which names the missing values, if it is not complete."""
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
    quota: Quota | None = None,
    values: Mapping[str, Any] | None = None,
) -> Returned:
    """Returns what `operation` returns, called with a client and the stored credentials, or with `values`.

    Ends the read transaction, so that none is open during the call. A listing has to be read to its end
    inside the operation. Raises TooMany if the quota is used up, and ProviderCallFailed.
    """
    if quota:
        take(scope, connection.provider, quota)
        http = http.within(quota.seconds)
    sent = connection.credentials if values is None else values
    scope.end_read()
    return request(connection.provider, lambda: operation(http, sent))


def take(scope: Scope, provider: Provider, quota: Quota) -> None:
    """Counts one call. Raises TooMany if the quota is used up."""
    key = rate_limits.key(quota.purpose, scope.organization.id, provider.key)
    rate_limits.take(scope, Limit(key, quota.most))


def request(provider: Provider, operation: Callable[[], Returned]) -> Returned:
    """Returns what `operation` returns. Raises ProviderCallFailed, with the code of `code_of`."""
    try:
        return operation()
    except Refusal as refusal:
        raise _call_failed(provider, refusal.result) from None
    except OutboundError as error:
        unreachable = Verified(False, Outcome.UNREACHABLE, error.message)
        raise _call_failed(provider, unreachable) from None


def code_of(outcome: str | None) -> str:
    """Returns `PROVIDER_UNREACHABLE` if no response came, `PROVIDER_REFUSED` for any other failure."""
    return UNREACHABLE if outcome == Outcome.UNREACHABLE else REFUSED


def _call_failed(provider: Provider, result: Verified) -> ProviderCallFailed:
    log.warning("provider.call_failed", provider=provider.key, code=str(result.code))
    return ProviderCallFailed(result, code_of(result.code))
