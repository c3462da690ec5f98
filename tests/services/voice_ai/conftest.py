"""A voice AI provider and a SIP trunk on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.outbound import client
from app.core.outbound.client import Outbound
from app.providers import sinch_est
from app.services.scope import Scope
from simulators.elevenlabs import ElevenLabs
from simulators.sinch_est import SinchEst
from tests.support.accounts import connect
from tests.support.cast import Rows
from tests.support.voice_ai import Here, give


@pytest.fixture
def est() -> Iterator[SinchEst]:
    sinch_est.tokens.clear()
    with SinchEst() as simulator:
        yield simulator


@pytest.fixture
def labs() -> Iterator[ElevenLabs]:
    with ElevenLabs() as simulator:
        yield simulator


@pytest.fixture
def http(est: SinchEst, labs: ElevenLabs, monkeypatch: pytest.MonkeyPatch) -> Outbound:
    """Repeats no request after a pause."""
    monkeypatch.setattr(client, "RETRIES", 0)
    return Outbound({**est.upstreams, **labs.upstreams}, deadline=5.0)


@pytest.fixture
def here(acme: Scope, cast: Rows, est: SinchEst, labs: ElevenLabs, http: Outbound) -> Here:
    connect(acme, "sinch_est", est.values, trunk_domain=None)
    connect(acme, "elevenlabs", labs.values)
    return Here(acme, cast, est, labs, http, give(acme, cast.mo).id)
