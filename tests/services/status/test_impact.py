"""Whom a change of what is live touches."""

from __future__ import annotations

import pytest

from app.models import VoicePhoneNumber
from app.provider import Family
from app.providers import PROVIDERS
from app.services.access import users
from app.services.endpoints import crud
from app.services.numbers import assignments
from app.services.organizations import directory
from app.services.providers import active, credentials
from app.services.status import impact
from app.services.status.impact import NameSample
from tests.support.scopes import OFFLINE

TWILIO, SINCH, VOBIZ = PROVIDERS["twilio"], PROVIDERS["sinch"], PROVIDERS["vobiz"]
TWILIO_VALUES = {"account_sid": "AC" + "0" * 32, "auth_token": "sample-token-of-twilio"}
SINCH_VALUES = {"application_key": "sample-key", "application_secret": "sample-secret-of-sinch"}
BASE = "https://voice.example.com"
NOW = "https://new.example.com"


@pytest.fixture
def live(acme, cast):
    """Three numbers at Twilio, one of them off, one at Vobiz; Mo has a Sinch number."""
    directory.update(acme, OFFLINE, {"public_base_url": BASE})
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    credentials.save(acme, SINCH, SINCH_VALUES)
    active.make_active(acme, Family.VOICE, "sinch")
    active.make_active(acme, Family.TELEPHONY, "twilio")
    for number, key, inbound, outbound, is_active in (
        ("+15551234561", "twilio", "support", "sales", True),
        ("+15551234562", "twilio", "billing", None, True),
        ("+15551234563", "twilio", "old", None, False),
        ("+15551234564", "vobiz", None, "sales", True),
    ):
        payload = {"phone_number": number, "provider": key, "is_active": is_active}
        crud.create(acme, payload | {"inbound_agent_name": inbound, "outbound_agent_name": outbound})
    assignments.assign(acme, {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+15557654321"})
    return acme


def test_of_a_switch_a_provider_and_the_base_url_counts_what_they_touch(live, globex, cast):
    switch_impact = impact.of_switch(live, Family.VOICE, "twilio")
    assert (switch_impact.was, switch_impact.now, switch_impact.dialers.total) == ("sinch", "twilio", 2)
    assert switch_impact.without == NameSample(["Mo"], 1)
    assert impact.of_switch(live, Family.VOICE, "sinch").without.total == 0

    calls = impact.of_switch(live, Family.TELEPHONY, "vobiz")
    assert (calls.was, calls.numbers) == ("twilio", {"twilio": 2, "vobiz": 1})

    assert impact.holders(live, "+15557654321").words == "Mo"
    assert impact.holders(live, "+15551234561").total == 0
    assert impact.holders(globex, "+15557654321").total == 0

    users.set_disabled(live, cast.mo.id, True)
    assert impact.of_provider(live, SINCH).dialers.total == 0
    users.set_disabled(live, cast.mo.id, False)

    twilio = impact.of_provider(live, TWILIO)
    assert (twilio.families, twilio.numbers) == ([Family.TELEPHONY], 2)
    assert (twilio.agents.names, twilio.agents.total) == (["billing", "sales", "support"], 3)
    assert twilio.dialers.total == 0
    sinch = impact.of_provider(live, SINCH)
    assert (sinch.families, sinch.numbers, sinch.dialers) == ([Family.VOICE], 0, NameSample(["Mo"], 1))
    assert impact.of_provider(live, PROVIDERS["exotel"]).is_unused

    assert impact.of_provider(live, PROVIDERS["elevenlabs"]).ai == 0
    with live.transaction():
        live.session.scalar(live.select(VoicePhoneNumber)).ai_enabled = True
    assert impact.of_provider(live, PROVIDERS["elevenlabs"]).ai == 1
    assert impact.of_provider(live, SINCH).ai == 0

    moved = impact.of_base_url(live, NOW)
    assert (moved.urls, moved.total, moved.by_provider) == ({"twilio": 3}, 3, "3 at Twilio")
    assert moved.agents.names == ["billing", "old", "support"]
    assert moved.has_effect
    assert moved.call_webhooks == []

    assert not impact.of_base_url(live, BASE).has_effect
    directory.update(live, OFFLINE, {"public_base_url": None})
    assert not impact.of_base_url(live, BASE).has_effect


NAMED = [
    ([], 0, ""),
    (["Ann"], 1, "Ann"),
    (["Ann", "Bob"], 2, "Ann and Bob"),
    (["Ann", "Bob", "Cy"], 3, "Ann, Bob and Cy"),
    (["Ann", "Bob"], 1002, "Ann, Bob and 1,000 more"),
]


def test_base_url_affects_call_webhooks_too_and_a_few_things_are_named(acme):
    assert [NameSample(names, total).words for names, total, _ in NAMED] == [words for *_, words in NAMED]

    directory.update(acme, OFFLINE, {"public_base_url": BASE})
    assert not impact.of_base_url(acme, NOW).has_effect
    credentials.save(acme, PROVIDERS["elevenlabs"], {"webhook_id": "wh-1"})
    url_impact = impact.of_base_url(acme, NOW)
    assert url_impact.call_webhooks == ["ElevenLabs"]
    assert url_impact.has_effect
