"""The dialer's provider, its configuration, and the caller's numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, Field, RootModel
from sqlalchemy import select

from app.core import etag, naming
from app.core.errors import Invalid, NotFound, Problem
from app.core.naming import calls_name
from app.models import VoicePhoneNumber
from app.provider import Family, Provider
from app.providers import PROVIDERS, in_family, keys_in
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, store
from app.services.connections.store import StoredConnection
from app.services.numbers import assignments
from app.services.providers import active as providers_active
from app.services.providers import credentials, messages
from app.services.scope import Scope


def active(scope: Scope) -> tuple[str | None, str | None]:
    """Returns the default as `dialer_defaults` does, for a superadmin in another organization."""
    provider = scope.organization.active_voice
    query = select(VoicePhoneNumber.phone_number).where(
        VoicePhoneNumber.user_id == scope.actor.user_id,
        VoicePhoneNumber.provider == provider,
        VoicePhoneNumber.is_default,
    )
    return provider, scope.session.scalar(query)


Key = Annotated[str, validation.one_of(keys_in(Family.VOICE))]


class _Choice(BaseModel):
    model_config = validation.OPEN

    provider: Key


def _changes_of(provider: Provider) -> type[BaseModel]:
    own = drafts.definitions([provider], calls_name, Family.VOICE)
    fields = {"provider": (Literal[provider.key], ...), "isEnabled": (bool, None)} | own
    return drafts.model(f"Calls{naming.pascal(provider.key)}ConfigChanges", validation.OPEN, fields)


_CHANGES = {provider.key: _changes_of(provider) for provider in in_family(Family.VOICE)}


_Changes: Any = Annotated[Union[tuple(_CHANGES.values())], Field(discriminator="provider")]  # noqa: UP007


class ConfigChanges(RootModel[_Changes]):
    """The fields of one voice provider. Omitted fields keep their values; null clears a field."""


SECRET_NAMES = frozenset(
    calls_name(provider.key, field.name) for provider in in_family(Family.VOICE) for field in provider.secrets
)
COMPUTED = {"isConfigured"}
"""Read-only fields: accepted and ignored, so that an item can be sent back as it was read."""


def config(scope: Scope) -> dict[str, Any]:
    """Returns the whole configuration, with secrets only if the actor may read them."""
    states = store.load_all(scope, in_family(Family.VOICE))
    return {
        "activeProvider": scope.organization.active_voice,
        "providers": [_item(scope, state) for state in states.values()],
        "userPhoneNumbers": [assignments.entry(number) for number in _own_numbers(scope)],
    }


def read_config(scope: Scope, *, is_sent: Callable[[Any], bool] = bool) -> dict[str, Any]:
    """Returns the whole configuration. Audits the reading if it has secrets and `is_sent`."""
    document = config(scope)
    if any(SECRET_NAMES & set(item) for item in document["providers"]) and is_sent(document):
        with scope.transaction(lock=False):
            log.note(scope, Action.SECRETS_READ, "voice configuration")
    return document


def _item(scope: Scope, state: StoredConnection) -> dict[str, Any]:
    item = {
        "provider": state.provider.key,
        "isEnabled": state.enabled and state.exists,
        "isConfigured": state.is_configured,
    }
    for field in state.provider.fields_in(Family.VOICE):
        value = state.raw(field)
        if value is not None and (not field.secret or scope.actor.may_read_secrets):
            item[calls_name(state.provider.key, field.name)] = value
    return item


def _own_numbers(scope: Scope) -> list[VoicePhoneNumber]:
    query = (
        scope.select(VoicePhoneNumber)
        .where(
            VoicePhoneNumber.user_id == scope.actor.user_id,
            VoicePhoneNumber.provider.in_(keys_in(Family.VOICE)),
        )
        .order_by(VoicePhoneNumber.provider, VoicePhoneNumber.phone_number)
    )
    return list(scope.session.scalars(query))


def save_config(scope: Scope, payload: Any, *, if_match: etag.Condition = None) -> list[str]:
    """Saves one provider's values. Returns the names of unknown fields, which are ignored."""
    provider = PROVIDERS[validation.read(_Choice, payload).provider]
    draft = validation.read(_CHANGES[provider.key], payload, country=scope.organization.country)
    changes = draft.model_dump(exclude_unset=True)
    extra = set(draft.model_extra or {})
    _refuse_foreign(provider, extra)
    credentials.save(
        scope,
        provider,
        drafts.picked(provider, calls_name, changes),
        enabled=changes.get("isEnabled"),
        naming=calls_name,
        words=calls_name,
        precondition=_precondition(scope, if_match),
    )
    return sorted(extra - COMPUTED)


def _precondition(scope: Scope, if_match: etag.Condition) -> Callable[[], None]:
    return partial(etag.expect, if_match, partial(config, scope))


def _voice_provider(key: str) -> Provider:
    if key not in keys_in(Family.VOICE):
        raise Invalid([Problem("provider", messages.use_one_of(keys_in(Family.VOICE)))])
    return PROVIDERS[key]


def _refuse_foreign(provider: Provider, extra: set[str]) -> None:
    names = {name for changes in _CHANGES.values() for name in changes.model_fields}
    if foreign := sorted(extra & names):
        raise Invalid([Problem(name, messages.other_providers_field(provider.key)) for name in foreign])


def disconnect(scope: Scope, key: str, *, if_match: etag.Condition = None) -> None:
    """Deletes the credentials of a voice provider."""
    if key not in keys_in(Family.VOICE):
        raise NotFound(messages.voice_provider_not_found(keys_in(Family.VOICE)))
    credentials.disconnect(scope, PROVIDERS[key], precondition=_precondition(scope, if_match))


def make_active(
    scope: Scope, key: str | None, *, reason: str | None = None, if_match: etag.Condition = None
) -> None:
    """Sets the dialer's default provider, or none."""
    if key is not None:
        _voice_provider(key)
    still = _precondition(scope, if_match)
    providers_active.make_active(
        scope, Family.VOICE, key, reason=reason, words=calls_name, precondition=still
    )
