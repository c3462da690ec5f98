"""An organization whose Twilio numbers are live."""

from __future__ import annotations

from collections.abc import Mapping

from app.services.endpoints import crud
from app.services.providers import telephony
from app.services.scope import Scope
from tests.support.scopes import OFFLINE

ACCOUNT = {"account_sid": "AC" + "0" * 32, "auth_token": "sample"}
BASE = "https://voice.acme.example"


def go_live(scope: Scope, account: Mapping[str, str] = ACCOUNT) -> None:
    typed = {f"twilio_{name}": account[name] for name in ("account_sid", "auth_token")}
    telephony.update(scope, OFFLINE, typed | {"public_base_url": BASE})


def add_numbers(scope: Scope, account: Mapping[str, str], *numbers: str) -> list[str]:
    """Returns the ids of endpoints of the account, with the agent `support`; nothing is read of them yet."""
    go_live(scope, account)
    payload = {"provider": "twilio", "inbound_agent_name": "support"}
    return [crud.create(scope, payload | {"phone_number": number}).id for number in numbers]
