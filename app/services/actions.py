"""What the audit can tell of, in words, by kind."""

from __future__ import annotations

from dataclasses import dataclass


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
_CAPITALS = {"sid": "SID", "id": "ID", "api": "API", "twiml": "TwiML"}


def happened(action: str) -> str:
    """In words; those of an action that is told of no more are made from its name."""
    return WORDS.get(action) or action.replace(".", " ").replace("-", " ").capitalize()


def field_words(name: str) -> str:
    """A changed field, as a person reads it."""
    if name in FIELDS:
        return FIELDS[name]
    first, *rest = name.replace("_", " ").capitalize().split(" ")
    return " ".join([first, *(_CAPITALS.get(word, word) for word in rest)])


def value_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None or value == "" else str(value)


def chosen(key: str) -> tuple[str, ...]:
    """The actions of a kind, or the one action; none for what is neither."""
    for kind in KINDS:
        if kind.key == key:
            return tuple(kind.words)
    return (key,) if key in WORDS else ()
