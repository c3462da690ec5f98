"""The scheduled reading of last calls: once a day, if the organization has turned it on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, or_, select, update

from app.core import clock
from app.models import CheckRun, Endpoint, LastCall, VoicePhoneNumber
from app.provider import Capability, Family, Provider
from app.providers import keys_in
from app.services import sql
from app.services.connections import store
from app.services.connections.gateway import ProviderBusy
from app.services.drift.hooks import Watched
from app.services.last_calls import readings
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

EVERY = timedelta(hours=23)
"""A little less than a day, so that a check at the same time each day is never too early."""

OVERLAP = timedelta(hours=6)
"""How much earlier than the last reading the next one begins: calls are listed after they end."""

LONGEST = timedelta(days=30)
FIRST = timedelta(days=7)
"""How far back the calls of numbers are read that were never read before."""

SECONDS = 600


def read(scope: Scope, http: Outbound, provider: Provider) -> Watched:
    """Reads the last calls to all numbers of a connection, if it is time.

    A failure does not fail the check.
    """
    if Capability.LAST_CALLS not in provider.capabilities or not _is_reached(scope, provider):
        return Watched()
    connection = store.load(scope, provider)
    numbers = numbers_of(scope, provider)
    if connection.is_usable and numbers:
        try:
            readings.read(scope, http.within(SECONDS), connection, numbers, _since(scope, provider))
        except ProviderBusy:
            return Watched()
    with scope.transaction(lock=False):
        own = (CheckRun.organization_id == scope.organization.id, CheckRun.provider == provider.key)
        sql.run(scope, update(CheckRun).where(*own).values(calls_read_at=clock.now()))
    return Watched()


def numbers_of(scope: Scope, provider: Provider) -> list[str]:
    """Returns the numbers that take calls: endpoints, or numbers answered by the provider's agents."""
    if provider.key in keys_in(Family.TELEPHONY):
        endpoints = scope.select(Endpoint).where(Endpoint.provider == provider.key, Endpoint.takes_calls)
        numbers = endpoints.with_only_columns(Endpoint.phone_number).order_by(Endpoint.phone_number)
        return list(scope.session.scalars(numbers))
    number = VoicePhoneNumber
    is_its = or_(number.ai_provider == provider.key, number.provider == provider.numbers_of)
    answered = scope.select(number).where(number.ai_enabled, is_its)
    return list(scope.session.scalars(answered.with_only_columns(number.phone_number).distinct()))


def _is_reached(scope: Scope, provider: Provider) -> bool:
    if not scope.organization.reads_last_calls:
        return False
    query = scope.select(CheckRun).where(CheckRun.provider == provider.key)
    at = scope.session.scalar(query.with_only_columns(CheckRun.calls_read_at))
    return at is None or abs(clock.now() - at) > EVERY


def _since(scope: Scope, provider: Provider) -> datetime:
    """Returns the time from which calls are read: the oldest reading of a number, within limits."""
    now = clock.now()
    read_at = select(func.min(LastCall.checked_at)).where(
        LastCall.organization_id == scope.organization.id, LastCall.provider == provider.key
    )
    oldest = scope.session.scalar(read_at) or now - FIRST
    return max(min(oldest, now) - OVERLAP, now - LONGEST)


def sweep(scope: Scope) -> int:
    """Deletes the last calls of numbers that their organization no longer has. Returns how many."""
    is_endpoint = exists().where(
        Endpoint.organization_id == LastCall.organization_id, Endpoint.phone_number == LastCall.phone_number
    )
    is_voice = exists().where(
        VoicePhoneNumber.organization_id == LastCall.organization_id,
        VoicePhoneNumber.phone_number == LastCall.phone_number,
    )
    with scope.transaction(lock=False):
        return sql.run(scope, delete(LastCall).where(~is_endpoint, ~is_voice))
