"""A believable organization to click through. Its credentials are made up and open nothing."""

from __future__ import annotations

import secrets

from app.core.errors import Conflict
from app.core.outbound import Outbound
from app.models import Organization, Role, User
from app.provider import Family
from app.services import (
    connections,
    endpoints,
    organizations,
    people,
    providers,
    telephony,
    voice_ai,
    voice_phone_numbers,
)
from app.services.scope import Scope

NAME = "Meridian Support"
EMAIL = "demo@meridian.example"

_TELEPHONY = {
    "public_base_url": "https://voice.meridian.example",
    "provider": "twilio",
    "twilio_account_sid": "AC" + "de0" * 10 + "00",
    "twilio_auth_token": "made-up-twilio-auth-token-0001",
    "twilio_phone_number": "+14155550100",
    "exotel_account_sid": "meridian1",
    "exotel_api_key": "made-up-exotel-api-key-0001",
    "exotel_api_token": "made-up-exotel-api-token-0001",
    "exotel_api_base": "https://api.in.exotel.com",
}
_SINCH = {
    "application_key": "00000000-demo-0000-0000-000000000001",
    "application_secret": "made-up-sinch-application-secret",
}
_ELEVENLABS = {"api_key": "made-up-elevenlabs-api-key-0001"}
_ENDPOINTS = [
    ("+14155550100", "twilio", "support-agent", None, "Main support line"),
    ("+14155550101", "twilio", "billing-agent", "billing-agent", "Billing"),
    ("+12125550134", "twilio", "support-agent", "sales-agent", "New York"),
    ("+13125550166", "twilio", None, "sales-agent", "Chicago, outbound only"),
    ("+918047112345", "exotel", "collections", "collections", "Collections, Bengaluru"),
    ("+919876543210", "exotel", "support-hindi", None, "Support in Hindi"),
    ("+918067654321", "vobiz", "collections", None, "Collections, overflow"),
    ("+97235550123", "twilio", "support-agent", None, "קו תמיכה ראשי"),
]
_PEOPLE = [
    ("Priya Raman", "priya@meridian.example", "+14165550100"),
    ("Jonas Weber", "jonas@meridian.example", "+14165550101"),
    ("Amara Okafor", "amara@meridian.example", None),
]


def fill(scope: Scope, http: Outbound) -> tuple[Organization, str]:
    """The new organization and its superadmin's password. Conflict where it is there already.

    No provider is called: made-up credentials are nobody's business.
    """
    if organizations.by_name(scope, NAME):
        raise Conflict(f"{NAME} is there already.")
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    organization = organizations.create(scope, {"name": NAME})
    inside = scope.into(organization)
    organizations.update(inside, http, {"country": "US"})
    _connect(inside, http)
    for number, provider, inbound, outbound, label in _ENDPOINTS:
        sent = {"phone_number": number, "provider": provider, "label": label}
        endpoints.create(inside, sent | {"inbound_agent_name": inbound, "outbound_agent_name": outbound})
    _person(inside, "Dana Ortiz", EMAIL, Role.SUPERADMIN, password)
    for name, email, line in _PEOPLE:
        user = _person(inside, name, email, Role.MEMBER, secrets.token_urlsafe(24))
        if line:
            sent = {"userId": user.id, "provider": "sinch", "phoneNumber": line, "label": "Desk"}
            voice_phone_numbers.give(inside, sent)
    return organization, password


def _connect(scope: Scope, http: Outbound) -> None:
    telephony.update(scope, http, _TELEPHONY)
    providers.save(scope, connections.provider_of("sinch"), _SINCH)
    providers.make_active(scope, Family.VOICE, "sinch", reason="The dialers in Toronto moved to Sinch")
    tool_secret = {"tool_secret": secrets.token_hex(32)}
    providers.save(scope, connections.provider_of("elevenlabs"), _ELEVENLABS | tool_secret)
    voice_ai.choose(scope, "elevenlabs")


def _person(scope: Scope, name: str, email: str, role: Role, password: str) -> User:
    sent = {"email": email, "name": name, "role": role.value, "password": password}
    return people.create(scope, sent)
