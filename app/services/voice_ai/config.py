"""The organization's voice AI: its provider, ElevenLabs, and Sinch Elastic SIP Trunking."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core import etag
from app.core.errors import Invalid, Problem, Stale
from app.core.naming import calls_name
from app.models import User, VoicePhoneNumber
from app.provider import Family, Provider
from app.providers import PROVIDERS, in_family, keys_in
from app.services import validation
from app.services.access import step_up
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, store
from app.services.numbers import assignments
from app.services.providers import active
from app.services.scope import Scope, expect_version
from app.services.voice_ai import webhook

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

ELEVENLABS = "elevenlabs"
SINCH_EST = "sinch_est"

ConfigChanges = drafts.model(
    "CallsSaveVoiceAiConfigRequest",
    validation.OPEN,
    {"aiVoiceProvider": (str | None, None), "generateToolSecret": (bool, None)}
    | drafts.definitions(in_family(Family.VOICE_AI), calls_name),
)


def config(scope: Scope) -> dict[str, Any]:
    """Flags, never values, and every Sinch number of every user of the organization."""
    states = store.load_all(scope, in_family(Family.VOICE_AI))
    elevenlabs, est = states[ELEVENLABS], states[SINCH_EST]
    return {
        "aiVoiceProvider": scope.organization.active_voice_ai,
        "hasApiKey": elevenlabs.opens("api_key"),
        "hasToolSecret": elevenlabs.opens("tool_secret"),
        "hasEstCredentials": est.is_configured,
        "sinchEstProjectId": est.values.get("project_id"),
        "sinchEstTrunkId": est.values.get("trunk_id"),
        "sinchEstTrunkDomain": est.values.get("trunk_domain"),
        "phoneNumbers": _sinch_numbers(scope),
    }


def _sinch_numbers(scope: Scope) -> list[dict[str, Any]]:
    """One query of columns, however many numbers there are."""
    number = VoicePhoneNumber
    query = (
        select(
            number.provider,
            number.phone_number,
            number.is_default,
            number.is_inbound_enabled,
            number.ai_enabled,
            number.ai_agent_id,
            number.elevenlabs_phone_number_id,
            number.label,
            User.name,
            User.id,
        )
        .join(User, User.id == number.user_id)
        .where(number.organization_id == scope.organization.id, number.provider == "sinch")
        .order_by(number.phone_number, User.name, User.id)
    )
    return [
        assignments.entry(row) | {"userName": row.name, "userId": row.id}
        for row in scope.session.execute(query)
    ]


def save(scope: Scope, http: Outbound, sent: Any, *, if_match: str | None = None) -> list[str]:
    """Commits first, then sets up the webhook at ElevenLabs; tells the names that mean nothing here."""
    draft = validation.read(ConfigChanges, sent, country=scope.organization.country)
    changes = draft.model_dump(exclude_unset=True)
    choice = changes.get("aiVoiceProvider")
    if choice is not None and choice not in keys_in(Family.VOICE_AI):
        known = " or ".join(keys_in(Family.VOICE_AI))
        raise Invalid([Problem("aiVoiceProvider", f"Use {known}, or null for none.")])
    with scope.transaction():
        if if_match is not None and if_match != etag.of(config(scope)):
            raise Stale
        for provider in in_family(Family.VOICE_AI):
            _apply(scope, provider, drafts.picked(provider, calls_name, changes))
        if changes.get("generateToolSecret"):
            _generate_tool_secret(scope)
        if "aiVoiceProvider" in changes:
            active.switch(scope, Family.VOICE_AI, choice, reason=None)
    webhook.follow(scope, http)
    return sorted(draft.model_extra or {})


def _apply(scope: Scope, provider: Provider, changes: dict[str, Any]) -> None:
    if not changes:
        return
    told = store.apply(scope, provider, changes, calls_name)
    if told:
        log.record(scope, Action.CONNECTION_SAVED, provider.label, told)


def _generate_tool_secret(scope: Scope) -> str:
    provider = PROVIDERS[ELEVENLABS]
    secret = secrets.token_hex(32)
    told = store.apply(scope, provider, {"tool_secret": secret})
    log.record(scope, Action.CONNECTION_SAVED, provider.label, told)
    return secret


def generate_tool_secret(scope: Scope, http: Outbound, *, version: int | None = None) -> str:
    """A fresh tool secret, 32 bytes in hex, told this once: agents' tools have to be given it."""
    step_up.expect_recent_password(scope)
    with scope.transaction():
        expect_version(store.load(scope, PROVIDERS[ELEVENLABS]), version)
        secret = _generate_tool_secret(scope)
    webhook.follow(scope, http)
    return secret


def choose(scope: Scope, key: str | None, *, reason: str | None = None, version: int | None = None) -> None:
    """Which provider speaks; None for none."""
    if key is not None and key not in keys_in(Family.VOICE_AI):
        raise Invalid([Problem("aiVoiceProvider", f"Use {' or '.join(keys_in(Family.VOICE_AI))}.")])
    with scope.transaction():
        expect_version(scope.organization, version)
        active.switch(scope, Family.VOICE_AI, key, reason=reason)
