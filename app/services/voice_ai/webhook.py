"""The webhook that receives call reports: exactly one in an organization's workspace at each provider.

Setup reads the existing webhooks first, and makes only the necessary changes. If it is killed at any step,
the next setup completes it. A new webhook is stored immediately, because its secret is returned only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as replace_in
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog

from app.core import clock, texts, urls
from app.core.errors import Conflict, PatchbayError
from app.models import WebhookSetup
from app.provider import Capability, Origin, Provider
from app.provider.voice_ai import Webhook
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.connections import provider_writes, store
from app.services.connections.gateway import ProviderCallFailed
from app.services.connections.provider_writes import Intent
from app.services.connections.store import StoredConnection
from app.services.lease import Lease
from app.services.scope import Scope
from app.services.voice_ai import messages, selection, webhook_news
from app.services.voice_ai.webhook_work import Work

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

BUDGET = 20.0
"""Seconds for all calls of one setup."""
LEASE = timedelta(seconds=45)
FOREIGN_LONGEST = 100
ID, SECRET = "webhook_id", "webhook_secret"
DELIVERIES = ("failed_at", "failure_status", "disabled_at")
"""The columns about deliveries, as the provider reports them."""


class State(StrEnum):
    """The states of a webhook. The values are stored."""

    WAITING = "waiting"
    ACTIVE = "working"
    IMPAIRED = "impaired"
    FAILED = "failed"
    NEEDS_CONFIRMATION = "asks"


WORKING = (State.ACTIVE, State.IMPAIRED)
"""States in which at least some reports are received."""


@dataclass(frozen=True)
class Status:
    """The state of the setup. `can_start`: nothing that it needs is missing.

    `foreign_id`: another webhook that receives the reports instead. `checked_at`: when the provider's state
    was last read. `failed_at` and `failure_status`: the last failed delivery. `disabled_at`: when the
    provider was found to have disabled the webhook itself, before Patchbay enabled it again.
    """

    state: State
    reason: str | None = None
    can_start: bool = True
    url: str | None = None
    foreign_id: str | None = None
    since: datetime | None = None
    checked_at: datetime | None = None
    failed_at: datetime | None = None
    failure_status: int | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True)
class Result:
    """The result of a setup or check.

    `has_retries`: they were turned on. `webhook`: our webhook, as read at the provider; None for a new one.
    `failure`: why the provider's state could not be read.
    """

    state: State
    reason: str | None = None
    foreign_id: str | None = None
    has_retries: bool = False
    webhook: Webhook | None = None
    failure: str | None = None


def providers() -> tuple[Provider, ...]:
    """Returns the voice AI providers that report calls."""
    return selection.having(Capability.CALL_REPORTS)


def status(scope: Scope, provider: Provider) -> Status:
    """Returns the stored state, or WAITING if something that the webhook needs is missing now."""
    connection = store.load(scope, provider)
    if missing := _missing(scope, connection):
        return Status(State.WAITING, missing, can_start=False)
    row = scope.session.scalar(_rows(scope, provider).execution_options(populate_existing=True))
    if row is None or row.state == State.WAITING:
        return Status(State.WAITING, messages.WEBHOOK_READY)
    if row.state in WORKING and not (row.url == _url(scope, provider) and connection.opens(SECRET)):
        return Status(State.FAILED, messages.WEBHOOK_OUTDATED)
    return Status(
        State(row.state),
        row.reason,
        url=row.url,
        foreign_id=row.foreign_id,
        since=row.updated_at,
        checked_at=row.checked_at,
        failed_at=row.failed_at,
        failure_status=row.failure_status,
        disabled_at=row.disabled_at,
    )


def statuses(scope: Scope) -> dict[str, Status]:
    """Returns the state at each provider that reports calls, by its key."""
    return {provider.key: status(scope, provider) for provider in providers()}


def is_made(connection: StoredConnection) -> bool:
    """Whether the connection has a webhook at its provider."""
    return Capability.CALL_REPORTS in connection.provider.capabilities and ID in connection.values


def follow(scope: Scope, http: Outbound, provider: Provider | None = None) -> None:
    """Sets up the webhooks after a save, of `provider` or of all. It raises nothing: the save succeeded."""
    for one in providers():
        if provider is None or provider.key == one.key:
            _try_set_up(scope, http, one)


def _try_set_up(scope: Scope, http: Outbound, provider: Provider) -> None:
    try:
        set_up(scope, http, provider)
    except PatchbayError as error:
        log.warning("workspace_webhook.not_begun", provider=provider.key, code=error.code)
    except Exception:
        log.exception("workspace_webhook.broken", provider=provider.key)
        scope.session.rollback()


def set_up(scope: Scope, http: Outbound, provider: Provider, *, replace: str | None = None) -> Status:
    """Makes the necessary changes, and returns the state.

    No transaction is open during the provider's requests. `replace` is the id of another webhook that may
    be replaced. Raises Conflict during another setup.
    """
    perform(scope, http, provider, complete, replace)
    return status(scope, provider)


Operation = Callable[[Scope, "Outbound", Work, Lease], Result]


def perform(
    scope: Scope, http: Outbound, provider: Provider, operation: Operation, replace: str | None = None
) -> Result | None:
    """Runs the operation under the lease, and stores its result; None if something is missing."""
    lease = Lease(scope, WebhookSetup, LEASE, WebhookSetup.provider == provider.key)
    work = _begin(scope, provider, lease, replace)
    if work is None:
        return None
    intent = Intent(
        scope,
        http.within(BUDGET),
        Action.WEBHOOK_SET_UP,
        provider,
        subject=provider.label,
        changes={"webhook": [None, work.url]},
    )
    return _finish(scope, work, lease, _run(scope, intent.http, work, lease, operation), intent)


def _rows(scope: Scope, provider: Provider) -> Any:
    return scope.select(WebhookSetup).where(WebhookSetup.provider == provider.key)


def _missing(scope: Scope, connection: StoredConnection) -> str | None:
    label = connection.provider.label
    if not connection.enabled:
        return messages.webhook_disabled(label)
    if connection.missing:
        return messages.webhook_needs(label, [declared.label for declared in connection.missing])
    if not scope.organization.public_base_url:
        return messages.BASE_URL_MISSING
    return None


def _path(scope: Scope, provider: Provider) -> str:
    return urls.call_reports_path(provider.key, scope.organization.id)


def _url(scope: Scope, provider: Provider) -> str:
    return f"{scope.organization.public_base_url}{_path(scope, provider)}"


def _begin(scope: Scope, provider: Provider, lease: Lease, replace: str | None) -> Work | None:
    """Acquires the lease and returns the work; None, which is stored, if something is missing."""
    with scope.transaction():
        row = scope.session.scalar(_rows(scope, provider))
        if row is None:
            row = WebhookSetup(
                organization_id=scope.organization.id,
                provider=provider.key,
                state=State.WAITING,
                reason=messages.WEBHOOK_READY,
            )
            scope.session.add(row)
            scope.session.flush()
        connection = store.load(scope, provider)
        if missing := _missing(scope, connection):
            if (row.state, row.reason) != (State.WAITING, missing):
                row.state, row.reason, row.foreign_id = State.WAITING, missing, None
            return None
        if not lease.acquire(updated_at=WebhookSetup.updated_at):
            raise Conflict(messages.WEBHOOK_RUNNING, code="SETUP_RUNNING")
        return replace_in(_work(scope, connection), replace=replace, has_retries=row.has_retries)


def _work(scope: Scope, connection: StoredConnection) -> Work:
    provider = connection.provider
    return Work(
        scope=scope,
        connection=connection,
        url=_url(scope, provider),
        path=_path(scope, provider),
        name=f"Patchbay {scope.organization.name}",
        values={
            declared.name: connection.raw(declared)
            for declared in provider.fields
            if declared.origin is Origin.TYPED
        },
        webhook_id=connection.values.get(ID),
        has_secret=connection.opens(SECRET),
        has_retries=False,
        replace=None,
    )


def _run(scope: Scope, http: Outbound, work: Work, lease: Lease, operation: Operation) -> Result:
    try:
        return operation(scope, http, work, lease)
    except Conflict as error:
        return Result(State.FAILED, error.message)
    except Exception:
        log.exception("workspace_webhook.broken")
        return Result(State.FAILED, messages.WEBHOOK_FAULT)


def complete(scope: Scope, http: Outbound, work: Work, lease: Lease) -> Result:
    """Creates, enables and selects our webhook as necessary, and deletes older ones."""
    listed = work.webhooks(http)
    own_webhooks = [webhook for webhook in listed if work.is_ours(webhook)]
    usable = next((webhook for webhook in own_webhooks if work.is_usable(webhook)), None)
    kept_id = usable.id if usable else _create(scope, http, work, lease)
    if usable is None or usable.is_disabled or not has_retries(work, usable):
        work.call(http, lambda calls, client: calls.enable_webhook(client, work.values, kept_id, work.name))
    foreign_id = _select(scope, http, work, [kept_id, *[webhook.id for webhook in own_webhooks]])
    for webhook in own_webhooks:
        if webhook.id != kept_id:
            _delete_older(http, work, webhook)
    if foreign_id is None:
        return Result(State.ACTIVE, has_retries=True, webhook=usable)
    return replace_in(foreign(listed, foreign_id), has_retries=True, webhook=usable)


def has_retries(work: Work, webhook: Webhook) -> bool:
    """Whether a failed delivery is repeated, according to the provider or the last setup."""
    return work.has_retries if webhook.retries is None else webhook.retries


def foreign(listed: list[Webhook], webhook_id: str) -> Result:
    """Returns the result if another webhook receives the reports."""
    name = next((webhook.name for webhook in listed if webhook.id == webhook_id), "")
    shown = texts.one_line(name, FOREIGN_LONGEST) or messages.UNNAMED
    webhook_id = texts.one_line(webhook_id, FOREIGN_LONGEST)
    return Result(State.NEEDS_CONFIRMATION, messages.webhook_foreign(shown, webhook_id), webhook_id)


def _create(scope: Scope, http: Outbound, work: Work, lease: Lease) -> str:
    """Creates a webhook, stores it, and returns its id. If it cannot be stored, it is deleted again."""
    provider = work.provider
    created = work.call(
        http, lambda calls, client: calls.create_webhook(client, work.values, work.name, work.url)
    )
    problem = messages.WEBHOOK_CHANGED
    try:
        changes = {
            ID: provider.field(ID).check(created.id, None),
            SECRET: provider.field(SECRET).check(created.secret or "", None),
        }
    except ValueError:
        problem = messages.webhook_without_secret(provider.label)
    else:
        if _store(scope, work, lease, changes):
            return created.id
    with suppress(ProviderCallFailed):
        work.call(http, lambda calls, client: calls.delete_webhook(client, work.values, created.id))
    raise Conflict(problem)


def _store(scope: Scope, work: Work, lease: Lease, changes: Mapping[str, Any]) -> bool:
    """Stores the webhook. Returns False if the settings changed, or another worker acquired the lease."""
    provider = work.provider
    with scope.transaction():
        if not _is_current(scope, work) or not lease.is_held:
            return False
        changed = store.apply(scope, provider, changes)
        audit_log.record(scope, Action.CONNECTION_SAVED, provider.label, changed)
    return True


def _is_current(scope: Scope, work: Work) -> bool:
    """Whether the settings still require the webhook that is being set up."""
    connection = store.load(scope, work.provider)
    if _missing(scope, connection):
        return False
    now = _work(scope, connection)
    return (now.url, now.values) == (work.url, work.values)


def _select(scope: Scope, http: Outbound, work: Work, own_ids: list[str]) -> str | None:
    """Makes the first of our webhooks receive the reports.

    Returns the id of another webhook that does so.
    """
    kept_id = own_ids[0]
    setting = work.call(http, lambda calls, client: calls.call_webhook(client, work.values))
    now = setting.webhook_id
    is_foreign = now is not None and now not in (*own_ids, work.webhook_id)
    if is_foreign and now != work.replace:
        return now
    if now == kept_id and setting.has_all_events:
        return None
    work.call(http, lambda calls, client: calls.set_call_webhook(client, work.values, setting, kept_id))
    if is_foreign:
        with scope.transaction(lock=False):
            audit_log.note(
                scope, Action.WEBHOOK_REPLACED, work.provider.label, {"post_call_webhook": [now, kept_id]}
            )
    return None


def _delete_older(http: Outbound, work: Work, webhook: Webhook) -> None:
    try:
        work.call(http, lambda calls, client: calls.delete_webhook(client, work.values, webhook.id))
    except ProviderCallFailed as failed:
        raise Conflict(messages.webhook_left(failed.message)) from None


def _finish(scope: Scope, work: Work, lease: Lease, result: Result, intent: Intent) -> Result:
    """Stores the result and releases the lease, if this worker still holds it. Returns the result."""
    with scope.transaction():
        if not _is_current(scope, work):
            result = Result(State.FAILED, messages.WEBHOOK_CHANGED)
        row = scope.session.scalars(_rows(scope, work.provider)).one()
        url = work.url if result.state in WORKING else None
        is_same = (row.state, row.url) == (result.state, url)
        _audit_news(scope, work, State(row.state), result)
        lease.release(
            state=result.state,
            reason=result.reason,
            url=url,
            foreign_id=result.foreign_id,
            has_retries=row.has_retries or result.has_retries,
            checked_at=row.checked_at if result.failure else clock.now(),
            **({} if result.failure else _deliveries(row, result)),
            updated_at=row.updated_at if is_same else clock.now(),
        )
        if not result.failure:
            _record_change(scope, work, result, intent)
    return result


def _deliveries(row: WebhookSetup, result: Result) -> dict[str, Any]:
    """Returns the delivery columns to store: none for a new webhook, the same if ours is gone."""
    if result.webhook is None:
        return {} if result.state is State.FAILED else dict.fromkeys(DELIVERIES)
    disabled_at = clock.now() if result.webhook.is_auto_disabled else row.disabled_at
    return dict(zip(DELIVERIES, (result.webhook.failed_at, result.webhook.failure, disabled_at), strict=True))


def _audit_news(scope: Scope, work: Work, before: State, result: Result) -> None:
    if before is not State.WAITING and not result.failure:
        states = {"was_active": before is State.ACTIVE, "is_active": result.state is State.ACTIVE}
        is_off = result.webhook is not None and result.webhook.is_auto_disabled
        webhook_news.note(scope, work.provider.label, result.reason, **states, was_disabled=is_off)


def _record_change(scope: Scope, work: Work, result: Result, intent: Intent) -> None:
    """Records the result, and closes an interrupted earlier setup: this one has read everything."""
    provider = work.provider
    if intent.has_begun and result.state is State.FAILED:
        intent.note_failure(result.reason or messages.WEBHOOK_FAULT)
    elif intent.has_begun:
        changes = {"webhook": [None, work.url], "reason": [None, result.reason]}
        audit_log.note(scope, Action.WEBHOOK_SET_UP, provider.label, changes)
        intent.succeed()
    provider_writes.resolve(scope, provider, {provider.label: result.reason or work.url})
