"""Checks of a webhook that was set up: whether its provider still sends call reports to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core import texts
from app.core.errors import Conflict
from app.models import Call, VoicePhoneNumber
from app.provider import Capability, Provider
from app.provider.voice_ai import Webhook
from app.services.connections import proof
from app.services.connections.gateway import ProviderCallFailed
from app.services.drift.hooks import Watched
from app.services.lease import Lease
from app.services.scope import Scope
from app.services.voice_ai import messages, webhook
from app.services.voice_ai.webhook import Result, State, Status
from app.services.voice_ai.webhook_work import Work

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

MOST_AGENTS = 50
"""How many agents' settings a check reads."""


def check(scope: Scope, http: Outbound, provider: Provider) -> Watched:
    """Reads the webhook at the provider if one was set up, and stores its state.

    If the provider disabled it, it is enabled again. A change that a user made there is only reported.
    """
    if Capability.CALL_REPORTS not in provider.capabilities:
        return Watched()
    try:
        result = _perform(scope, http, provider, mends=True)
    except Conflict:
        return Watched()
    if result is None or result.failure:
        return Watched(failure=result.failure if result else None)
    if result.state is State.ACTIVE:
        return Watched()
    return Watched(messages.webhook_problem(provider.label, result.reason or ""))


def inspect(scope: Scope, http: Outbound, provider: Provider) -> Status:
    """Reads the webhook as `check` does, without changes at the provider, and returns its state.

    Raises Conflict during a setup, and if the provider does not respond; then the stored state stays.
    """
    result = _perform(scope, http, provider, mends=False)
    if result and result.failure:
        raise Conflict(result.failure)
    return webhook.status(scope, provider)


def _perform(scope: Scope, http: Outbound, provider: Provider, *, mends: bool) -> Result | None:
    before = webhook.status(scope, provider)
    if before.state is State.WAITING:
        return None

    def read(scope: Scope, http: Outbound, work: Work, lease: Lease) -> Result:
        try:
            return _read(scope, http, work, lease if mends else None)
        except ProviderCallFailed as error:
            if error.result.code not in proof.INCONCLUSIVE:
                raise
            return Result(before.state, before.reason, before.foreign_id, failure=error.message)

    return webhook.perform(scope, http, provider, read)


def _read(scope: Scope, http: Outbound, work: Work, lease: Lease | None) -> Result:
    """Returns the state as read. Without the lease, nothing is changed."""
    label = work.provider.label
    listed = work.webhooks(http)
    current = next((one for one in listed if work.is_usable(one)), None)
    if current is None:
        return Result(State.FAILED, messages.webhook_gone(label))
    if current.is_disabled and not current.is_auto_disabled:
        return Result(State.FAILED, messages.webhook_switched_off(label))
    setting = work.call(http, lambda calls, client: calls.call_webhook(client, work.values))
    if setting.webhook_id is None:
        return Result(State.FAILED, messages.webhook_not_selected(label))
    if setting.webhook_id != current.id:
        return webhook.foreign(listed, setting.webhook_id)
    if not setting.has_all_events:
        return Result(State.FAILED, messages.webhook_lacks_events(label))
    done, lacks_retries = Result(State.ACTIVE, webhook=current), not webhook.has_retries(work, current)
    if lease and (current.is_auto_disabled or lacks_retries):
        done = webhook.complete(scope, http, work, lease)
    elif current.is_auto_disabled:
        return Result(State.FAILED, messages.webhook_disabled_itself(label))
    if done.state is not State.ACTIVE:
        return done
    flaws = [*_failing(scope, current, label), *_reported_elsewhere(scope, http, work, current.id)]
    if lacks_retries and not lease:
        flaws.append(messages.webhook_without_retries(label))
    return replace(done, state=State.IMPAIRED, reason=" ".join(flaws)) if flaws else done


def _failing(scope: Scope, current_webhook: Webhook, label: str) -> Iterator[str]:
    """Yields sentences about a failed delivery. A report that was received after it makes it obsolete."""
    calls = select(Call.received_at).where(Call.organization_id == scope.organization.id)
    last = scope.session.scalar(calls.order_by(Call.at.desc(), Call.id.desc()).limit(1))
    scope.end_read()
    if current_webhook.failed_at and (last is None or last < current_webhook.failed_at):
        yield messages.webhook_failing(label, current_webhook.failed_at, current_webhook.failure)
        if current_webhook.is_auto_disabled:
            yield messages.webhook_auto_disabled(label)


def _reported_elsewhere(scope: Scope, http: Outbound, work: Work, webhook_id: str) -> Iterator[str]:
    """Yields a sentence if agents that answer the organization's numbers have their own webhook."""
    conditions = (
        VoicePhoneNumber.organization_id == scope.organization.id,
        VoicePhoneNumber.ai_provider == work.provider.key,
        VoicePhoneNumber.ai_agent_id.is_not(None),
    )
    ids = scope.session.scalars(
        select(VoicePhoneNumber.ai_agent_id).where(*conditions).distinct().limit(MOST_AGENTS)
    )
    agent_ids = sorted(agent_id for agent_id in ids if agent_id)
    reporting = work.call(
        http,
        lambda calls, client: calls.agents_reporting_elsewhere(client, work.values, agent_ids, webhook_id),
    )
    if reporting:
        yield messages.webhook_of_agents(
            [texts.one_line(agent.name, webhook.FOREIGN_LONGEST) for agent in reporting]
        )
