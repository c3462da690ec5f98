"""What the audit can tell of, in words, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core import phone
from app.providers import PROVIDERS


@dataclass(frozen=True)
class Kind:
    """Actions that somebody looks for together."""

    key: str
    label: str
    words: dict[str, str]


KINDS = (
    Kind(
        "sign-in",
        "Signing in",
        {
            "signed-in": "Signed in",
            "signed-out": "Signed out",
            "sign-in.refused": "Sign-in refused",
            "password.changed": "Password changed",
            "totp.on": "Two-step sign-in switched on",
            "totp.off": "Two-step sign-in switched off",
            "recovery-code.used": "Recovery code used",
            "recovery-codes.renewed": "Recovery codes replaced",
            "session.ended": "Session ended",
            "sessions.ended": "Sessions ended",
        },
    ),
    Kind(
        "people",
        "People",
        {
            "user.created": "Person added",
            "user.saved": "Person saved",
            "user.disabled": "Person disabled",
            "user.enabled": "Person enabled",
            "user.reset": "Sign-in reset",
        },
    ),
    Kind("tokens", "API tokens", {"token.issued": "API token issued", "token.revoked": "API token revoked"}),
    Kind(
        "endpoints",
        "Endpoints",
        {
            "endpoint.created": "Endpoint added",
            "endpoint.saved": "Endpoint saved",
            "endpoint.deleted": "Endpoint deleted",
            "endpoints.saved": "Endpoints changed",
            "endpoints.deleted": "Endpoints deleted",
            "endpoints.imported": "Endpoints imported",
            "endpoint.restored": "Endpoint put back",
            "endpoints.restored": "Endpoints put back",
            "number.pointed": "Number set at its provider",
        },
    ),
    Kind(
        "numbers",
        "People's numbers",
        {
            "number.given": "Number given",
            "number.taken": "Number taken away",
            "number.default": "Default number changed",
            "number.ai_on": "AI switched on",
            "number.ai_off": "AI switched off",
        },
    ),
    Kind(
        "providers",
        "Providers",
        {
            "connection.saved": "Provider saved",
            "connection.tested": "Provider tested",
            "connection.forgotten": "Provider forgotten",
            "provider.switched": "Active provider changed",
            "provider.pointed": "Callback set at the provider",
            "webhook.replaced": "Webhook at the provider replaced",
        },
    ),
    Kind(
        "organization",
        "Organization",
        {"organization.created": "Organization added", "organization.saved": "Settings saved"},
    ),
    Kind(
        "reading",
        "Reading",
        {
            "organization.entered": "Organization opened",
            "secrets.read": "Secrets read",
            "audit.exported": "Audit exported",
            "audit.opened": "Audit of every organization opened",
        },
    ),
)
WORDS = {action: words for kind in KINDS for action, words in kind.words.items()}

FIELDS = {
    "inbound_agent_name": "Answered by",
    "outbound_agent_name": "Dials as",
    "is_active": "Active",
    "public_base_url": "Public base URL",
    "active": "Provider",
    "imported_from": "Imported from",
}
OF_PROVIDERS = {
    f"{provider.key}_{field.name}": field.label
    for provider in PROVIDERS.values()
    for field in provider.fields
}
"""The event's subject says which provider's."""

NAMES_A_PROVIDER = frozenset({"provider", "active"})
_CAPITALS = {"sid": "SID", "id": "ID", "api": "API", "twiml": "TwiML"}


def happened(action: str) -> str:
    """In words; those of an action that is told of no more are made from its name."""
    return WORDS.get(action) or action.replace(".", " ").replace("-", " ").capitalize()


def field_words(name: str) -> str:
    """A changed field, as a person reads it."""
    if known := FIELDS.get(name) or OF_PROVIDERS.get(name):
        return known
    words = [_CAPITALS.get(word, word) for word in name.split("_")]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def value_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None or value == "" else str(value)


def shown(value: object, name: str) -> str:
    """A field's value for a page, where a file has it as `value_words`."""
    text = value_words(value)
    if name in NAMES_A_PROVIDER and text in PROVIDERS:
        return PROVIDERS[text].label
    return phone.display(text) if text.startswith("+") else text


def told(changes: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Each field that says something, before and after; of a secret that is new there is no before."""
    return [
        (name, None if before == "not set" else before, after)
        for name, (before, after) in changes.items()
        if before is not None or after is not None
    ]


def chosen(key: str) -> tuple[str, ...]:
    """The actions of a kind, or the one action; none for what is neither."""
    for kind in KINDS:
        if kind.key == key:
            return tuple(kind.words)
    return (key,) if key in WORDS else ()
