"""Tokens for the SDK of a user's dialer, from the active voice provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from app.core import clock
from app.core.errors import Conflict
from app.core.naming import calls_name
from app.provider import Capability, Family, MakesDialerTokens
from app.provider.dialer import DialerToken
from app.services import rate_limits
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, store
from app.services.connections.store import StoredConnection
from app.services.providers import active, messages
from app.services.rate_limits import Limit
from app.services.scope import Scope

MOST = 60
"""Tokens of one user within the rate limiter's window. A dialer needs a few in an hour."""

_ISSUED = "dialer-token"


@dataclass(frozen=True)
class Issued:
    """A token, and the identity under which the user's dialer can be called."""

    provider: str
    identity: str
    token: DialerToken


def issue(scope: Scope) -> Issued:
    """Returns a new token for the actor. Raises Conflict, which says what is missing, and TooMany."""
    connection = _connection(scope)
    provider = cast(MakesDialerTokens, connection.provider)
    identity = identity_of(str(scope.actor.user_id))
    rate_limits.take(scope, Limit(rate_limits.key(_ISSUED, str(scope.actor.user_id)), MOST))
    token = provider.dialer_token(connection.credentials, identity, clock.now())
    _record(scope, connection)
    return Issued(connection.provider.key, identity, token)


def identity_of(user_id: str) -> str:
    """Returns letters, digits and an underscore, which every provider accepts; it never changes."""
    return f"user_{user_id.replace('-', '')}"


def _connection(scope: Scope) -> StoredConnection:
    """Returns the active voice provider's. Raises Conflict unless it has all that a token is made of."""
    key = active.active(scope, Family.VOICE)
    if key is None:
        raise Conflict(messages.NO_VOICE_PROVIDER, code="NO_VOICE_PROVIDER")
    connection = store.load(scope, store.provider_of(key))
    label = connection.provider.label
    if Capability.DIALER_TOKEN not in connection.provider.capabilities:
        raise Conflict(messages.no_dialer_tokens(label), code="NO_DIALER_TOKENS")
    if not connection.enabled:
        raise Conflict(messages.is_disabled(label), code="PROVIDER_DISABLED")
    needed = cast(MakesDialerTokens, connection.provider).dialer_fields
    missing = [calls_name(key, field.name) for field in needed if connection.raw(field) is None]
    if missing:
        raise Conflict(messages.dialer_token_needs(label, missing), code=gateway.NOT_CONFIGURED)
    return connection


def _record(scope: Scope, connection: StoredConnection) -> None:
    """Audits the first token of an hour, with how many there were since the last event."""
    ids = (scope.organization.id, str(scope.actor.user_id), connection.provider.key)
    with scope.transaction(lock=False):
        if times := rate_limits.tally(scope, _ISSUED, *ids):
            changes = {"times": [None, times]} if times > 1 else None
            log.note(scope, Action.DIALER_TOKEN_ISSUED, connection.provider.label, changes)
