"""The address that a provider's application calls, the same for all of its numbers."""

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
from app.services.connections.provider_writes import Intent
from app.services.connections.store import StoredConnection
from app.services.drift import queue
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Seen:
    """What the provider has now, and how that differs from what was set from here last."""

    now: Callback
    reason: Reason | None

    @property
    def digest(self) -> str:
        """Stands for what the provider has: it is another one when anything of it changes."""
        found = (self.now.primary, self.now.fallback, sorted(self.now.numbers))
        return hashlib.sha256(repr(found).encode()).hexdigest()[:32]


def provider_of(key: str) -> Provider:
    """NotFound also for a provider whose application has no callback address of its own."""
    provider = store.provider_of(key)
    if Capability.CALLBACK not in provider.capabilities:
        raise NotFound(f"{provider.label} has no callback address that is set for all numbers at once.")
    return provider


def look(scope: Scope, http: Outbound, provider: Provider) -> Seen:
    """Asks the provider. No transaction is open meanwhile. Raises Conflict, NotAnswered, TooMany."""
    return _look(scope, http, gateway.configured(scope, provider))


def _look(scope: Scope, http: Outbound, connection: StoredConnection) -> Seen:
    provider = connection.provider
    found = _seen(scope, http, connection, connection.callback_url, quota=gateway.CALLBACK)
    provider_writes.resolve_now(scope, provider, {provider.label: _shown(found.now.primary)})
    return found


def _seen(
    scope: Scope,
    http: Outbound,
    connection: StoredConnection,
    expected: str | None,
    *,
    quota: Quota | None = None,
) -> Seen:
    callback = _application(connection.provider).callback
    now = gateway.call(scope, http, connection, callback, quota=quota)
    return Seen(now, _difference(now.primary, expected))


def _application(provider: Provider) -> CallsBack:
    return cast(CallsBack, provider)


def _difference(primary: str | None, stored: str | None) -> Reason | None:
    if stored is None:
        return Reason.NOTHING_EXPECTED
    if primary is None:
        return Reason.NO_WEBHOOK
    return None if urls.same(primary, stored) else Reason.DIFFERENT_URL


def plan(scope: Scope, http: Outbound, provider: Provider, text: str) -> tuple[str, Seen]:
    """The address as it would be set, and what it would replace. Raises Invalid, and as `look`."""
    return _read(text), look(scope, http, provider)


def _read(text: str) -> str:
    try:
        return urls.callback_url(text)
    except ValueError as error:
        raise Invalid([Problem("url", str(error))]) from None


def point(scope: Scope, http: Outbound, provider: Provider, text: str, *, digest: str) -> Seen | None:
    """Makes the provider's application call the address, and tells what it has afterwards.

    `digest` is of what was shown: where something else is there by now, nothing is changed and Stale
    has it. None where the provider took the address and does not answer any more. Raises as `plan`;
    Unavailable where the address was set and that could not be written down.
    """
    http = http.within(gateway.CALLBACK.seconds)
    url = _read(text)
    connection = gateway.configured(scope, provider)
    before = _look(scope, http, connection)
    if before.digest != digest:
        message = f"{provider.label} has something else by now than what was shown. Nothing was changed."
        raise Stale(message, current=before)
    changes = {"callback_url": [_shown(before.now.primary), url]}
    intent = Intent(scope, http, Action.CALLBACK_SET, provider, subject=provider.label, changes=changes)
    after = _set(scope, intent, http, connection, url)
    _note(scope, intent, provider, before.now.primary, url)
    return after


def _set(scope: Scope, intent: Intent, http: Outbound, connection: StoredConnection, url: str) -> Seen | None:
    """If the response was lost on its way, what is there afterwards tells."""
    lost, after = None, None
    application = _application(connection.provider)
    try:
        gateway.call(
            scope,
            intent.http,
            connection,
            lambda client, values: application.set_callback(client, values, url),
        )
    except ProviderCallFailed as error:
        if error.code != gateway.UNREACHABLE:
            intent.failed(error.message)
            raise _told(error, "The address was not set.") from None
        lost = error
    with suppress(ProviderCallFailed):
        after = _seen(scope, http, connection, url)
    if lost and after is None:
        intent.is_unknown(lost.message)
        raise _told(lost, "It is not known whether the address was set. Look again in a moment.")
    if lost and after and after.reason:
        intent.failed(lost.message)
        raise _told(lost, "The address was not set.")
    return after


def _told(error: ProviderCallFailed, more: str) -> ProviderCallFailed:
    return ProviderCallFailed(replace(error.result, reason=f"{error.result.reason} {more}"), error.code)


def _shown(url: str | None) -> str | None:
    return urls.shown(url) if url else None


def _note(scope: Scope, intent: Intent, provider: Provider, was: str | None, url: str) -> None:
    """Without a new version: the values that were tested, and those in somebody's form, are the same."""
    own = (Connection.organization_id == scope.organization.id, Connection.provider == provider.key)
    stored = update(Connection).where(*own).values(callback_url=url, updated_at=Connection.updated_at)
    try:
        with scope.transaction():
            sql.run(scope, stored)
            audit_log.record(scope, Action.CALLBACK_SET, provider.label, {"callback_url": [_shown(was), url]})
            intent.done()
            queue.mark_due(scope, _given(scope, provider))
    except SQLAlchemyError as error:
        log.exception("callback.not_noted", provider=provider.key)
        message = (
            f"{provider.label} calls the new address from now on, but that could not be written down here, "
            "nor in the audit. Open the page again in a moment, and set the address once more."
        )
        raise Unavailable(message) from error


def _given(scope: Scope, provider: Provider) -> list[str]:
    """The numbers that people here have: what is expected of them is another address now."""
    number = VoicePhoneNumber
    own = (number.organization_id == scope.organization.id, number.provider == provider.key)
    return list(scope.session.scalars(select(number.phone_number).where(*own).distinct()))
