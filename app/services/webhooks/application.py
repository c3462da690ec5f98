"""The callback URL of a provider's application, which all of its numbers share."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import urls
from app.core.errors import Invalid, NotFound, Problem, Stale, Unavailable
from app.models import Connection, VoicePhoneNumber
from app.provider import CallsBack, Capability, Provider
from app.provider.numbers import Callback, Reason
from app.services import sql
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.connections import gateway, provider_writes, store
from app.services.connections.gateway import ProviderCallFailed, Quota
from app.services.connections.proof import Evidence
from app.services.connections.provider_writes import Intent
from app.services.connections.store import StoredConnection
from app.services.drift import queue
from app.services.scope import Scope
from app.services.webhooks import messages

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CallbackState:
    """The callback URL at the provider, and its difference from the one set from Patchbay."""

    now: Callback
    reason: Reason | None

    @property
    def digest(self) -> str:
        """A digest of the application at the provider: any change of it changes the digest."""
        parts = (self.now.primary, self.now.fallback, sorted(self.now.numbers))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def provider_of(key: str) -> Provider:
    """Returns the declared provider. Raises NotFound, also if its application has no callback URL."""
    provider = store.provider_of(key)
    if Capability.CALLBACK not in provider.capabilities:
        raise NotFound(messages.no_callback(provider.label))
    return provider


def observe(scope: Scope, http: Outbound, provider: Provider) -> CallbackState:
    """Reads the application at the provider. Raises Conflict, ProviderCallFailed, TooMany."""
    return _read_and_resolve(scope, http, gateway.configured(scope, provider))


def _read_and_resolve(scope: Scope, http: Outbound, connection: StoredConnection) -> CallbackState:
    provider = connection.provider
    application = _read_application(scope, http, connection, connection.callback_url, quota=gateway.CALLBACK)
    provider_writes.resolve_now(scope, provider, {provider.label: _shown(application.now.primary)})
    return application


def _read_application(
    scope: Scope,
    http: Outbound,
    connection: StoredConnection,
    expected: str | None,
    *,
    quota: Quota | None = None,
) -> CallbackState:
    callback = _application(connection.provider).callback
    now = gateway.call(scope, http, connection, callback, evidence=Evidence.CALLBACK, quota=quota)
    return CallbackState(now, _difference(now.primary, expected))


def _application(provider: Provider) -> CallsBack:
    return cast(CallsBack, provider)


def _difference(primary: str | None, stored: str | None) -> Reason | None:
    if stored is None:
        return Reason.NOTHING_EXPECTED
    if primary is None:
        return Reason.NO_WEBHOOK
    return None if urls.is_same(primary, stored) else Reason.DIFFERENT_URL


def plan(scope: Scope, http: Outbound, provider: Provider, text: str) -> tuple[str, CallbackState]:
    """Returns the URL in the form to be set, and the present one.

    Raises Invalid, and the errors of `observe`.
    """
    return _checked_url(text), observe(scope, http, provider)


def _checked_url(text: str) -> str:
    try:
        return urls.callback_url(text)
    except ValueError as error:
        raise Invalid([Problem("url", str(error))]) from None


def point(
    scope: Scope, http: Outbound, provider: Provider, text: str, *, digest: str
) -> CallbackState | None:
    """Sets the callback URL. Returns the application as read afterwards; None if it could not be read.

    Raises Stale, with the present application, and changes nothing, if `digest` is no longer that of the
    application; the errors of `plan`; Unavailable if the URL was set but could not be stored.
    """
    http = http.within(gateway.CALLBACK.seconds)
    url = _checked_url(text)
    connection = gateway.configured(scope, provider)
    before = _read_and_resolve(scope, http, connection)
    if before.digest != digest:
        raise Stale(messages.changed(provider.label), current=before)
    changes = {"callback_url": [_shown(before.now.primary), url]}
    intent = Intent(scope, http, Action.CALLBACK_SET, provider, subject=provider.label, changes=changes)
    after = _set(scope, intent, http, connection, url)
    _store(scope, intent, provider, before.now.primary, url)
    return after


def _set(
    scope: Scope, intent: Intent, http: Outbound, connection: StoredConnection, url: str
) -> CallbackState | None:
    """Sets the URL and reads it back. If the response is lost, the reading decides whether it was set."""
    lost, after = None, None
    application = _application(connection.provider)
    try:
        gateway.call(
            scope,
            intent.http,
            connection,
            lambda client, values: application.set_callback(client, values, url),
            evidence=Evidence.CALLBACK,
        )
    except ProviderCallFailed as error:
        if error.code != gateway.UNREACHABLE:
            intent.fail(error.message)
            raise _with_result(error, messages.CALLBACK_NOT_SET) from None
        lost = error
    with suppress(ProviderCallFailed):
        after = _read_application(scope, http, connection, url)
    if lost and after is None:
        intent.mark_unknown(lost.message)
        raise _with_result(lost, messages.CALLBACK_UNKNOWN)
    if lost and after and after.reason:
        intent.fail(lost.message)
        raise _with_result(lost, messages.CALLBACK_NOT_SET)
    return after


def _with_result(error: ProviderCallFailed, more: str) -> ProviderCallFailed:
    return ProviderCallFailed(replace(error.result, reason=f"{error.result.reason} {more}"), error.code)


def _shown(url: str | None) -> str | None:
    return urls.sanitized(url) if url else None


def _store(scope: Scope, intent: Intent, provider: Provider, was: str | None, url: str) -> None:
    """Stores the URL, without a new version: values in an open form are unchanged."""
    own = (Connection.organization_id == scope.organization.id, Connection.provider == provider.key)
    stored = update(Connection).where(*own).values(callback_url=url, updated_at=Connection.updated_at)
    try:
        with scope.transaction():
            sql.run(scope, stored)
            audit_log.record(scope, Action.CALLBACK_SET, provider.label, {"callback_url": [_shown(was), url]})
            intent.succeed()
            queue.mark_due(scope, _assigned_numbers(scope, provider))
    except SQLAlchemyError as error:
        log.exception("callback.not_noted", provider=provider.key)
        raise Unavailable(messages.callback_not_recorded(provider.label)) from error


def _assigned_numbers(scope: Scope, provider: Provider) -> list[str]:
    """Returns the users' numbers at the provider: they are now expected to call the new URL."""
    number = VoicePhoneNumber
    own = (number.organization_id == scope.organization.id, number.provider == provider.key)
    return list(scope.session.scalars(select(number.phone_number).where(*own).distinct()))
