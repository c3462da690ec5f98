"""Where the trunk of a number with AI on leads: every kind of endpoint, and the residency of the agents."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import Conflict
from app.models import DriftCheck
from app.provider.voice_ai import SipEndpoint
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift import queue
from app.services.providers import credentials
from app.services.voice_ai import trunk
from app.services.webhooks import voice_numbers
from simulators.sinch import Sinch
from simulators.sinch_est import NUMBER, endpoint, error
from tests.support.scopes import OFFLINE

HOSTS = ("sip.rtc.elevenlabs.io", "sip-static.rtc.elevenlabs.io")
OTHER = "pbx.example"
CASES: list[tuple[list[SipEndpoint], str]] = [
    ([SipEndpoint(HOSTS[0])], ""),
    ([SipEndpoint(HOSTS[1])], ""),
    ([SipEndpoint(HOSTS[0], priority=1), SipEndpoint(OTHER, priority=2)], ""),
    ([], HOSTS[0]),
    ([SipEndpoint(OTHER)], HOSTS[0]),
    ([SipEndpoint(OTHER, priority=1), SipEndpoint(HOSTS[0], priority=2)], OTHER),
    ([SipEndpoint(HOSTS[0]), SipEndpoint(OTHER)], "same priority"),
    ([SipEndpoint("203.0.113.7")], "203.0.113.7:5060"),
]


def test_leads_to_names_what_keeps_calls_from_the_agent():
    wrong = []
    for endpoints, words in CASES:
        found = trunk.leads_to(endpoints, HOSTS, "Sinch EST", "ElevenLabs")
        if bool(found) is not bool(words) or words not in found:
            wrong.append((endpoints, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("api_base", "host"),
    [
        (None, "sip.rtc.elevenlabs.io"),
        ("https://api.us.elevenlabs.io", "sip.rtc.elevenlabs.io"),
        ("https://api.eu.residency.elevenlabs.io", "sip.rtc.eu.residency.elevenlabs.io"),
    ],
)
def test_sip_hosts_are_those_of_the_residency(api_base, host):
    hosts = PROVIDERS["elevenlabs"].sip_hosts({"api_base": api_base})
    assert hosts[0] == host


def test_caution_reads_the_number_and_the_trunk(here):
    row = here.on()
    wrong: list[object] = []
    upstream = here.est
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, ""),
        ({"endpoints": []}, HOSTS[0]),
        ({"endpoints": [endpoint(OTHER)]}, OTHER),
        ({"numbers": {NUMBER: ""}}, "trunk"),
        ({"numbers": {}}, "trunk"),
        ({"instead": {("GET", "/endpoints"): error(403, "PERMISSION_DENIED")}}, "could not be read"),
    ]
    for changes, words in cases:
        usual = {name: getattr(upstream, name) for name in changes}
        vars(upstream).update(changes)
        found = trunk.caution(here.scope, here.http, row)
        if bool(found) is not bool(words) or words not in found:
            wrong.append((changes, found))
        vars(upstream).update(usual)
    assert wrong == []


def test_a_number_that_an_agent_answers_is_not_expected_on_the_application(here):
    """Nor is it offered to be moved there, which would take it off the trunk."""
    scope, sinch = here.scope, PROVIDERS["sinch"]
    credentials.save(scope, sinch, dict(Sinch.sample_values))
    with scope.transaction():
        store.row_for(scope, sinch).callback_url = "https://dialer.example.com/sinch"
        scope.session.flush()
        queue.mark_due(scope)
    checked = scope.select(DriftCheck).where(DriftCheck.phone_number == NUMBER)
    assert scope.session.scalar(checked) is not None
    here.on()
    assert scope.session.scalar(checked) is None
    with pytest.raises(Conflict) as refused:
        voice_numbers.plan(scope, OFFLINE, sinch, NUMBER)
    assert refused.value.code == "ANSWERED_BY_AGENT"
    here.off()
    assert scope.session.scalar(checked) is not None
