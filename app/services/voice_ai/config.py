"""The organization's voice AI configuration: its providers, and the active one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from sqlalchemy import select

from app.core import etag, naming
from app.core.errors import Invalid, NotFound, Problem
from app.core.naming import calls_name
from app.models import User, VoicePhoneNumber
from app.provider import Family, Field, Origin, Provider
from app.providers import in_family, trunks
from app.services import validation
from app.services.access import step_up
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, number_health, store
from app.services.connections.store import StoredConnection
from app.services.numbers import assignments
from app.services.providers import active
from app.services.scope import Scope, expect_version
from app.services.voice_ai import messages, selection, webhook

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

_Choice = Annotated[str, validation.one_of(active.choices(Family.VOICE_AI))]

ConfigChanges = drafts.model(
    "CallsSaveVoiceAiConfigRequest",
    validation.OPEN,
    {"aiVoiceProvider": (_Choice | None, None), "generateToolSecret": (bool, None)}
    | drafts.definitions(in_family(Family.VOICE_AI), calls_name),
)


def config(scope: Scope) -> dict[str, Any]:
    """Returns flags, values that every user may read, and every number that an agent can answer."""
    document: dict[str, Any] = {"aiVoiceProvider": scope.organization.active_voice_ai}
    states = store.load_all(scope, in_family(Family.VOICE_AI)).values()
    for state in states:
        document |= _flags(state)
    for state in states:
        document |= {
            calls_name(state.provider.key, field.name): state.values.get(field.name)
            for field in state.provider.fields
            if field.is_listed
        }
    return document | {"phoneNumbers": _numbers(scope)}


def _flags(state: StoredConnection) -> dict[str, bool]:
    provider = state.provider
    name = provider.configured_flag or naming.flag_name(provider.key, "credentials")
    generated = {
        field.flag or naming.flag_name(provider.key, field.name): state.opens(field.name)
        for field in provider.fields
        if field.origin is Origin.GENERATED
    }
    return {name: state.is_configured} | generated


def _numbers(scope: Scope) -> list[dict[str, Any]]:
    """Returns the numbers that an agent can answer, in one query."""
    number = VoicePhoneNumber
    query = (
        select(
            number.provider,
            number.phone_number,
            number.is_default,
            number.is_inbound_enabled,
            number.ai_enabled,
            number.ai_provider,
            number.ai_agent_id,
            number.ai_phone_number_id,
            number.label,
            User.name,
            User.id,
        )
        .join(User, User.id == number.user_id)
        .where(number.organization_id == scope.organization.id, number.provider.in_(trunks()))
        .order_by(number.phone_number, User.name, User.id)
    )
    return [
        assignments.entry(row) | {"userName": row.name, "userId": row.id}
        for row in scope.session.execute(query)
    ]


def save(scope: Scope, http: Outbound, payload: Any, *, if_match: etag.Condition = None) -> list[str]:
    """Saves the configuration, then sets up the call webhooks. Returns the names of ignored fields."""
    draft = validation.read(ConfigChanges, payload, country=scope.organization.country)
    changes = draft.model_dump(exclude_unset=True)
    choice = changes.get("aiVoiceProvider")
    with scope.transaction():
        etag.expect(if_match, lambda: config(scope))
        ignored = _ignored(scope, draft.model_extra)
        for provider in in_family(Family.VOICE_AI):
            _apply(scope, provider, drafts.picked(provider, calls_name, changes))
        if changes.get("generateToolSecret"):
            _generate_tool_secret(scope)
        if "aiVoiceProvider" in changes:
            active.switch(scope, Family.VOICE_AI, choice, reason=None)
    webhook.follow(scope, http)
    return ignored


def _ignored(scope: Scope, extra: Mapping[str, Any] | None) -> list[str]:
    """Returns the names of unknown fields, without those sent back with the value that was read."""
    if not extra:
        return []
    stored = config(scope)
    return sorted(name for name, value in extra.items() if name not in stored or stored[name] != value)


def _check_choice(key: str | None) -> None:
    choices = active.choices(Family.VOICE_AI)
    if key is not None and key not in choices:
        raise Invalid([Problem("aiVoiceProvider", messages.provider_unknown(choices))])


def _apply(scope: Scope, provider: Provider, changes: dict[str, Any]) -> None:
    if not changes:
        return
    changed = store.apply(scope, provider, changes, calls_name)
    if changed:
        number_health.changed(scope)
        log.record(scope, Action.CONNECTION_SAVED, provider.label, changed)


def tool_secret_state(scope: Scope) -> StoredConnection:
    """Returns the connection whose tool secret agents send: that of the agents' provider."""
    return store.load(scope, selection.agent_provider(scope))


def tool_secret_field(provider: Provider) -> Field | None:
    """Returns the secret that Patchbay generates for the provider, if it has one."""
    return next((field for field in provider.secrets if field.origin is Origin.GENERATED), None)


def _generate_tool_secret(scope: Scope) -> str:
    provider = tool_secret_state(scope).provider
    field = tool_secret_field(provider)
    if field is None:
        raise NotFound(messages.no_tool_secret(provider.label))
    secret = secrets.token_hex(32)
    changed = store.apply(scope, provider, {field.name: secret})
    log.record(scope, Action.CONNECTION_SAVED, provider.label, changed)
    return secret


def generate_tool_secret(scope: Scope, http: Outbound, *, version: int | None = None) -> str:
    """Returns a new tool secret for the tools of agents: 32 random bytes in hex.

    This is the only time that it is returned.
    """
    step_up.expect_recent_password(scope)
    with scope.transaction():
        expect_version(tool_secret_state(scope), version)
        secret = _generate_tool_secret(scope)
    webhook.follow(scope, http)
    return secret


def choose(scope: Scope, key: str | None, *, reason: str | None = None, version: int | None = None) -> None:
    """Makes a voice AI provider the active one; with None, none is."""
    _check_choice(key)
    with scope.transaction():
        expect_version(scope.organization, version)
        active.switch(scope, Family.VOICE_AI, key, reason=reason)
