"""The telephony document: default provider, public base URL, and each provider's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from app.core import etag
from app.core.errors import Invalid, Problem
from app.core.naming import settings_name
from app.provider import Family
from app.providers import in_family, keys_in
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, provisioning, store
from app.services.drift import queue
from app.services.fields import BaseUrl
from app.services.organizations import directory
from app.services.providers import active, messages
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

TelephonyChanges = drafts.model(
    "TelephonyChanges",
    validation.STRICT,
    {
        "provider": (Annotated[str, validation.one_of(keys_in(Family.TELEPHONY))] | None, None),
        "public_base_url": (BaseUrl | None, None),
    }
    | drafts.definitions(in_family(Family.TELEPHONY), settings_name, Family.TELEPHONY),
)


def document(scope: Scope) -> dict[str, Any]:
    """Returns the full document, with secrets only if the actor may read them."""
    states = store.load_all(scope, in_family(Family.TELEPHONY))
    answer: dict[str, Any] = {
        "provider": scope.organization.active_telephony,
        "public_base_url": scope.organization.public_base_url,
    }
    extras: dict[str, Any] = {}
    for state in states.values():
        for field in state.provider.fields_in(Family.TELEPHONY):
            if field.secret and not scope.actor.may_read_secrets:
                continue
            value, name = state.raw(field), settings_name(state.provider.key, field.name)
            if not field.is_extra:
                answer[name] = field.default if value is None else value
            elif value is not None:
                extras[name] = value
    return answer | extras


SECRET_NAMES = frozenset(
    settings_name(provider.key, field.name)
    for provider in in_family(Family.TELEPHONY)
    for field in provider.secrets
)


def without_secrets(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in SECRET_NAMES}


def read(scope: Scope, *, is_sent: Callable[[Any], bool] = bool) -> dict[str, Any]:
    """Returns the full document. Audits the reading if it has secrets and `is_sent`."""
    answer = document(scope)
    if any(answer.get(name) for name in SECRET_NAMES) and is_sent(answer):
        with scope.transaction(lock=False):
            log.note(scope, Action.SECRETS_READ, "telephony settings")
    return answer


def update(scope: Scope, http: Outbound, payload: Any, *, if_match: etag.Condition = None) -> dict[str, Any]:
    """Saves the changes and returns the full document. Raises Invalid if it would have no base URL."""
    draft = validation.read(TelephonyChanges, payload, country=scope.organization.country)
    changes = draft.model_dump(exclude_unset=True)
    is_moved = False
    with scope.transaction():
        etag.expect(if_match, lambda: document(scope))
        if "public_base_url" in changes:
            is_moved = directory.set_base_url(scope, changes["public_base_url"])
        if not scope.organization.public_base_url:
            raise Invalid([Problem("public_base_url", messages.NEEDS_BASE_URL)])
        _apply(scope, changes)
        saved = document(scope)
    if is_moved:
        provisioning.changed(scope, http)
    return saved


def _apply(scope: Scope, changes: dict[str, Any]) -> None:
    before = store.load_all(scope, in_family(Family.TELEPHONY))
    own = {key: drafts.picked(state.provider, settings_name, changes) for key, state in before.items()}
    for key, state in before.items():
        changed = store.apply(scope, state.provider, own[key], before=state) if own[key] else {}
        if changed:
            log.record(scope, Action.CONNECTION_SAVED, state.provider.label, changed)
            queue.mark_due(scope, changed=False)
    if "provider" in changes:
        active.choose(scope, Family.TELEPHONY, changes["provider"], words=settings_name)
    for key, state in before.items():
        active.refuse_breaking_active(scope, state, own[key], settings_name)
