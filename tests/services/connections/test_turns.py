"""A provider that hangs delays no other provider and no other organization."""

from __future__ import annotations

import threading

import pytest

from app.core.outbound import turns
from app.core.outbound.client import Outbound
from app.http import OUTBOUND_LIMITS
from app.providers import PROVIDERS
from app.services.connections import proof, verification
from app.services.connections.gateway import BUSY, ProviderBusy
from simulators.vobiz import Vobiz
from tests.support.accounts import connect
from tests.support.gate import SECONDS, Gate

TWILIO, VOBIZ = PROVIDERS["twilio"], PROVIDERS["vobiz"]


class Hanging(Gate):
    """Answers nothing until it is over. `arrived` counts the requests that wait."""

    def __init__(self, bases):
        super().__init__(bases)
        self.arrived = threading.Semaphore(0)
        self.fault = self._wait

    def _wait(self, peer):
        self.arrived.release()
        self.hang(peer)

    def has_another(self):
        return self.arrived.acquire(timeout=SECONDS)


def test_hanging_provider_delays_no_other_provider_or_organization(acme, globex, scopes, twilio, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.0)
    with Vobiz() as vobiz, Hanging(twilio.upstreams) as gate:
        for scope in (acme, globex):
            connect(scope, "twilio", twilio.values)
            connect(scope, "vobiz", vobiz.values)
        base = f"http://127.0.0.1:{gate.port}"
        there = dict.fromkeys(twilio.upstreams, base) | vobiz.upstreams
        http = Outbound(there, deadline=SECONDS, limits=OUTBOUND_LIMITS)

        def hang(name):
            with scopes.of(name) as scope:
                verification.verify(scope, http, TWILIO, {})

        hung = [threading.Thread(target=hang, args=(name,)) for name in ("dana", "dana", "gus")]
        for thread in hung[:2]:
            thread.start()
        assert gate.has_another()
        assert gate.has_another()
        with pytest.raises(ProviderBusy) as busy:
            verification.verify(acme, http, TWILIO, {})
        assert (busy.value.status, busy.value.code) == (503, BUSY)
        assert busy.value.retry_after
        assert verification.verify(acme, http, VOBIZ, {}).result.ok
        hung[2].start()
        assert gate.has_another(), "another organization may still call it"
        assert verification.verify(globex, http, VOBIZ, {}).result.ok
        gate.over.set()
        for thread in hung:
            thread.join(SECONDS)
        assert set(proof.last_of_all(acme)) == {"vobiz"}, "nothing is known of Twilio"
