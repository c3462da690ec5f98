"""AI on a number: an agent of a voice AI provider answers a number on the organization's SIP trunk.

An agent answers a number for all users who share it, so AI is turned on or off for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import structlog
from pydantic import BaseModel
from sqlalchemy import select

from app.core import etag
from app.core.errors import Conflict, Invalid, NotFound, PatchbayError, Problem, Stale
from app.models import User, VoicePhoneNumber
from app.provider import Provider
from app.provider.voice_ai import Agent, ImportedNumber
from app.providers import PROVIDERS, trunks
from app.services import validation
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.audit.numbers import Changes
from app.services.connections import gateway, provider_writes, store
from app.services.connections.proof import Evidence
from app.services.connections.provider_writes import Intent
from app.services.drift import queue
from app.services.numbers import assignments
from app.services.scope import Scope, expect_version
from app.services.validation import Checked
from app.services.voice_ai import imported, messages, selection
from app.services.voice_ai.imported import Account, Change

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

SECONDS = 30
"""The time limit of all provider calls of one change together."""

SECONDS_TO_UNDO = 15
SECONDS_FOR_A_LIST = 8
NOT_ON_TRUNK = "NUMBER_NOT_ON_TRUNK"
LEFT = "LEFT_AT_PROVIDER"
AGENT_ID = r"[0-9A-Za-z_-]{1,100}"


def check_agent_id(text: str, _country: str | None = None) -> str:
    if not text:
        raise ValueError(messages.CHOOSE_AGENT)
    if not re.fullmatch(AGENT_ID, text):
        raise ValueError(messages.AGENT_ID_WRONG)
    return text


class AiDraft(BaseModel):
    """`aiAgentId` is required to turn AI on; if AI is on already, it may be left out to keep the agent.

    `hereOnly` turns AI off in Patchbay and leaves the provider as it is.
    """

    model_config = validation.STRICT_CAMEL
    fixed: ClassVar[Mapping[str, str]] = validation.read_only(
        *assignments.FIXED, "userId", "label", "isDefault", "isInboundEnabled"
    )

    ai_enabled: bool
    ai_agent_id: Annotated[str, Checked(check_agent_id, {"pattern": f"^{AGENT_ID}$"})] | None = None
    here_only: bool = False


def get(scope: Scope, user: User, number_id: str) -> VoicePhoneNumber:
    """Returns the user's number. Raises Conflict if agents cannot answer numbers of its provider."""
    row = assignments.get(scope, user, number_id)
    supported = trunks()
    if row.provider not in supported:
        labels = [PROVIDERS[key].label for key in supported]
        code = f"NOT_A_{next(iter(supported)).upper()}_NUMBER"
        raise Conflict(messages.not_supported(labels, PROVIDERS[row.provider].label), code=code)
    return row


def sharing(scope: Scope, row: VoicePhoneNumber) -> list[User]:
    """Returns the other users who have the number."""
    return [user for _, user in holders(scope, row.provider, row.phone_number) if user.id != row.user_id]


def lacking(scope: Scope, row: VoicePhoneNumber) -> list[str]:
    """Returns a sentence for each thing to do before AI can be turned on."""
    return [sentence for _, sentence in _to_do(scope, _trunk_and_agents(scope, row))]


def _trunk_and_agents(scope: Scope, row: VoicePhoneNumber) -> tuple[Provider, Provider]:
    """Returns the number's SIP trunk, and the provider whose agent answers."""
    return trunks()[row.provider], selection.of_number(scope, row)


def _to_do(scope: Scope, providers: Iterable[Provider]) -> list[tuple[str, str]]:
    """Returns code and sentence of each thing to do before the providers can be used."""
    problems = []
    for provider in providers:
        state = store.load(scope, provider)
        names = [field.label for field in state.missing]
        if names:
            problems.append(("PROVIDER_NOT_CONFIGURED", messages.not_configured(provider.label, names)))
        elif not state.enabled:
            problems.append(("PROVIDER_DISABLED", messages.disabled(provider.label)))
    return problems


def _accounts(scope: Scope, *providers: Provider) -> list[Account]:
    """Returns each provider with its credentials. Raises Conflict, which names everything to do first."""
    if missing := _to_do(scope, providers):
        sentences = " ".join(sentence for _, sentence in missing)
        raise Conflict(sentences, code=missing[0][0])
    return [Account(scope, gateway.configured(scope, provider)) for provider in providers]


def agents(scope: Scope, http: Outbound, provider: Provider) -> list[Agent]:
    """Returns the agents that can be chosen. Raises Conflict if the provider does not return them."""
    (account,) = _accounts(scope, provider)
    scope.end_read()
    calls = selection.agents_of(provider)
    return account.call(http.within(SECONDS_FOR_A_LIST), calls.agents, Evidence.AGENTS)


def read(payload: object) -> tuple[AiDraft, dict[str, Any]]:
    """Returns the draft, and the read-only fields. Raises Invalid, which names every wrong field."""
    return validation.read_edit(AiDraft, payload)


def update(
    scope: Scope,
    http: Outbound,
    user: User,
    number_id: str,
    edit: tuple[AiDraft, Mapping[str, Any]],
    *,
    version: etag.Condition = None,
) -> VoicePhoneNumber:
    """Turns AI on or off, as the draft requests. Raises Stale, and Invalid if a read-only field differs."""
    draft, fixed = edit
    row = assignments.get(scope, user, number_id)
    expect_version(row, version)
    validation.expect_unchanged(AiDraft, fixed, assignments.document(row, user))
    if not draft.ai_enabled:
        return disable(scope, http, user, number_id, here_only=draft.here_only)
    agent_id = draft.ai_agent_id or get(scope, user, number_id).ai_agent_id
    if not agent_id:
        raise Invalid([Problem("aiAgentId", messages.AGENT_ID_MISSING)])
    return enable(scope, http, user, number_id, agent_id)


def enable(scope: Scope, http: Outbound, user: User, number_id: str, agent_id: str) -> VoicePhoneNumber:
    """Assigns the agent to the number at the provider, then stores it.

    Repeating it, also with another agent, ends with one imported number. If a step fails, nothing is
    stored, and changes at the provider are undone; if that fails too, the error names them. No transaction
    is open during the provider's requests. Raises Conflict, NotFound, Stale.
    """
    row = get(scope, user, number_id)
    trunk, account = _accounts(scope, *_trunk_and_agents(scope, row))
    version, stored_id = row.version, row.ai_phone_number_id
    change = Change(account, row.provider, row.phone_number)
    scope.end_read()
    calls = http.within(SECONDS)
    intent = Intent(
        scope,
        calls,
        Action.NUMBER_AI_ON,
        account.provider,
        subject=change.number,
        changes={"agent": [None, agent_id]},
    )
    try:
        _require_trunk(calls, trunk, change.number)
        entries = account.find(calls, change.number)
        _resolve(scope, account.provider, change.number, entries)
        change.before = imported.preferred(entries, stored_id)
        imported_id = change.make(intent.http, trunk, agent_id)
        with scope.transaction():
            row = _expect_unchanged(scope, user, number_id, version)
            former = change.before.agent_id if change.before else None
            target = ImportedNumber(imported_id, agent_id, change.label)
            store_agent(scope, row, account.provider, target, former)
            intent.succeed()
    except Exception as error:
        _undo(scope, http.within(SECONDS_TO_UNDO), change, intent, error)
        raise
    return row


def _resolve(scope: Scope, provider: Provider, number: str, imported_numbers: list[ImportedNumber]) -> None:
    """Closes an interrupted change of the number with what was read at the provider."""
    provider_writes.resolve_now(scope, provider, {number: imported.described(imported_numbers)})


def _require_trunk(http: Outbound, trunk: Account, number: str) -> None:
    """Raises Conflict unless the number is on the trunk."""
    sip, label = selection.trunk_of(trunk.provider), trunk.provider.label
    carrier = PROVIDERS[trunk.provider.numbers_of].label
    observed = trunk.call(http, lambda client, values: sip.observe(client, values, number))
    if observed is None:
        raise Conflict(messages.not_in_project(number, carrier, label), code=NOT_ON_TRUNK)
    if not observed.override_name:
        raise Conflict(messages.on_no_trunk(number, carrier, label), code=NOT_ON_TRUNK)
    if not sip.carries(observed, trunk.connection.credentials):
        raise Conflict(messages.on_another_trunk(number, carrier, label), code=NOT_ON_TRUNK)


def _undo(scope: Scope, http: Outbound, change: Change, intent: Intent, error: Exception) -> None:
    """Undoes the change after `error`.

    Raises Conflict if undoing fails, or if the provider refused and nothing was changed.
    """
    problem = error.message if isinstance(error, PatchbayError) else messages.NOT_STORED
    if change.has_begun:
        try:
            change.undo(http, _target(scope, change, error))
        except Conflict:
            log.error("ai_number.left_at_provider", made=change.import_id, before=change.before)  # noqa: TRY400
            intent.mark_unknown(f"{problem} {change.follow_up()}")
            raise Conflict(f"{problem} {change.follow_up()}", code=LEFT) from error
    intent.fail(problem)
    if isinstance(error, gateway.ProviderCallFailed):
        raise Conflict(f"{problem} {messages.NOTHING_CHANGED}", code=error.code) from error


def _target(scope: Scope, change: Change, error: Exception) -> ImportedNumber | None:
    """Returns the number to restore at the provider: as before, or as saved by another user since."""
    if not isinstance(error, Stale | NotFound):
        return change.before
    same = (row for row, _ in holders(scope, change.carrier, change.number))
    stored = next((row for row in same if row.ai_enabled and row.ai_phone_number_id), None)
    target = ImportedNumber(str(stored.ai_phone_number_id), stored.ai_agent_id, label="") if stored else None
    scope.end_read()
    return target or change.before


def disable(
    scope: Scope, http: Outbound, user: User, number_id: str, *, here_only: bool = False
) -> VoicePhoneNumber:
    """Removes the number from the provider, and then stores that AI is off.

    A number that Patchbay did not import stays there, without the agent. `here_only` leaves the provider
    unchanged. If the provider does not respond, nothing is changed. Raises Conflict, NotFound, Stale.
    """
    row = get(scope, user, number_id)
    if not row.ai_enabled:
        return row
    version = row.version
    provider = selection.of_number(scope, row)
    intent = Intent(
        scope,
        http.within(SECONDS),
        Action.NUMBER_AI_OFF,
        provider,
        subject=row.phone_number,
        changes={"agent": [row.ai_agent_id, None]},
    )
    if not here_only:
        _remove_at_provider(scope, intent, provider, row)
    with scope.transaction():
        row = _expect_unchanged(scope, user, number_id, version)
        store_agent(scope, row, provider, None, row.ai_agent_id)
        intent.succeed()
    return row


def _remove_at_provider(scope: Scope, intent: Intent, provider: Provider, row: VoicePhoneNumber) -> None:
    number, stored_id, agent_id = row.phone_number, row.ai_phone_number_id, row.ai_agent_id
    try:
        (account,) = _accounts(scope, provider)
        scope.end_read()
        calls = intent.http
        entries = account.find(calls, number)
        _resolve(scope, provider, number, entries)
        for one in entries:
            if one.is_ours:
                account.remove(calls, one.id)
            elif (one.id, one.agent_id) == (stored_id, agent_id):
                account.restore_agent(calls, number, replace(one, agent_id=None))
    except Conflict as error:
        if error.code == gateway.UNREACHABLE:
            intent.mark_unknown(error.message)
        else:
            intent.fail(error.message)
        raise Conflict(messages.still_on(error.message, provider.label), code=error.code) from error


def _expect_unchanged(scope: Scope, user: User, number_id: str, version: int) -> VoicePhoneNumber:
    row = get(scope, user, number_id)
    expect_version(row, version)
    return row


def holders(scope: Scope, carrier: str, number: str) -> list[tuple[VoicePhoneNumber, User]]:
    """Returns each row of a number of the voice provider, with the user who has it."""
    query = (
        select(VoicePhoneNumber, User)
        .join(User, User.id == VoicePhoneNumber.user_id)
        .where(
            VoicePhoneNumber.organization_id == scope.organization.id,
            VoicePhoneNumber.provider == carrier,
            VoicePhoneNumber.phone_number == number,
        )
        .order_by(User.name, User.id)
    )
    return [(row, user) for row, user in scope.session.execute(query)]


def store_agent(
    scope: Scope, row: VoicePhoneNumber, provider: Provider, target: ImportedNumber | None, former: str | None
) -> None:
    """Stores `target` as the number's agent for all users who have it; None turns AI off.

    `former` is the agent that answered before.
    """
    number = row.phone_number
    agent_id = target.agent_id if target else None
    now = (True, provider.key, agent_id, target.id) if target else (False, None, None, None)
    for own, user in holders(scope, row.provider, number):
        was = (own.ai_enabled, own.ai_provider, own.ai_agent_id, own.ai_phone_number_id)
        own.ai_enabled, own.ai_provider, own.ai_agent_id, own.ai_phone_number_id = now
        if was != now:
            action = Action.NUMBER_AI_ON if target else Action.NUMBER_AI_OFF
            changes: Changes = {"number": [number, number], "agent": [former, agent_id]}
            audit_log.record(scope, action, user.email, changes)
    scope.session.flush()
    queue.mark_due(scope, [number])
