"""The webhook by which ElevenLabs tells about an organization's calls: exactly one in its workspace.

Setting it up looks first, and does what is lacking: killed at any step, the next time ends where this
one would have. What it makes is stored at once, because its secret is told once.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import or_, update

from app.core import clock, texts, urls
from app.core.errors import Conflict, PatchbayError
from app.core.outbound.answer import OutboundError
from app.models import WebhookSetup
from app.provider import Outcome, Provider, Refusal, refused
from app.providers import PROVIDERS, elevenlabs
from app.providers.elevenlabs import Webhook
from app.services import sql
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.connections import provider_writes, store, verification
from app.services.connections.provider_writes import Intent
from app.services.connections.store import StoredConnection
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

KEY = "elevenlabs"
BUDGET = 20.0
"""Seconds, for all calls of one setting up."""
LEASE = timedelta(seconds=60)
FOREIGN_LONGEST = 100

READY = "Ready to set up."
OUTDATED = "What is set up does not fit what is stored here any more."
CHANGED = "The API key or the base URL was changed meanwhile."
NO_SECRET = "ElevenLabs made a webhook and told no secret of it that can be kept. It was deleted again."  # noqa: S105
RUNNING = "The webhook is being set up already. Look again in a moment."
FAULT = "Something went wrong here. The log says what."


class State(StrEnum):
    WAITING = "waiting"
    ACTIVE = "working"
    FAILED = "failed"
    NEEDS_CONFIRMATION = "asks"


@dataclass(frozen=True)
class Status:
    """How far it is. `can_start`: nothing that it needs is missing. `foreign_id`: who is told instead."""

    state: State
    reason: str | None = None
    can_start: bool = True
    url: str | None = None
    foreign_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class _Work:
    """What is to be set up, as it was when the lease was taken. `replace`: whose place ours may take."""

    url: str
    path: str
    name: str
    values: Mapping[str, Any] = field(repr=False)
    webhook_id: str | None
    has_secret: bool
    lease: datetime
    replace: str | None

    def is_ours(self, webhook: Webhook) -> bool:
        return webhook.id == self.webhook_id or urls.has_path_end(webhook.url, self.path)

    def is_usable(self, webhook: Webhook) -> bool:
        return self.has_secret and webhook.id == self.webhook_id and urls.same(webhook.url, self.url)


@dataclass(frozen=True)
class _Result:
    state: State
    reason: str | None = None
    foreign_id: str | None = None


def status(scope: Scope) -> Status:
    """As it was left, unless something that it needs is gone since."""
    connection = store.load(scope, PROVIDERS[KEY])
    if missing := _missing(scope, connection):
        return Status(State.WAITING, missing, can_start=False)
    row = scope.session.scalar(scope.select(WebhookSetup).execution_options(populate_existing=True))
    if row is None or row.state == State.WAITING:
        return Status(State.WAITING, READY)
    if row.state == State.ACTIVE and not (row.url == _url(scope) and connection.opens("webhook_secret")):
        return Status(State.FAILED, OUTDATED)
    return Status(State(row.state), row.reason, True, row.url, row.foreign_id, row.updated_at)


def is_made(connection: StoredConnection) -> bool:
    """Whether there is one at ElevenLabs that the connection knows of."""
    return connection.provider.key == KEY and "webhook_id" in connection.values


def follow(scope: Scope, http: Outbound, provider: Provider | None = None) -> None:
    """After a save (of `provider`, where only one was saved): the save stands, whatever comes of this."""
    if provider is not None and provider.key != KEY:
        return
    try:
        set_up(scope, http)
    except PatchbayError as error:
        log.warning("workspace_webhook.not_begun", code=error.code)
    except Exception:
        log.exception("workspace_webhook.broken")
        scope.session.rollback()


def set_up(scope: Scope, http: Outbound, *, replace: str | None = None) -> Status:
    """Does what is lacking, and says how far it came. No transaction is open while ElevenLabs is called.

    `replace` is somebody else's webhook that may lose its place. Conflict while another one is at it.
    """
    work = _begin(scope, replace)
    if work is not None:
        provider = PROVIDERS[KEY]
        changes = {"webhook": [None, work.url]}
        intent = Intent(
            scope,
            http.within(BUDGET),
            Action.WEBHOOK_SET_UP,
            provider,
            subject=provider.label,
            changes=changes,
        )
        result = _outcome(scope, intent.http, work)
        _finish(scope, work, result, intent)
    return status(scope)


def _missing(scope: Scope, connection: StoredConnection) -> str | None:
    if not connection.enabled:
        return "ElevenLabs is disabled. Enable it first."
    if not connection.opens("api_key"):
        return "ElevenLabs has no API key that can be used. Enter one."
    if not scope.organization.public_base_url:
        return "The organization has no public base URL. Enter one under Settings."
    return None


def _url(scope: Scope) -> str:
    return f"{scope.organization.public_base_url}{urls.call_events_path(scope.organization.id)}"


def _begin(scope: Scope, replace: str | None) -> _Work | None:
    """Takes the lease; None where something is missing, which is noted."""
    earliest, latest = clock.ends_of_leases(LEASE)
    lease = earliest + LEASE
    mine = WebhookSetup.organization_id == scope.organization.id
    is_over = or_(WebhookSetup.leased_until <= earliest, WebhookSetup.leased_until > latest)
    is_free = or_(WebhookSetup.leased_until.is_(None), is_over)
    with scope.transaction():
        if scope.session.scalar(scope.select(WebhookSetup)) is None:
            scope.session.add(
                WebhookSetup(organization_id=scope.organization.id, state=State.WAITING, reason=READY)
            )
            scope.session.flush()
        connection = store.load(scope, PROVIDERS[KEY])
        if missing := _missing(scope, connection):
            is_news = or_(WebhookSetup.state != State.WAITING, WebhookSetup.reason != missing)
            _write(scope, mine & is_news, state=State.WAITING, reason=missing, foreign_id=None)
            return None
        kept = {"leased_until": lease, "updated_at": WebhookSetup.updated_at}
        if not _write(scope, mine & is_free, **kept):
            raise Conflict(RUNNING, code="SETUP_RUNNING")
        return _work(scope, connection, lease, replace)


def _write(scope: Scope, where: Any, **values: Any) -> bool:
    return bool(sql.run(scope, update(WebhookSetup).where(where).values(**values)))


def _work(scope: Scope, connection: StoredConnection, lease: datetime, replace: str | None = None) -> _Work:
    return _Work(
        url=_url(scope),
        path=urls.call_events_path(scope.organization.id),
        name=f"Patchbay {scope.organization.name}",
        values={"api_key": connection.secrets["api_key"].value},
        webhook_id=connection.values.get("webhook_id"),
        has_secret=connection.opens("webhook_secret"),
        lease=lease,
        replace=replace,
    )


def _outcome(scope: Scope, http: Outbound, work: _Work) -> _Result:
    try:
        return _run(scope, http, work)
    except Refusal as refusal:
        result = _Result(State.FAILED, refusal.result.reason)
        log.warning("workspace_webhook.failed", code=str(refusal.result.code))
    except OutboundError as error:
        result = _Result(State.FAILED, error.message)
        log.warning("workspace_webhook.failed", code=error.code)
    except Exception:
        result = _Result(State.FAILED, FAULT)
        log.exception("workspace_webhook.broken")
    return result


def _run(scope: Scope, http: Outbound, work: _Work) -> _Result:
    listed = elevenlabs.webhooks(http, work.values)
    ours = [webhook for webhook in listed if work.is_ours(webhook)]
    kept = next((webhook for webhook in ours if work.is_usable(webhook)), None)
    if kept is None:
        kept_id = _make(scope, http, work)
    else:
        kept_id = kept.id
        if kept.is_off:
            elevenlabs.switch_webhook_on(http, work.values, kept_id, work.name)
    foreign = _take_place(scope, http, work, [kept_id, *[webhook.id for webhook in ours]])
    for webhook in ours:
        if webhook.id != kept_id:
            _delete_older(http, work, webhook)
    if foreign is None:
        return _Result(State.ACTIVE)
    name = next((webhook.name for webhook in listed if webhook.id == foreign), "")
    shown = texts.one_line(name, FOREIGN_LONGEST) or "without a name"
    foreign = texts.one_line(foreign, FOREIGN_LONGEST)
    return _Result(
        State.NEEDS_CONFIRMATION,
        f"ElevenLabs tells another webhook about calls: {shown} ({foreign}).",
        foreign,
    )


def _make(scope: Scope, http: Outbound, work: _Work) -> str:
    """The id of a fresh one that is stored. One that cannot be stored is deleted again."""
    made = elevenlabs.make_webhook(http, work.values, work.name, work.url)
    provider = PROVIDERS[KEY]
    problem = CHANGED
    try:
        changes = {
            "webhook_id": provider.field("webhook_id").check(made.id, None),
            "webhook_secret": provider.field("webhook_secret").check(made.secret or "", None),
        }
    except ValueError:
        problem = NO_SECRET
    else:
        if _store(scope, work, changes):
            return made.id
    with suppress(Refusal, OutboundError):
        elevenlabs.delete_webhook(http, work.values, made.id)
    raise Refusal(refused(Outcome.UNEXPECTED_ANSWER, problem))


def _store(scope: Scope, work: _Work, changes: Mapping[str, Any]) -> bool:
    """False where the webhook is not wanted any more, or somebody else has taken over."""
    with scope.transaction():
        if not _is_still_wanted(scope, work) or _lease(scope) != work.lease:
            return False
        before = store.load(scope, PROVIDERS[KEY]).version
        told = store.apply(scope, PROVIDERS[KEY], changes)
        scope.session.flush()
        verification.carry_over(scope, store.load(scope, PROVIDERS[KEY]), before)
        audit_log.record(scope, Action.CONNECTION_SAVED, PROVIDERS[KEY].label, told)
    return True


def _is_still_wanted(scope: Scope, work: _Work) -> bool:
    connection = store.load(scope, PROVIDERS[KEY])
    if _missing(scope, connection):
        return False
    now = _work(scope, connection, work.lease)
    return (now.url, now.values) == (work.url, work.values)


def _lease(scope: Scope) -> datetime | None:
    return scope.session.scalar(scope.select(WebhookSetup).with_only_columns(WebhookSetup.leased_until))


def _take_place(scope: Scope, http: Outbound, work: _Work, ours: list[str]) -> str | None:
    """Makes the first of ours the one that is told about calls; the id of who has its place, if foreign."""
    kept_id = ours[0]
    setting = elevenlabs.call_webhooks(http, work.values)
    now = elevenlabs.told_of_calls(setting)
    is_foreign = now is not None and now not in (*ours, work.webhook_id)
    if is_foreign and now != work.replace:
        return now
    if now == kept_id and setting.get("events") == elevenlabs.call_events(setting):
        return None
    elevenlabs.tell_of_calls(http, work.values, setting, kept_id)
    if is_foreign:
        with scope.transaction(lock=False):
            audit_log.note(
                scope, Action.WEBHOOK_REPLACED, PROVIDERS[KEY].label, {"post_call_webhook": [now, kept_id]}
            )
    return None


def _delete_older(http: Outbound, work: _Work, webhook: Webhook) -> None:
    try:
        elevenlabs.delete_webhook(http, work.values, webhook.id)
    except Refusal as refusal:
        result = refusal.result
        reason = f"An older webhook of Patchbay could not be deleted. {result.reason}"
        raise Refusal(refused(Outcome(result.code), reason)) from None


def _finish(scope: Scope, work: _Work, result: _Result, intent: Intent) -> None:
    """Gives the lease back, unless somebody else has taken it since."""
    is_ours = (WebhookSetup.organization_id == scope.organization.id) & (
        WebhookSetup.leased_until == work.lease
    )
    with scope.transaction():
        if not _is_still_wanted(scope, work):
            result = _Result(State.FAILED, CHANGED)
        row = scope.session.scalars(scope.select(WebhookSetup)).one()
        url = work.url if result.state is State.ACTIVE else None
        is_same = (row.state, row.url) == (result.state, url)
        _write(
            scope,
            is_ours,
            state=result.state,
            reason=result.reason,
            url=url,
            foreign_id=result.foreign_id,
            leased_until=None,
            updated_at=row.updated_at if is_same else clock.now(),
        )
        _record_change(scope, work, result, intent)


def _record_change(scope: Scope, work: _Work, result: _Result, intent: Intent) -> None:
    """What came of it, and of one before that was broken off: this one has looked at all there is."""
    provider = PROVIDERS[KEY]
    if intent.has_begun and result.state is State.FAILED:
        intent.note_failure(result.reason or FAULT)
    elif intent.has_begun:
        told = {"webhook": [None, work.url], "reason": [None, result.reason]}
        audit_log.note(scope, Action.WEBHOOK_SET_UP, provider.label, told)
        intent.done()
    provider_writes.resolve(scope, provider, {provider.label: result.reason or work.url})
