"""Organizations to click through: one that needs work, one that is well, one that is new.

Their credentials are made up and open nothing. `make demo` has stand-ins for the providers that take them.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.errors import Conflict
from app.models import Organization, Role, User
from app.provider import Family
from app.services.access import users
from app.services.connections import store
from app.services.endpoints import crud
from app.services.numbers import assignments
from app.services.organizations import directory
from app.services.providers import active, credentials
from app.services.scope import Scope
from app.services.voice_ai import config

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

EMAIL = "demo@meridian.example"

VALUES: dict[str, dict[str, Any]] = {
    "twilio": {
        "account_sid": "AC" + "de0" * 10 + "00",
        "auth_token": "made-up-twilio-auth-token-0001",
        "phone_number": "+14155550100",
    },
    "exotel": {
        "account_sid": "meridian1",
        "api_key": "made-up-exotel-api-key-0001",
        "api_token": "made-up-exotel-api-token-0001",
        "api_base": "https://api.in.exotel.com",
    },
    "vobiz": {
        "auth_id": "MA_MERIDIAN1",
        "auth_token": "made-up-vobiz-auth-token-0001",
    },
    "sinch": {
        "application_key": "00000000-0000-4000-8000-0000000000d1",
        "application_secret": base64.b64encode(b"made-up-sinch-application").decode(),
    },
    "sinch_est": {
        "key_id": "00000000-0000-4000-8000-0000000000d2",
        "key_secret": "made-up-sinch-key-secret-0001",
        "project_id": "00000000-0000-4000-8000-0000000000d3",
        "trunk_id": "01" + "0" * 23 + "D",
        "trunk_domain": "meridian.trunk.example",
    },
    "elevenlabs": {"api_key": "made-up-elevenlabs-api-key-0001"},
}
"""One account at each provider, by field."""


@dataclass(frozen=True)
class Mapped:
    """A number and its agents: who answers, who dials."""

    phone_number: str
    provider: str
    inbound: str | None
    outbound: str | None
    label: str


@dataclass(frozen=True)
class Example:
    name: str
    base_url: str
    endpoints: tuple[Mapped, ...]


MERIDIAN = Example(
    "Meridian Support",
    "https://voice.meridian.example",
    (
        Mapped("+14155550100", "twilio", "support-agent", None, "Main support line"),
        Mapped("+14155550101", "twilio", "billing-agent", "billing-agent", "Billing"),
        Mapped("+12125550134", "twilio", "support-agent", "sales-agent", "New York"),
        Mapped("+13125550166", "twilio", None, "sales-agent", "Chicago, outbound only"),
        Mapped("+918047112345", "exotel", "collections", "collections", "Collections, Bengaluru"),
        Mapped("+919876543210", "exotel", "support-hindi", None, "Support in Hindi"),
        Mapped("+918067654321", "vobiz", "collections", None, "Collections, overflow"),
        Mapped("+918067654322", "vobiz", "collections", None, "Collections, evenings"),
        Mapped("+97235550123", "twilio", "support-agent", None, "קו תמיכה ראשי"),
    ),
)
HARBOR = Example(
    "Harbor Dental",
    "https://voice.harbor.example",
    (
        Mapped("+13105550142", "twilio", "front-desk", None, "Front desk"),
        Mapped("+13105550143", "twilio", "front-desk", "recall", "Appointments"),
    ),
)
"""Its numbers are of the same Twilio account."""

NEW = "Juniper Travel"

LINES = {"Priya Raman": "+14165550100", "Jonas Weber": "+14165550101"}
"""Who has which Sinch number."""

_PEOPLE = (
    ("Priya Raman", "priya@meridian.example"),
    ("Jonas Weber", "jonas@meridian.example"),
    ("Amara Okafor", "amara@meridian.example"),
)


def fill(scope: Scope, http: Outbound, password: str) -> Organization:
    """The organization that needs work, with a superadmin who has the password. Conflict where it is there.

    No provider is called: made-up credentials are nobody's business.
    """
    if directory.by_name(scope, MERIDIAN.name):
        raise Conflict(f"{MERIDIAN.name} is there already.")
    dana = users.read_new(scope, _sent("Dana Ortiz", EMAIL, Role.SUPERADMIN, password))
    inside = _organization(scope, http, MERIDIAN)
    with users.one_user_per_email(dana.email), inside.transaction():
        users.add(inside, dana)
    _connect(inside)
    _map(inside, MERIDIAN)
    for name, email in _PEOPLE:
        user = _member(inside, name, email)
        if line := LINES.get(name):
            sent = {"userId": user.id, "provider": "sinch", "phoneNumber": line, "label": "Desk"}
            assignments.assign(inside, sent)
    harbor = _organization(scope, http, HARBOR)
    _save(harbor, "twilio", VALUES["twilio"] | {"phone_number": HARBOR.endpoints[0].phone_number})
    active.make_active(harbor, Family.TELEPHONY, "twilio")
    _map(harbor, HARBOR)
    _member(harbor, "Lena Hart", "lena@harbor.example")
    directory.create(scope, {"name": NEW})
    return inside.organization


def _organization(scope: Scope, http: Outbound, example: Example) -> Scope:
    inside = scope.for_organization(directory.create(scope, {"name": example.name}))
    directory.update(inside, http, {"country": "US", "public_base_url": example.base_url})
    return inside


def _connect(scope: Scope) -> None:
    tool_secret = {"tool_secret": secrets.token_hex(32)}
    for key, values in VALUES.items():
        _save(scope, key, values | (tool_secret if key == "elevenlabs" else {}))
    active.make_active(scope, Family.TELEPHONY, "twilio")
    active.make_active(scope, Family.VOICE, "sinch", reason="The dialers in Toronto moved to Sinch")
    config.choose(scope, "elevenlabs")


def _save(scope: Scope, key: str, values: dict[str, Any]) -> None:
    credentials.save(scope, store.provider_of(key), values)


def _map(scope: Scope, example: Example) -> None:
    for mapped in example.endpoints:
        sent = {"phone_number": mapped.phone_number, "provider": mapped.provider, "label": mapped.label}
        agents = {"inbound_agent_name": mapped.inbound, "outbound_agent_name": mapped.outbound}
        crud.create(scope, sent | agents)


def _member(scope: Scope, name: str, email: str) -> User:
    return users.create(scope, _sent(name, email, Role.MEMBER, secrets.token_urlsafe(24)))


def _sent(name: str, email: str, role: Role, password: str) -> dict[str, str]:
    return {"email": email, "name": name, "role": role.value, "password": password}
