"""What providers have for the organization's numbers, against what they should have, as last seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    union,
)

from app.core import clock, urls
from app.core.outbound.answer import OutboundError
from app.models import CheckRun, Connection, DriftCheck, Endpoint, VoicePhoneNumber
from app.provider import Outcome, Refusal
from app.provider.numbers import Line, Reason, difference
from app.providers import PROVIDERS
from app.services import sql
from app.services.connections import provider_writes
from app.services.scope import Scope

SHUT = (Outcome.BAD_CREDENTIALS, Outcome.SUSPENDED, Outcome.WRONG_ACCOUNT, Outcome.NO_PERMISSION)

WORDS = {
    Reason.DIFFERENT_URL: "{provider} calls another address when this number rings.",
    Reason.DIFFERENT_METHOD: "{provider} calls the right address, but not with POST.",
    Reason.NO_WEBHOOK: "{provider} calls nothing when this number rings.",
    Reason.APPLICATION_IN_THE_WAY: "An application at {provider} answers in place of this number's webhook.",
    Reason.TRUNK_IN_THE_WAY: "A SIP trunk at {provider} takes the calls of this number.",
    Reason.NUMBER_GONE: "The {provider} account does not have this number.",
    Reason.CREDENTIALS_REFUSED: "{provider} refuses the stored credentials.",
    Reason.NOT_SHOWN: "{provider} does not tell what the number's flow calls, so compare it there by hand.",
    Reason.NOTHING_EXPECTED: "Nothing is expected of {provider}: the number has no inbound webhook here.",
    Reason.PROVIDER_NOT_CONFIGURED: "{provider} is not connected, or is disabled.",
    Reason.PROVIDER_UNREACHABLE: "{provider} gave no answer that can be used.",
}


@dataclass(frozen=True)
class Sight:
    """What asking a provider about one number gave: its line (None: no such number), or trouble.

    `outcome`: the code of what the provider refused with, or that it could not be reached.
    """

    line: Line | None = None
    trouble: Reason | None = None
    sentence: str = ""
    outcome: str | None = None


@dataclass(frozen=True)
class Observation:
    """One number at its provider. `in_sync` is None where that cannot be told; `message` is for people."""

    in_sync: bool | None
    reason: Reason | None
    expected: str | None
    actual: str | None
    checked_at: datetime
    message: str
    line: Line | None = None

    def document(self) -> dict[str, Any]:
        return {
            "in_sync": self.in_sync,
            "reason": self.reason and str(self.reason),
            "expected": self.expected,
            "actual": self.actual,
            "checked_at": clock.iso(self.checked_at),
        }


@dataclass(frozen=True)
class Tally:
    """How many of an organization's numbers drifted, since when, and when all that was due was looked at."""

    drifted: int = 0
    since: datetime | None = None
    due: int = 0
    checked_at: datetime | None = None


def seen(ask: Callable[[], Line | None]) -> Sight:
    """The line that `ask` gives, or the trouble in getting it."""
    try:
        return Sight(ask())
    except Refusal as refusal:
        is_shut = refusal.result.code in SHUT
        reason = Reason.CREDENTIALS_REFUSED if is_shut else Reason.PROVIDER_UNREACHABLE
        return Sight(trouble=reason, sentence=refusal.result.reason, outcome=refusal.result.code)
    except OutboundError as error:
        unreachable = Reason.PROVIDER_UNREACHABLE
        return Sight(trouble=unreachable, sentence=error.message, outcome=Outcome.UNREACHABLE)


def expected_url(base: str | None, row: Any) -> str | None:
    """What an endpoint's number should call; None for one that is not to be answered."""
    return urls.inbound_webhook_url(base, row.provider, row.inbound_agent_name) if row.is_active else None


def judge(sight: Sight, expected: str | None) -> tuple[bool | None, Reason | None]:
    """Whether the number is as expected, and why not, or why that is not known."""
    if sight.trouble in (Reason.PROVIDER_UNREACHABLE, Reason.PROVIDER_NOT_CONFIGURED):
        return None, sight.trouble
    if expected is None:
        return None, Reason.NOTHING_EXPECTED
    if sight.trouble:
        return (None if sight.trouble is Reason.NOT_SHOWN else False), sight.trouble
    reason = difference(sight.line, expected)
    return (None if reason is Reason.NOT_SHOWN else reason is None), reason


def observation(label: str, sight: Sight, expected: str | None) -> Observation:
    in_sync, reason = judge(sight, expected)
    words = WORDS[reason] if reason else "{provider} calls the right address for this number."
    message = sight.sentence if sight.sentence and reason is sight.trouble else words.format(provider=label)
    return Observation(in_sync, reason, expected, address(sight.line), clock.now(), message, sight.line)


def address(line: Line | None) -> str | None:
    """What the number calls, as it may be shown and kept: without a password that stands in it."""
    return urls.shown(line.webhook_url) if line and line.webhook_url else None


def keep(scope: Scope, provider: str, sights: Mapping[str, Sight]) -> None:
    """Stores what was seen, by number, against what is expected by now. Inside a transaction only.

    A provider that could not be asked says nothing about its numbers: what was known stays, and they
    stay due. A number that is nobody's any more is forgotten.
    """
    _resolve_changes(scope, provider, sights)
    wanted = _expected(scope, provider, sights)
    _forget(scope, provider, sights.keys() - wanted.keys())
    _make_rows(scope, provider, wanted)
    now = clock.now()
    for row in scope.session.scalars(_rows(scope, provider, wanted).with_for_update()):
        sight, expected = sights[row.phone_number], wanted[row.phone_number]
        in_sync, reason = judge(sight, expected)
        if reason is Reason.PROVIDER_UNREACHABLE:
            continue
        row.due, row.in_sync, row.reason = False, in_sync, reason and str(reason)
        row.expected, row.actual = expected, address(sight.line)
        row.since = (row.since or now) if in_sync is False else None
        row.checked_at = now


def _resolve_changes(scope: Scope, provider: str, sights: Mapping[str, Sight]) -> None:
    """Of single numbers, and of the application that all of them call."""
    found = {number: address(sight.line) for number, sight in sights.items() if not sight.trouble}
    if found:
        declared = PROVIDERS[provider]
        every = {declared.label: next((url for url in found.values() if url), None)}
        provider_writes.resolve(scope, declared, found | every)


def _rows(scope: Scope, provider: str, numbers: Collection[str]) -> Select[DriftCheck]:
    return scope.select(DriftCheck).where(
        DriftCheck.provider == provider, DriftCheck.phone_number.in_(numbers)
    )


def _expected(scope: Scope, provider: str, numbers: Collection[str]) -> dict[str, str | None]:
    """What each of the numbers that are still there should call."""
    base = scope.organization.public_base_url
    own = select(Endpoint).where(
        Endpoint.organization_id == scope.organization.id,
        Endpoint.provider == provider,
        Endpoint.phone_number.in_(numbers),
    )
    columns = own.with_only_columns(
        Endpoint.phone_number, Endpoint.provider, Endpoint.inbound_agent_name, Endpoint.is_active
    )
    found = {row.phone_number: expected_url(base, row) for row in scope.session.execute(columns)}
    given = _called_back(scope).where(
        VoicePhoneNumber.provider == provider, VoicePhoneNumber.phone_number.in_(numbers)
    )
    for _, number, callback_url in scope.session.execute(given):
        found.setdefault(number, callback_url)
    return found


def _called_back(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Provider, number and callback URL of each voice number whose application was pointed from here."""
    return (
        select(VoicePhoneNumber.provider, VoicePhoneNumber.phone_number, Connection.callback_url)
        .join(
            Connection,
            (Connection.organization_id == VoicePhoneNumber.organization_id)
            & (Connection.provider == VoicePhoneNumber.provider),
        )
        .where(
            VoicePhoneNumber.organization_id == scope.organization.id, Connection.callback_url.is_not(None)
        )
        .distinct()
    )


def _answered(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Provider and number of each endpoint that is to be answered."""
    return select(Endpoint.provider, Endpoint.phone_number).where(
        Endpoint.organization_id == scope.organization.id,
        Endpoint.is_active,
        Endpoint.inbound_agent_name.is_not(None),
    )


def mark_due(scope: Scope, numbers: Collection[str] | None = None, *, changed: bool = True) -> None:
    """Has `numbers` (all when None) checked again soon after the transaction. Inside a transaction only.

    `changed`: what is expected of them did, so that what was seen before says nothing any more.
    """
    mine = (DriftCheck.organization_id == scope.organization.id) & (
        true() if numbers is None else _among(scope, numbers)
    )
    sql.run(scope, delete(DriftCheck).where(mine, ~_is_target(scope)))
    targets = _targets(scope, numbers)
    rows = select(
        literal(scope.organization.id), targets.c.provider, targets.c.phone_number, literal(True)
    ).where(true())
    names = ["organization_id", "provider", "phone_number", "due"]
    insert = sql.insert(scope, DriftCheck).from_select(names, rows, include_defaults=False)
    new = {"due": True} | ({"in_sync": None, "reason": None, "since": None} if changed else {})
    key = list(DriftCheck.__table__.primary_key)
    if sql.run(scope, insert.on_conflict_do_update(index_elements=key, set_=new)):
        scope.on_commit(scope.check_soon, scope.organization.id)


def _among(scope: Scope, numbers: Collection[str]) -> ColumnElement[bool]:
    """With the providers that there are: the key is organization, provider, number."""
    return DriftCheck.provider.in_(PROVIDERS) & sql.is_of(scope, DriftCheck.phone_number, numbers)


def _is_target(scope: Scope) -> ColumnElement[bool]:
    """Whether the number of a check is to be watched: an index is asked, row by row."""
    answered = _answered(scope).where(
        Endpoint.provider == DriftCheck.provider, Endpoint.phone_number == DriftCheck.phone_number
    )
    called_back = _called_back(scope).where(
        VoicePhoneNumber.provider == DriftCheck.provider,
        VoicePhoneNumber.phone_number == DriftCheck.phone_number,
    )
    return or_(answered.correlate(DriftCheck).exists(), called_back.correlate(DriftCheck).exists())


def _targets(scope: Scope, numbers: Collection[str] | None) -> Subquery:
    """Provider and number of each that is to be watched, among `numbers` (all where None)."""
    answered = _answered(scope)
    called_back = _called_back(scope).with_only_columns(
        VoicePhoneNumber.provider, VoicePhoneNumber.phone_number
    )
    if numbers is not None:
        answered = answered.where(sql.is_of(scope, Endpoint.phone_number, numbers))
        called_back = called_back.where(sql.is_of(scope, VoicePhoneNumber.phone_number, numbers))
    return union(answered, called_back).subquery()


def _forget(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    own = (DriftCheck.organization_id == scope.organization.id) & (DriftCheck.provider == provider)
    if numbers:
        sql.run(scope, delete(DriftCheck).where(own, DriftCheck.phone_number.in_(numbers)))


def _make_rows(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    """Several may look at a number for the first time at once."""
    own = {"organization_id": scope.organization.id, "provider": provider, "due": False}
    rows = [own | {"phone_number": number} for number in numbers]
    if rows:
        sql.run(scope, sql.insert(scope, DriftCheck).values(rows).on_conflict_do_nothing())


def due(scope: Scope, provider: str, *, after: str = "", limit: int) -> list[str]:
    """Numbers of one provider that are to be asked about, in order, after the number `after`."""
    query = (
        select(DriftCheck.phone_number)
        .where(
            DriftCheck.organization_id == scope.organization.id,
            DriftCheck.provider == provider,
            DriftCheck.due,
            DriftCheck.phone_number > after,
        )
        .order_by(DriftCheck.phone_number)
        .limit(limit)
    )
    return list(scope.session.scalars(query))


def due_counts(scope: Scope) -> dict[str, int]:
    """How many numbers are to be asked about, by provider."""
    query = (
        select(DriftCheck.provider, func.count().label("numbers"))
        .where(DriftCheck.organization_id == scope.organization.id, DriftCheck.due)
        .group_by(DriftCheck.provider)
    )
    return {row.provider: row.numbers for row in scope.session.execute(query)}


def drifted(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Provider and number of each that was last seen to differ."""
    return select(DriftCheck.provider, DriftCheck.phone_number).where(
        DriftCheck.organization_id == scope.organization.id, DriftCheck.in_sync.is_(False)
    )


def drifted_among(scope: Scope, providers: Collection[str], *, most: int) -> int:
    """How many numbers of these providers were last seen to differ; `most` where there are more."""
    some = drifted(scope).where(DriftCheck.provider.in_(providers)).limit(most).subquery()
    return scope.session.scalar(select(func.count()).select_from(some)) or 0


def drifted_providers(scope: Scope) -> set[str]:
    """The keys of those that have a number that was last seen to differ."""
    return set(scope.session.scalars(drifted(scope).with_only_columns(DriftCheck.provider).distinct()))


def refused(scope: Scope) -> set[str]:
    """The keys of the providers that refused the stored credentials when they were last asked."""
    query = drifted(scope).with_only_columns(DriftCheck.provider).distinct()
    return set(scope.session.scalars(query.where(DriftCheck.reason == Reason.CREDENTIALS_REFUSED)))


def of_numbers(scope: Scope, numbers: Collection[str]) -> dict[tuple[str, str], DriftCheck]:
    """What was last seen of the numbers, by provider and number."""
    query = scope.select(DriftCheck).where(_among(scope, numbers))
    return {(row.provider, row.phone_number): row for row in scope.session.scalars(query)}


def of_number(scope: Scope, row: Endpoint) -> DriftCheck | None:
    return of_numbers(scope, [row.phone_number]).get((row.provider, row.phone_number))


def tallies(scope: Scope, organization_id: str | None = None) -> dict[str, Tally]:
    """By organization id, of all of them or of one, in three queries that indexes answer."""
    check, run = DriftCheck, CheckRun
    drifted = select(check.organization_id, func.count(), func.min(check.since)).where(
        check.in_sync.is_(False)
    )
    due = select(check.organization_id, func.count()).where(check.due)
    runs = select(run.organization_id, run.finished_at)
    if organization_id is not None:
        drifted = drifted.where(check.organization_id == organization_id)
        due = due.where(check.organization_id == organization_id)
        runs = runs.where(run.organization_id == organization_id)
    found: dict[str, Tally] = {}
    for owner, count, since in scope.session.execute(drifted.group_by(check.organization_id)):
        found[owner] = Tally(drifted=count, since=since)
    for owner, count in scope.session.execute(due.group_by(check.organization_id)):
        found[owner] = replace(found.get(owner, Tally()), due=count)
    for owner, finished_at in scope.session.execute(runs):
        found[owner] = replace(found.get(owner, Tally()), checked_at=finished_at)
    return found


def tally(scope: Scope) -> Tally:
    own = scope.organization.id
    return tallies(scope, own).get(own, Tally())
