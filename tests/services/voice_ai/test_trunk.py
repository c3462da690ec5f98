"""Where the trunk of a number with AI on leads: every kind of endpoint, and the residency of the agents."""

from __future__ import annotations

import pytest

from app.provider.voice_ai import SipEndpoint
from app.providers import PROVIDERS
from app.services.voice_ai import trunk

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
    hosts = PROVIDERS["elevenlabs"].sip_hosts({"api_base": api_base})  # type: ignore[attr-defined]
    assert hosts[0] == host
