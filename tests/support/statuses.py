"""What decides an organization's status: test results, drift results, and a number that is in sync."""

from __future__ import annotations

from typing import Any

from app.models import Check
from app.provider import Family, Provider
from app.provider.numbers import ProviderNumber
from app.providers import PROVIDERS
from app.services.connections import number_health, store
from app.services.drift import queue
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud, readiness
from app.services.organizations import directory
from app.services.providers import active, credentials
from app.services.scope import Scope
from tests.support.scopes import OFFLINE

TWILIO = PROVIDERS["twilio"]
TWILIO_VALUES = {"account_sid": "AC" + "0" * 32, "auth_token": "sample-token-of-twilio"}
BASE = "https://voice.example.com"
NUMBER = "+15551234567"
URL = f"{BASE}/telephony/twilio/inbound/support"
OLD_URL = "https://old.example/x"


def drifted(number: str = NUMBER) -> ProbeResult:
    return ProbeResult(ProviderNumber(number, webhook_url=OLD_URL, method="POST"))


def in_sync(number: str = NUMBER) -> ProbeResult:
    return ProbeResult(ProviderNumber(number, webhook_url=URL, method="POST"))


def save_test(scope: Scope, provider: Provider = TWILIO, code: str = "ok", *, ok: bool = True) -> None:
    """Replaces the result of the provider's connection test."""
    with scope.transaction():
        for check in scope.session.scalars(scope.select(Check).where(Check.provider == provider.key)):
            scope.session.delete(check)
        scope.session.flush()
        own = {"organization_id": scope.organization.id, "provider": provider.key, "actor_name": "dana"}
        scope.session.add(Check(**own, ok=ok, code=code, reason="Look there."))
        number_health.changed(scope)


def save_result(scope: Scope, result: ProbeResult, number: str = NUMBER, provider: str = "twilio") -> None:
    """Saves what a drift check observed of one number."""
    with scope.transaction():
        queue.save_results(scope, provider, {number: result})


def go_live(scope: Scope, values: dict[str, Any] = TWILIO_VALUES) -> None:
    """Makes Twilio the default, tested and with one number that is in sync."""
    directory.update(scope, OFFLINE, {"public_base_url": BASE, "country": "US"})
    credentials.save(scope, TWILIO, values)
    active.make_active(scope, Family.TELEPHONY, "twilio")
    agents = {"inbound_agent_name": "support", "outbound_agent_name": "sales"}
    crud.create(scope, {"phone_number": NUMBER, "provider": "twilio", "label": "Front desk"} | agents)
    save_test(scope)
    save_result(scope, in_sync())


def edit(scope: Scope, **values: Any) -> None:
    """Edits the endpoint of `NUMBER`."""
    row = readiness.by_number(scope, NUMBER)
    assert row
    crud.update(scope, row.id, values)


def clear(scope: Scope, name: str) -> None:
    """Clears one of Twilio's stored values."""
    with scope.transaction():
        store.apply(scope, TWILIO, {name: None})
