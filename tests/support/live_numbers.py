"""An organization whose Twilio numbers are live."""

from __future__ import annotations

from app.services.providers import telephony
from app.services.scope import Scope
from tests.support.scopes import OFFLINE


def go_live(scope: Scope) -> None:
    account = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "sample"}
    telephony.update(scope, OFFLINE, account | {"public_base_url": "https://voice.acme.example"})
