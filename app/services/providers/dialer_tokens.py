"""Tokens for the SDK of a user's dialer, from the default voice provider."""

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
"""How many tokens a user can have issued within `rate_limits.WINDOW`. A dialer needs a few in an hour."""

_ISSUED = "dialer-token"


@dataclass(frozen=True)
class Issued:
    """A token, and the identity by which the user's dialer is called."""

    provider: str
    identity: str
    token: DialerToken


def issue(scope: Scope) -> Issued:
    """Returns a new token for the actor. Raises Conflict, which names the missing values, and TooMany."""
    connection = _connection(scope)
    provider = cast(MakesDialerTokens, connection.provider)
    identity = identity_of(str(scope.actor.user_id))
    rate_limits.consume(scope, Limit(rate_limits.key(_ISSUED, str(scope.actor.user_id)), MOST))
    token = provider.dialer_token(connection.credentials, identity, clock.now())
    _record(scope, connection)
    return Issued(connection.provider.key, identity, token)


def identity_of(user_id: str) -> str:
    """Returns the user's identity: letters, digits and an underscore, as all providers accept.

    It never changes.
    """
    return f"user_{user_id.replace('-', '')}"


def _connection(scope: Scope) -> StoredConnection:
    """Returns the default voice provider's connection. Raises Conflict if it cannot issue tokens."""
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
    """Audits the first token of an hour, with the count of tokens since the last event."""
    ids = (scope.organization.id, str(scope.actor.user_id), connection.provider.key)
    with scope.transaction(lock=False):
        if times := rate_limits.tally(scope, _ISSUED, *ids):
            changes = {"times": [None, times]} if times > 1 else None
            log.note(scope, Action.DIALER_TOKEN_ISSUED, connection.provider.label, changes)
