from __future__ import annotations

import pytest

from app.core.outbound.client import Outbound
from app.services.endpoints import crud
from app.services.providers import telephony
from simulators import SIMULATORS
from tests.support.accounts import connect
from tests.support.scopes import OFFLINE

HOST = "voice.acme.example"


@pytest.fixture
def base(acme):
    telephony.update(acme, OFFLINE, {"public_base_url": f"https://{HOST}"})


@pytest.fixture
def endpoint(acme, base):
    """Creates an endpoint of a connected provider; returns its row."""

    def make(key="twilio", agent="support-agent", number="+15551234567"):
        connect(acme, key, SIMULATORS[key].sample_values)
        return crud.create(acme, {"phone_number": number, "provider": key, "inbound_agent_name": agent})

    return make


@pytest.fixture
def http():
    """Returns a client that reaches the runtime at the organization's host."""
    return lambda runtime_base, **options: Outbound({HOST: runtime_base}, **options)
