"""The actions of the audit log: each line gives the stored value, the label, the group and the traits."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Flag, StrEnum, auto, unique
from typing import Any

from app.core import phone
from app.core.labels import LabelledEnum
from app.provider import Outcome
from app.providers import PROVIDERS


class Trait(Flag):
    """How other packages treat events of an action."""

    UNDOABLE = auto()
    """The event's endpoints can be restored."""
    BULK = auto()
    """About several endpoints, recorded by number; other undoable actions have one endpoint as subject."""
    STALES_FORMS = auto()
    """Changes values that forms show, so that the conflict of a stale form names it."""
    IN_PROVIDER_HISTORY = auto()
    SETS_PASSWORD = auto()
    NOTIFIES = auto()
    """Notifications are derived from its events, which wait for that in the outbox."""


class Group(LabelledEnum):
    """Actions that one filter of the audit log selects together."""

    SIGN_IN = "sign-in", "Signing in"
    PEOPLE = "people", "Users"
    TOKENS = "tokens", "API tokens"
    ENDPOINTS = "endpoints", "Endpoints"
    NUMBERS = "numbers", "Dialer numbers"
    PROVIDERS = "providers", "Providers"
    ORGANIZATION = "organization", "Organization"
    READING = "reading", "Access and exports"

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(action for action in Action if action.group is self)


_NO_TRAIT = Trait(0)
_ONE = Trait.UNDOABLE | Trait.STALES_FORMS
_MANY = _ONE | Trait.BULK
_PROVIDER = Trait.STALES_FORMS | Trait.IN_PROVIDER_HISTORY
_NEW_PASSWORD = Trait.STALES_FORMS | Trait.SETS_PASSWORD


@unique
class Action(StrEnum):
    """The action of an event. Values are stored, and never change; labels may."""

    label: str
    group: Group
    traits: Trait

    def __new__(cls, value: str, label: str, group: Group, traits: Trait = _NO_TRAIT) -> Action:
        self = str.__new__(cls, value)
        self._value_, self.label, self.group, self.traits = value, label, group, traits
        return self

    SIGNED_IN = "signed-in", "Signed in", Group.SIGN_IN, Trait.NOTIFIES
    SIGNED_OUT = "signed-out", "Signed out", Group.SIGN_IN
    SIGN_IN_REFUSED = "sign-in.refused", "Sign-in refused", Group.SIGN_IN
    PASSWORD_CHANGED = "password.changed", "Password changed", Group.SIGN_IN, Trait.SETS_PASSWORD
    TOTP_ON = "totp.on", "Two-step sign-in turned on", Group.SIGN_IN
    TOTP_OFF = "totp.off", "Two-step sign-in turned off", Group.SIGN_IN
    TWO_STEP_REQUIRED = "two-step.required", "Two-step sign-in required", Group.SIGN_IN
    TWO_STEP_OPTIONAL = "two-step.optional", "Two-step sign-in made optional", Group.SIGN_IN
    RECOVERY_CODE_USED = "recovery-code.used", "Recovery code used", Group.SIGN_IN
    RECOVERY_CODES_RENEWED = "recovery-codes.renewed", "Recovery codes replaced", Group.SIGN_IN
    SESSION_ENDED = "session.ended", "Session ended", Group.SIGN_IN
    SESSIONS_ENDED = "sessions.ended", "Sessions ended", Group.SIGN_IN

    USER_CREATED = "user.created", "User added", Group.PEOPLE, _NEW_PASSWORD
    USER_SAVED = "user.saved", "User saved", Group.PEOPLE, Trait.STALES_FORMS
    USER_DISABLED = "user.disabled", "User disabled", Group.PEOPLE, Trait.STALES_FORMS
    USER_ENABLED = "user.enabled", "User enabled", Group.PEOPLE, Trait.STALES_FORMS
    USER_RESET = "user.reset", "Sign-in reset", Group.PEOPLE, _NEW_PASSWORD
    USER_INVITED = "user.invited", "Invitation link created", Group.PEOPLE
    INVITATION_ACCEPTED = "invitation.accepted", "Invitation accepted", Group.PEOPLE, _NEW_PASSWORD
    RESET_LINK_CREATED = "reset-link.created", "Password reset link created", Group.PEOPLE
    PASSWORD_RESET = "password.reset", "Password reset by link", Group.PEOPLE, _NEW_PASSWORD
    PASSWORD_LINK_CANCELLED = "password-link.cancelled", "Link cancelled", Group.PEOPLE

    TOKEN_ISSUED = "token.issued", "API token created", Group.TOKENS
    TOKEN_REVOKED = "token.revoked", "API token revoked", Group.TOKENS
    DIALER_TOKEN_ISSUED = "dialer-token.issued", "Dialer token created", Group.TOKENS

    ENDPOINT_CREATED = "endpoint.created", "Endpoint added", Group.ENDPOINTS, Trait.STALES_FORMS
    ENDPOINT_SAVED = "endpoint.saved", "Endpoint saved", Group.ENDPOINTS, _ONE
    ENDPOINT_DELETED = "endpoint.deleted", "Endpoint deleted", Group.ENDPOINTS, Trait.UNDOABLE
    ENDPOINTS_SAVED = "endpoints.saved", "Endpoints changed", Group.ENDPOINTS, _MANY
    ENDPOINTS_DELETED = "endpoints.deleted", "Endpoints deleted", Group.ENDPOINTS, Trait.UNDOABLE | Trait.BULK
    ENDPOINTS_IMPORTED = "endpoints.imported", "Endpoints imported", Group.ENDPOINTS, _MANY
    ENDPOINT_RESTORED = "endpoint.restored", "Endpoint restored", Group.ENDPOINTS, _ONE
    ENDPOINTS_RESTORED = "endpoints.restored", "Endpoints restored", Group.ENDPOINTS, _MANY
    NUMBER_POINTED = "number.pointed", "Webhook set at the provider", Group.ENDPOINTS
    WEBHOOK_TEST_STARTED = "webhook-test.started", "Webhook test started", Group.ENDPOINTS
    WEBHOOK_TESTED = "webhook-test.done", "Webhook tested", Group.ENDPOINTS
    NUMBER_RESTORED = "number.restored", "Webhook restored at the provider", Group.ENDPOINTS
    NUMBER_CLEARED = "number.cleared", "Webhook cleared at the provider", Group.ENDPOINTS

    NUMBER_ASSIGNED = "number.given", "Number assigned", Group.NUMBERS
    NUMBER_UNASSIGNED = "number.taken", "Number unassigned", Group.NUMBERS
    NUMBER_SAVED = "number.saved", "Dialer number saved", Group.NUMBERS
    NUMBER_DEFAULT = "number.default", "Default number changed", Group.NUMBERS
    NUMBER_AI_ON = "number.ai_on", "AI turned on", Group.NUMBERS
    NUMBER_AI_OFF = "number.ai_off", "AI turned off", Group.NUMBERS

    CONNECTION_SAVED = "connection.saved", "Provider saved", Group.PROVIDERS, _PROVIDER
    CONNECTION_TESTED = "connection.tested", "Provider tested", Group.PROVIDERS, Trait.IN_PROVIDER_HISTORY
    CONNECTION_DISCONNECTED = "connection.forgotten", "Provider disconnected", Group.PROVIDERS, _PROVIDER
    PROVIDER_SWITCHED = (
        "provider.switched",
        "Default provider changed",
        Group.PROVIDERS,
        Trait.STALES_FORMS | Trait.NOTIFIES,
    )
    CALLBACK_SET = (
        "provider.pointed",
        "Callback set at the provider",
        Group.PROVIDERS,
        Trait.IN_PROVIDER_HISTORY,
    )
    CHANGE_STARTED = "provider-change.started", "Change at the provider started", Group.PROVIDERS
    CHANGE_FAILED = "provider-change.failed", "Change at the provider failed", Group.PROVIDERS
    CHANGE_UNKNOWN = "provider-change.unknown", "Change at the provider unconfirmed", Group.PROVIDERS
    CHANGE_RESOLVED = "provider-change.resolved", "Interrupted change resolved", Group.PROVIDERS
    WEBHOOK_SET_UP = "webhook.set-up", "Webhook set up at the provider", Group.PROVIDERS
    WEBHOOK_REPLACED = "webhook.replaced", "Webhook at the provider replaced", Group.PROVIDERS
    CALL_WEBHOOK_FAILED = "webhook.failed", "Call webhook stopped working", Group.PROVIDERS, Trait.NOTIFIES
    CALL_WEBHOOK_WORKS = "webhook.works", "Call webhook works", Group.PROVIDERS, Trait.NOTIFIES

    ORGANIZATION_CREATED = "organization.created", "Organization added", Group.ORGANIZATION
    ORGANIZATION_SAVED = (
        "organization.saved",
        "Settings saved",
        Group.ORGANIZATION,
        Trait.STALES_FORMS | Trait.NOTIFIES,
    )
    DESTINATION_CREATED = "destination.created", "Destination added", Group.ORGANIZATION
    DESTINATION_SAVED = "destination.saved", "Destination saved", Group.ORGANIZATION
    DESTINATION_DISABLED = "destination.disabled", "Destination disabled", Group.ORGANIZATION
    DESTINATION_DELETED = "destination.deleted", "Destination deleted", Group.ORGANIZATION
    DESTINATION_SECRET = "destination.secret", "Signing secret replaced", Group.ORGANIZATION
    QUIET_PERIOD_ADDED = "quiet-period.added", "Quiet period added", Group.ORGANIZATION
    QUIET_PERIOD_ENDED = "quiet-period.ended", "Quiet period ended", Group.ORGANIZATION
    NOTIFICATION_SETTINGS_SAVED = "notifications.saved", "Notification settings saved", Group.ORGANIZATION
    NOTIFICATION_ACKNOWLEDGED = "notification.acknowledged", "Problem acknowledged", Group.ORGANIZATION
    KEYS_ROTATED = "keys.rotated", "Key rotation finished", Group.ORGANIZATION, Trait.NOTIFIES

    ORGANIZATION_ENTERED = "organization.entered", "Organization opened", Group.READING
    SECRETS_READ = "secrets.read", "Secrets read", Group.READING
    LAST_CALLS_READ = "last-calls.read", "Last calls read at the provider", Group.READING
    AUDIT_EXPORTED = "audit.exported", "Audit exported", Group.READING
    CALLS_EXPORTED = "calls.exported", "Calls exported", Group.READING
    AUDIT_OPENED = "audit.opened", "Audit of every organization opened", Group.READING
    BACKUP_MADE = "backup.made", "Backup made", Group.READING
    BACKUP_RESTORED = "backup.restored", "Backup restored", Group.READING

    @classmethod
    def of(cls, value: str) -> Action | None:
        """Returns the action with a stored value; None for an action of an earlier version."""
        return _BY_VALUE.get(value)


_BY_VALUE = {action.value: action for action in Action}
_GROUPS = {group.value: group for group in Group}


def has(value: str, trait: Trait) -> bool:
    """Whether a stored action has the trait."""
    action = Action.of(value)
    return action is not None and trait in action.traits


def with_trait(trait: Trait) -> tuple[Action, ...]:
    return tuple(action for action in Action if trait in action.traits)


FIELDS = {
    "public_base_url": "Public base URL",
    "active": "Provider",
    "imported_from": "Imported from",
    "reads_last_calls": "Last calls read once a day",
}
OF_PROVIDERS = {
    f"{provider.key}_{field.name}": field.label
    for provider in PROVIDERS.values()
    for field in provider.fields
}
"""Labels without the provider's name, which is the event's subject."""

NAMES_A_PROVIDER = frozenset({"provider", "active"})
RESULTS: Mapping[str, str] = {
    Outcome.OK: "accepted",
    Outcome.NOT_PROVEN: "accepted, not everything could be tested",
    Outcome.LIMITED: "accepted, with limits",
    Outcome.BAD_CREDENTIALS: "refused",
    Outcome.WRONG_ACCOUNT: "refused: another account",
    Outcome.SUSPENDED: "refused: account suspended",
    Outcome.TEST_CREDENTIALS: "refused: test credentials",
    Outcome.SECONDARY_TOKEN: "accepted, but not the primary token",
    Outcome.NO_CREDIT: "refused: no credit",
    Outcome.NO_PERMISSION: "refused: no permission",
    Outcome.NOT_FOUND: "not found",
    Outcome.TRUNK_DOMAIN_DIFFERS: "another trunk domain",
    Outcome.RATE_LIMITED: "too many requests",
    Outcome.UNEXPECTED_ANSWER: "unexpected response",
    Outcome.UNREACHABLE: "no response",
    Outcome.BUSY: "not sent: too many requests in progress",
    Outcome.NOT_CONFIGURED: "not sent: values are missing",
}
OF_WEBHOOK_TESTS: Mapping[str, str] = {
    "refused": "refused without a signature, as it should be",
    "connects": "connects the call",
    "connects_slowly": "connects the call, slowly",
    "responds": "responds",
    "open": "starts the agent without a signature",
    "not_refused": "accepts requests without a signature",
    "signature_refused": "right signature refused",
    "https_unseen": "right signature refused: URL read as http",
    "encoding_misread": "right signature refused: URL decoded first",
    "forbidden": "request refused",
    "wrong_method": "method not accepted",
    "server_error": "runtime failed",
    "unexpected_status": "unexpected status",
    "empty": "empty response",
    "html": "web page",
    "wrong_content_type": "wrong content type",
    "unreadable": "unreadable response",
    "other_root": "wrong root element",
    "rejects": "call rejected",
    "does_not_connect": "connects no agent",
    "bad_stream": "wrong stream URL",
    "too_slow": "too slow",
    "too_large": "response too large",
    "redirects": "redirected",
    "certificate": "certificate not trusted",
    "private_address": "not sent: private address",
    "unknown_host": "host not found",
    "no_connection": "no connection",
}
"""Texts for the results of webhook tests that a connection test cannot have."""

ROLES = {"superadmin": "Superadmin", "member": "Member"}
_CAPITALS = {"sid": "SID", "id": "ID", "api": "API", "twiml": "TwiML", "url": "URL"}


def label_of(value: str) -> str:
    """Returns a stored action's label; for an action of an earlier version, its value as words."""
    action = Action.of(value)
    return action.label if action else value.replace(".", " ").replace("-", " ").capitalize()


def field_label(name: str) -> str:
    """Returns the label of a changed field."""
    if label := FIELDS.get(name) or OF_PROVIDERS.get(name):
        return label
    if (key := name.removesuffix(" default")) in PROVIDERS:
        return PROVIDERS[key].label + name.removeprefix(key)
    words = [_CAPITALS.get(word, word) for word in name.split("_")]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def value_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "—" if value is None or value == "" else str(value)


def value_display(value: object, name: str) -> str:
    """Returns a field's value for a page, with formatted phone numbers; exports use `value_words`."""
    text = value_words(value, name)
    return phone.E164.sub(lambda match: phone.display(match[0]), text) if text.startswith("+") else text


def value_words(value: object, name: str) -> str:
    """Returns a field's value with words in place of codes."""
    text = value_text(value)
    if name in NAMES_A_PROVIDER and text in PROVIDERS:
        return PROVIDERS[text].label
    if name == "result":
        return result_text(text)
    if name == "role":
        return ROLES.get(text, text)
    if name == "country":
        return phone.country_names().get(text, text)
    return text


def result_text(code: str) -> str:
    """Returns the result of a test in words."""
    return RESULTS.get(code) or OF_WEBHOOK_TESTS.get(code, code.replace("_", " "))


def tested_text(changes: Mapping[str, Any]) -> str:
    """Returns the result of a recorded connection test, with the status of the last response."""
    code, status = (changes.get(name, [None, None])[1] for name in ("result", "status"))
    words = result_text(str(code)) if code else ""
    return f"{words}, {status}" if words and status else words


def changed_fields(changes: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Returns (name, before, after) of each changed field. The `before` of a new secret is None."""
    return [
        (name, None if before == "not set" else before, after)
        for name, (before, after) in changes.items()
        if before is not None or after is not None
    ]


def for_filter(key: str) -> tuple[Action, ...]:
    """Returns the actions of a group, or the one action; none if the key is neither."""
    if key in _GROUPS:
        return _GROUPS[key].actions
    action = Action.of(key)
    return (action,) if action else ()


def filter_word(key: str) -> str | None:
    """Returns the label of a group or action; None if the key is neither."""
    choice = _GROUPS.get(key) or Action.of(key)
    return choice.label if choice else None
