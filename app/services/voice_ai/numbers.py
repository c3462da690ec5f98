"""AI on a number: an agent of ElevenLabs answers a Sinch number that is on the organization's SIP trunk.

The agent answers the number, whoever has it: it is switched for all users who share it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from pydantic import BaseModel
from sqlalchemy import select

from app.core import phone
from app.core.errors import Conflict, Invalid, NotFound, PatchbayError, Problem, Stale
from app.models import User, VoicePhoneNumber
from app.provider import Provider
from app.providers import PROVIDERS, elevenlabs, sinch_est
from app.providers.elevenlabs import Agent, ImportedNumber
from app.services import validation
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.connections import gateway, provider_writes, store
from app.services.connections.provider_writes import Intent
from app.services.numbers import assignments
from app.services.scope import Scope, expect_version
from app.services.validation import Checked

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

SINCH = "sinch"
EST = PROVIDERS["sinch_est"]
ELEVENLABS = PROVIDERS["elevenlabs"]
SECONDS = 30
SECONDS_TO_UNDO = 15
SECONDS_FOR_A_LIST = 8
NOT_ON_TRUNK = "NUMBER_NOT_ON_TRUNK"
LEFT = "LEFT_AT_PROVIDER"


def check_agent_id(text: str, _country: str | None = None) -> str:
    if not text:
        raise ValueError("Choose the agent that answers.")
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,100}", text):
        raise ValueError("Use the agent's ID as ElevenLabs shows it: letters, digits, - and _.")
    return text


class AiDraft(BaseModel):
    """`aiAgentId` is needed to switch AI on, and stays as it is where it is on already.

    `hereOnly` switches it off here and leaves ElevenLabs as it is.
    """

    model_config = validation.STRICT_CAMEL

    ai_enabled: bool
    ai_agent_id: Annotated[str, Checked(check_agent_id)] | None = None
    here_only: bool = False


def get(scope: Scope, user: User, number_id: str) -> VoicePhoneNumber:
    """The user's number, which has to be one of Sinch."""
    row = assignments.get(scope, user, number_id)
    if row.provider != SINCH:
        label = PROVIDERS[row.provider].label
        raise Conflict(
            f"An agent can only answer a Sinch number, and this one is of {label}.", code="NOT_A_SINCH_NUMBER"
        )
    return row


def sharing(scope: Scope, row: VoicePhoneNumber) -> list[User]:
    """The other users who have the number."""
    return [user for _, user in _holders(scope, row.phone_number) if user.id != row.user_id]


def lacking(scope: Scope) -> list[str]:
    """Sentences that say what has to be done first; empty where nothing has to."""
    return [sentence for _, sentence in _lacking(scope, (EST, ELEVENLABS))]


def _lacking(scope: Scope, providers: Iterable[Provider]) -> list[tuple[str, str]]:
    """With the code of each."""
    found = []
    for provider in providers:
        state = store.load(scope, provider)
        names = ", ".join(field.label for field in state.missing)
        if names:
            needed = f"{provider.label} is not configured: it needs {names}. Fill in under Voice AI."
            found.append(("PROVIDER_NOT_CONFIGURED", needed))
        elif not state.enabled:
            found.append(("PROVIDER_DISABLED", f"{provider.label} is disabled. Enable it under Voice AI."))
    return found


def _values(scope: Scope, *providers: Provider) -> list[dict[str, Any]]:
    """Of each, in the clear. Conflict that says all that has to be done first."""
    if missing := _lacking(scope, providers):
        sentences = " ".join(sentence for _, sentence in missing)
        raise Conflict(sentences, code=missing[0][0])
    return [gateway.credentials(scope, provider) for provider in providers]


def agents(scope: Scope, http: Outbound) -> list[Agent]:
    """Who can be chosen. Conflict where ElevenLabs does not tell."""
    (values,) = _values(scope, ELEVENLABS)
    scope.end_read()
    return gateway.ask(ELEVENLABS, lambda: elevenlabs.agents(http.within(SECONDS_FOR_A_LIST), values))


def read(sent: Any) -> AiDraft:
    """Invalid names every field that is wrong."""
    return validation.read(AiDraft, sent)


def switch(scope: Scope, http: Outbound, user: User, number_id: str, draft: AiDraft) -> VoicePhoneNumber:
    """On or off, as the draft says."""
    if not draft.ai_enabled:
        return switch_off(scope, http, user, number_id, here_only=draft.here_only)
    agent_id = draft.ai_agent_id or get(scope, user, number_id).ai_agent_id
    if not agent_id:
        raise Invalid([Problem("aiAgentId", "Say which agent of ElevenLabs answers.")])
    return switch_on(scope, http, user, number_id, agent_id)


def switch_on(scope: Scope, http: Outbound, user: User, number_id: str, agent_id: str) -> VoicePhoneNumber:
    """Makes the agent answer the number, and stores it when that is done.

    Doing it again, also with another agent, ends in one imported number. Where a step fails nothing
    is stored, and what was done at ElevenLabs is undone, or named where that fails too. No
    transaction is open meanwhile. Raises Conflict, NotFound, Stale.
    """
    row = get(scope, user, number_id)
    est, values = _values(scope, EST, ELEVENLABS)
    version, known = row.version, row.elevenlabs_phone_number_id
    change = _Change(row.phone_number, values)
    scope.end_read()
    calls = http.within(SECONDS)
    intent = _intent(scope, calls, Action.NUMBER_AI_ON, change.number, [None, agent_id])
    try:
        _demand_trunk(calls, est, change.number)
        found = _found(calls, values, change.number)
        _resolve(scope, change.number, found)
        change.before = _preferred(found, known)
        imported_id = change.make(intent.http, est, agent_id)
        with scope.transaction():
            row = _unchanged(scope, user, number_id, version)
            former = change.before.agent_id if change.before else None
            _store(scope, change.number, imported_id, agent_id, former)
            intent.done()
    except Exception as error:
        _take_back(scope, http.within(SECONDS_TO_UNDO), change, intent, error)
        raise
    return row


def _intent(scope: Scope, http: Outbound, action: Action, number: str, agents_: list[str | None]) -> Intent:
    return Intent(scope, http, action, ELEVENLABS, subject=number, changes={"agent": agents_})


def _resolve(scope: Scope, number: str, found: list[ImportedNumber]) -> None:
    """Records what ElevenLabs has, if a change of the number was broken off."""
    shown = ", ".join(f"{one.id} ({one.agent_id or 'no agent'})" for one in found)
    provider_writes.resolve_now(scope, ELEVENLABS, {number: shown})


def _preferred(found: list[ImportedNumber], known: str | None) -> ImportedNumber | None:
    """The one that is stored here, or else one of ours, or else any."""
    return min(found, key=lambda one: (one.id != known, not one.is_ours, one.id), default=None)


def _demand_trunk(http: Outbound, values: dict[str, Any], number: str) -> None:
    line = gateway.ask(EST, lambda: sinch_est.SinchEst().observe(http, values, number))
    shown = phone.display(number)
    if line is None:
        sentence = f"Sinch does not have {shown} in the project of Sinch EST. Choose one of its numbers"
    elif not line.override_name:
        sentence = f"{shown} is on no trunk at Sinch. Put it on the trunk of Sinch EST there"
    elif line.override_name.lower() != values["trunk_id"].lower():
        sentence = f"{shown} is on another trunk at Sinch. Put it on the trunk of Sinch EST there"
    else:
        return
    raise Conflict(f"{sentence}, then switch AI on. Nothing was changed.", code=NOT_ON_TRUNK)


@dataclass
class _Change:
    """What is done at ElevenLabs. `before` is what it had of the number; `made` what this imported."""

    number: str
    values: dict[str, Any] = field(repr=False)
    before: ImportedNumber | None = None
    label: str = ""
    made: str | None = None
    has_begun: bool = False

    def make(self, http: Outbound, est: dict[str, Any], agent_id: str) -> str:
        """ElevenLabs' id of the number, which the agent answers now."""
        imported_id = self.before.id if self.before else self._import(http, est)
        self.has_begun = True
        _assign(http, self.values, imported_id, agent_id)
        return imported_id

    def _import(self, http: Outbound, est: dict[str, Any]) -> str:
        domain = gateway.ask(EST, lambda: sinch_est.trunk_domain(http, est))
        self.label = elevenlabs.new_label(self.number)
        self.has_begun = True
        sent = (self.values, self.number, domain, self.label)
        self.made = gateway.ask(ELEVENLABS, lambda: elevenlabs.import_number(http, *sent))
        return self.made

    def undo(self, http: Outbound, target: ImportedNumber | None) -> None:
        """Makes ElevenLabs have `target`. It is read first: what was sent may have been done or not."""
        for one in _found(http, self.values, self.number):
            if target and one.id == target.id:
                if one.agent_id != target.agent_id:
                    _set_agent(http, self.values, self.number, target)
            elif one.label == self.label:
                _remove(http, self.values, one.id)

    def left(self) -> str:
        """What to do by hand where it could not be undone."""
        shown = phone.display(self.number)
        if self.before is None:
            named = f"{shown} ({self.made})" if self.made else shown
            return (
                f"ElevenLabs may have {named} now, and it could not be removed again. Remove it there under "
                "Phone numbers, or switch AI on again: then it is used."
            )
        return (
            f"ElevenLabs may have the new agent for {shown} ({self.before.id}): it could not be set back. "
            f"Set it to {self.before.agent_id or 'no agent'} there, under Phone numbers."
        )


def _found(http: Outbound, values: dict[str, Any], number: str) -> list[ImportedNumber]:
    return gateway.ask(ELEVENLABS, lambda: elevenlabs.imported(http, values, number))


def _assign(http: Outbound, values: dict[str, Any], imported_id: str, agent_id: str | None) -> None:
    gateway.ask(ELEVENLABS, lambda: elevenlabs.assign(http, values, imported_id, agent_id))


def _remove(http: Outbound, values: dict[str, Any], imported_id: str) -> None:
    gateway.ask(ELEVENLABS, lambda: elevenlabs.remove(http, values, imported_id))


def _set_agent(http: Outbound, values: dict[str, Any], number: str, target: ImportedNumber) -> None:
    """That no agent means none is nowhere promised, so it is read again."""
    _assign(http, values, target.id, target.agent_id)
    if target.agent_id is None:
        found = _found(http, values, number)
        if any(one.id == target.id and one.agent_id for one in found):
            raise Conflict("ElevenLabs did not take the agent off the number.", code=gateway.REFUSED)


def _take_back(scope: Scope, http: Outbound, change: _Change, intent: Intent, error: Exception) -> None:
    """Undoes the change. Raises Conflict where there is more to say than `error` does."""
    said = error.message if isinstance(error, PatchbayError) else "The number could not be stored here."
    if change.has_begun:
        try:
            change.undo(http, _target(scope, change, error))
        except Conflict:
            log.error("ai_number.left_at_elevenlabs", made=change.made, before=change.before)  # noqa: TRY400
            intent.is_unknown(f"{said} {change.left()}")
            raise Conflict(f"{said} {change.left()}", code=LEFT) from error
    intent.failed(said)
    if isinstance(error, gateway.ProviderCallFailed):
        raise Conflict(f"{said} Nothing was changed.", code=error.code) from error


def _target(scope: Scope, change: _Change, error: Exception) -> ImportedNumber | None:
    """What ElevenLabs had; where somebody else was faster, what they stored."""
    if not isinstance(error, Stale | NotFound):
        return change.before
    for row, _ in _holders(scope, change.number):
        if row.ai_enabled and row.elevenlabs_phone_number_id:
            stored = ImportedNumber(row.elevenlabs_phone_number_id, row.ai_agent_id, label="")
            scope.end_read()
            return stored
    scope.end_read()
    return change.before


def switch_off(
    scope: Scope, http: Outbound, user: User, number_id: str, *, here_only: bool = False
) -> VoicePhoneNumber:
    """Takes the number out of ElevenLabs, and forgets here that an agent answered it.

    What was not imported from here stays there, without the agent. `here_only` leaves ElevenLabs as
    it is. Where it does not answer nothing is changed. Raises Conflict, NotFound, Stale.
    """
    row = get(scope, user, number_id)
    if not row.ai_enabled:
        return row
    version = row.version
    calls = http.within(SECONDS)
    intent = _intent(scope, calls, Action.NUMBER_AI_OFF, row.phone_number, [row.ai_agent_id, None])
    if not here_only:
        _release(scope, intent, row)
    with scope.transaction():
        row = _unchanged(scope, user, number_id, version)
        _store(scope, row.phone_number, None, None, row.ai_agent_id)
        intent.done()
    return row


def _release(scope: Scope, intent: Intent, row: VoicePhoneNumber) -> None:
    number, known, agent_id = row.phone_number, row.elevenlabs_phone_number_id, row.ai_agent_id
    try:
        (values,) = _values(scope, ELEVENLABS)
        scope.end_read()
        calls = intent.http
        found = _found(calls, values, number)
        _resolve(scope, number, found)
        for one in found:
            if one.is_ours:
                _remove(calls, values, one.id)
            elif (one.id, one.agent_id) == (known, agent_id):
                _set_agent(calls, values, number, replace(one, agent_id=None))
    except Conflict as error:
        if error.code == gateway.UNREACHABLE:
            intent.is_unknown(error.message)
        else:
            intent.failed(error.message)
        raise Conflict(
            f"{error.message} AI is still on. You can forget it here only: ElevenLabs then keeps the number.",
            code=error.code,
        ) from error


def _unchanged(scope: Scope, user: User, number_id: str, version: int) -> VoicePhoneNumber:
    row = get(scope, user, number_id)
    expect_version(row, version)
    return row


def _holders(scope: Scope, number: str) -> list[tuple[VoicePhoneNumber, User]]:
    query = (
        select(VoicePhoneNumber, User)
        .join(User, User.id == VoicePhoneNumber.user_id)
        .where(
            VoicePhoneNumber.organization_id == scope.organization.id,
            VoicePhoneNumber.provider == SINCH,
            VoicePhoneNumber.phone_number == number,
        )
        .order_by(User.name, User.id)
    )
    return [(row, user) for row, user in scope.session.execute(query)]


def _store(
    scope: Scope, number: str, imported_id: str | None, agent_id: str | None, former: str | None
) -> None:
    """For everybody who has the number. `former`: the agent that answered it at ElevenLabs."""
    for row, user in _holders(scope, number):
        was = (row.ai_enabled, row.ai_agent_id, row.elevenlabs_phone_number_id)
        row.ai_enabled = agent_id is not None
        row.ai_agent_id, row.elevenlabs_phone_number_id = agent_id, imported_id
        if was != (row.ai_enabled, agent_id, imported_id):
            action = Action.NUMBER_AI_ON if agent_id else Action.NUMBER_AI_OFF
            audit_log.record(
                scope, action, user.email, {"number": [number, number], "agent": [former, agent_id]}
            )
