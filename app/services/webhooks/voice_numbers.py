"""Users' numbers at a provider whose application has one callback URL: their checks, and moving one to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core.errors import Conflict, NotFound, Stale
from app.models import DriftCheck, User, Verdict, VoicePhoneNumber
from app.provider import Capability, Provider
from app.provider.numbers import ProviderNumber, Reason
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, store
from app.services.connections.proof import Evidence
from app.services.connections.provider_writes import Intent
from app.services.connections.store import StoredConnection
from app.services.drift import probe, queue, verdicts
from app.services.drift.verdicts import Observation
from app.services.scope import Scope
from app.services.webhooks import messages

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

DETACHED = (Reason.APPLICATION_OVERRIDES, Reason.NO_WEBHOOK)


@dataclass
class AssignedNumber:
    """A number, the users who have it (id and name), and its last check."""

    number: str
    check: DriftCheck | None
    people: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_off(self) -> bool:
        """Whether the last check found it on another application, or on none."""
        return self.check is not None and self.check.cause in DETACHED

    @property
    def is_unhealthy(self) -> bool:
        return self.check is not None and self.check.verdict == Verdict.UNHEALTHY


@dataclass(frozen=True)
class Plan:
    """The number as read, before moving it. `digest` is its digest, to pass to `attach`."""

    number: str
    url: str
    now: Observation
    digest: str


def assigned_numbers(scope: Scope, provider: Provider) -> list[AssignedNumber]:
    """Returns each number once, drifted ones first."""
    checks = scope.select(DriftCheck).where(DriftCheck.provider == provider.key)
    checks_by_number = {check.phone_number: check for check in scope.session.scalars(checks)}
    number = VoicePhoneNumber
    query = (
        select(number.phone_number, User.id, User.name)
        .join(User, User.id == number.user_id)
        .where(number.organization_id == scope.organization.id, number.provider == provider.key)
        .order_by(number.phone_number, User.name, User.id)
    )
    by_number: dict[str, AssignedNumber] = {}
    for text, user_id, name in scope.session.execute(query):
        row = by_number.setdefault(text, AssignedNumber(text, checks_by_number.get(text)))
        row.people.append((user_id, name))
    return sorted(by_number.values(), key=lambda row: not row.is_unhealthy)


def plan(scope: Scope, http: Outbound, provider: Provider, number: str) -> Plan:
    """Reads one of the numbers at the provider, and saves the result.

    Raises NotFound, TooMany; Conflict if no callback URL was set from Patchbay, or the provider does not
    return the number, or uses it for something other than calls.
    """
    state, url = _connection_and_url(scope, provider, number)
    now = probe.observe(scope, http, state, number, url, quota=gateway.OBSERVE)
    if now.number is None or not now.number.has_voice:
        raise Conflict(now.message, code=str(now.reason or "").upper())
    return Plan(number, url, now, probe.digest(now.number))


def attach(
    scope: Scope, http: Outbound, provider: Provider, number: str, *, expected_digest: str
) -> Observation:
    """Moves the number to the application, and returns it as read afterwards.

    Raises Stale, with the new plan, and changes nothing, if `expected_digest` is no longer the number's
    digest; the errors of `plan`; Conflict also if the provider refuses.
    """
    http = http.within(gateway.OBSERVE.seconds)
    present = plan(scope, http, provider, number)
    if present.now.in_sync:
        return present.now
    if present.digest != expected_digest:
        raise Stale(messages.changed(provider.label), current=present)
    return _move(scope, http, provider, present)


def _connection_and_url(scope: Scope, provider: Provider, number: str) -> tuple[StoredConnection, str]:
    if not probe.can(provider, Capability.POINT):
        raise NotFound(messages.cannot_attach(provider.label))
    own = scope.select(VoicePhoneNumber).where(
        VoicePhoneNumber.provider == provider.key, VoicePhoneNumber.phone_number == number
    )
    row = scope.session.scalar(own.limit(1))
    if row is None:
        raise NotFound(messages.NUMBER_UNKNOWN)
    if row.ai_enabled:
        raise Conflict(messages.ANSWERED_BY_AGENT, code="ANSWERED_BY_AGENT")
    state = store.load(scope, provider)
    if state.callback_url is None:
        raise Conflict(messages.callback_first(provider.label), code="NOTHING_EXPECTED")
    return state, state.callback_url


def _move(scope: Scope, http: Outbound, provider: Provider, planned: Plan) -> Observation:
    """Moves the number, and queues checks of the others, since it may set their shared URL."""
    state = store.load(scope, provider)
    number: Any = planned.now.number
    application: Any = provider
    changes = {"webhook": [planned.now.actual, planned.url]}
    intent = Intent(scope, http, Action.NUMBER_POINTED, provider, subject=planned.number, changes=changes)
    done = verdicts.run_probe(
        lambda: gateway.call(
            scope,
            intent.http,
            state,
            lambda client, values: application.point(client, values, number, planned.url),
            evidence=Evidence.POINT,
        )
    )
    after = probe.observe(scope, http, state, planned.number, planned.url)
    with scope.transaction():
        if after.in_sync or not done.trouble:
            changed = {
                "webhook": [planned.now.actual, after.actual],
                **_application_change(number, after.number),
            }
            log.record(scope, Action.NUMBER_POINTED, planned.number, changed)
            intent.succeed()
        others = [row.number for row in assigned_numbers(scope, provider) if row.number != planned.number]
        queue.mark_due(scope, others, changed=False)
    if done.trouble and not after.in_sync:
        (intent.mark_unknown if after.in_sync is None else intent.fail)(done.sentence)
        more = messages.ATTACHMENT_UNKNOWN if after.in_sync is None else messages.NOT_ATTACHED
        raise gateway.failed(done.outcome, f"{done.sentence} {more}")
    return after


def _application_change(
    before: ProviderNumber, after: ProviderNumber | None
) -> Mapping[str, list[str | None]]:
    """Returns the application before and after, if it changed, for the audit log."""
    now = after.application_id if after else ""
    return (
        {"application": [before.application_id or None, now or None]} if before.application_id != now else {}
    )
