from __future__ import annotations

import pytest

from app.core.outbound.client import Outbound
from app.services.scope import Scope
from simulators.twilio import Twilio
from tests.support import statuses
from tests.support.accounts import typed


@pytest.fixture
def twilio(acme: Scope, twilio: Twilio) -> Twilio:
    """The provider of Acme, which is live."""
    statuses.go_live(acme, typed("twilio", twilio.values))
    return twilio


@pytest.fixture
def http(twilio: Twilio) -> Outbound:
    return Outbound(twilio.upstreams, deadline=10.0)
