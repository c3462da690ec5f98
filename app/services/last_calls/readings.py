"""Reads the last calls at a provider, and stores them with the time of the reading."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from app.core import clock, urls
from app.models import LastCall
from app.provider import Outcome, Provider, ReadsCalls, Refusal, Verified
from app.provider.calls import CallError, LastCalls, ProviderCall
from app.services import rate_limits, sql
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, proof
from app.services.connections.gateway import ProviderBusy, ProviderCallFailed, Quota
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.drift import queue
from app.services.last_calls import messages
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

_READ = "last-calls"
BATCH = 200
"""How many rows one transaction writes: it blocks other writers meanwhile."""


def of_numbers(scope: Scope, provider: str, numbers: Collection[str]) -> dict[str, LastCall]:
    """Returns the stored last calls, by number."""
    query = scope.select(LastCall).where(
        LastCall.provider == provider, sql.in_list(scope, LastCall.phone_number, numbers)
    )
    return {row.phone_number: row for row in scope.session.scalars(query)}


def of_number(scope: Scope, provider: str, number: str) -> LastCall | None:
    return of_numbers(scope, provider, [number]).get(number)


def read(
    scope: Scope,
    http: Outbound,
    connection: StoredConnection,
    numbers: Sequence[str],
    since: datetime | None = None,
    *,
    quota: Quota | None = None,
) -> str:
    """Reads the last calls to the numbers and stores them. Returns why they cannot be read, or "".

    If the provider does not respond, the earlier readings stay. Raises TooMany, ProviderBusy.
    """
    try:
        result = _request(scope, http, connection, numbers, since, quota=quota)
    except ProviderBusy:
        raise
    except ProviderCallFailed as error:
        return _store_problem(scope, connection, numbers, error.result)
    if isinstance(result, Verified):
        return _store_problem(scope, connection, numbers, result)
    _store(scope, connection, numbers, result)
    return ""


def _request(
    scope: Scope,
    http: Outbound,
    connection: StoredConnection,
    numbers: Sequence[str],
    since: datetime | None,
    *,
    quota: Quota | None,
) -> LastCalls | Verified:
    """Returns the last calls, or the lack of permission to list them.

    The lack is not raised: it would count as a failure of the credentials, but nothing else needs the
    permission.
    """
    reader = cast(ReadsCalls, connection.provider)

    def call(client: Outbound, values: Mapping[str, Any]) -> LastCalls | Verified:
        try:
            return reader.last_calls(client, values, numbers, since)
        except Refusal as refusal:
            if refusal.result.code == Outcome.NO_PERMISSION:
                return refusal.result
            raise

    return gateway.call(scope, http, connection, call, evidence=Evidence.LAST_CALLS, quota=quota)


@dataclass(frozen=True)
class _Reading:
    """The reading of one number at the time `at`. `expected` is its webhook URL."""

    call: ProviderCall | None
    since: datetime | None
    expected: str | None
    at: datetime

    def apply(self, row: LastCall) -> None:
        """Stores the reading in the row.

        If there is no call and this reading begins where the last one ended, the earlier call stays.
        """
        continues = self.since is not None and row.checked_at is not None and self.since <= row.checked_at
        row.problem = row.tried_at = None
        if self.call is None and continues:
            row.checked_at = self.at
            return
        row.checked_at, row.since = self.at, self.since
        row.started_at = row.outcome = row.cause = row.unread = None
        row.error_code = row.error_url = row.error_at = None
        if self.call is not None:
            self._apply_call(row, self.call)

    def _apply_call(self, row: LastCall, call: ProviderCall) -> None:
        row.started_at, row.outcome = call.started_at, str(call.outcome)
        row.cause, row.unread = call.cause or None, call.unread[:1000] or None
        if error := _main_error(call.errors, self.expected):
            row.error_code, row.error_url, row.error_at = error.code, error.url, error.at


def _main_error(errors: Sequence[CallError], expected: str | None) -> CallError | None:
    """Returns the latest error at the number's own webhook, or else the latest of all."""
    own_errors = (one for one in errors if one.url and expected and urls.is_same(one.url, expected))
    return next(own_errors, next(iter(errors), None))


def _store(scope: Scope, connection: StoredConnection, numbers: Sequence[str], last_calls: LastCalls) -> None:
    at, key = clock.now(), connection.provider.key
    for some in _batches(numbers):
        with scope.transaction():
            expected = queue.expected_urls(scope, key, some)
            for number, row in _rows(scope, key, some).items():
                if number in last_calls.unknown:
                    row.problem, row.tried_at = messages.number_unknown(connection.provider.label), at
                else:
                    reading = _Reading(
                        last_calls.calls.get(number), last_calls.since, expected.get(number), at
                    )
                    reading.apply(row)


def _store_problem(
    scope: Scope, connection: StoredConnection, numbers: Sequence[str], result: Verified
) -> str:
    """Stores and returns why the calls cannot be read. A temporary failure is not stored."""
    if result.code not in proof.INCONCLUSIVE:
        at = clock.now()
        for some in _batches(numbers):
            with scope.transaction():
                for row in _rows(scope, connection.provider.key, some).values():
                    row.problem, row.tried_at = result.reason[:1000], at
    return result.reason


def _rows(scope: Scope, provider: str, numbers: Sequence[str]) -> dict[str, LastCall]:
    """Returns the rows of the numbers, and adds missing ones, in the open transaction."""
    rows = of_numbers(scope, provider, numbers)
    for number in numbers:
        if number not in rows:
            own = {"organization_id": scope.organization.id, "provider": provider}
            rows[number] = LastCall(**own, phone_number=number)
            scope.session.add(rows[number])
    return rows


def _batches(numbers: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(numbers))
    while some := list(islice(rest, BATCH)):
        yield some


def record(scope: Scope, provider: Provider) -> None:
    """Audits a user's first reading of an hour, with the count of readings since the last event."""
    ids = (scope.organization.id, str(scope.actor.user_id), provider.key)
    with scope.transaction(lock=False):
        if times := rate_limits.tally(scope, _READ, *ids):
            changes = {"times": [None, times]} if times > 1 else None
            log.note(scope, Action.LAST_CALLS_READ, provider.label, changes)
