from __future__ import annotations

import re

import pytest
from sqlalchemy import insert

from app.core import etag
from app.core.errors import Invalid, Stale
from app.models import Secret, VoicePhoneNumber
from app.models.base import new_id
from app.providers import PROVIDERS
from app.services.audit import search
from app.services.connections import store
from app.services.numbers import assignments
from app.services.voice_ai import config as voice_ai_config
from tests.support.scopes import OFFLINE, statements

EST = {
    "sinchEstKeyId": "sample-key",
    "sinchEstKeySecret": "sample-secret-of-est",
    "sinchEstProjectId": "project-1",
    "sinchEstTrunkId": "trunk-1",
}


def _elevenlabs(scope):
    return store.load(scope, PROVIDERS["elevenlabs"])


def test_nothing_is_configured_at_first(acme):
    assert voice_ai_config.config(acme) == {
        "aiVoiceProvider": None,
        "hasApiKey": False,
        "hasToolSecret": False,
        "hasEstCredentials": False,
        "sinchEstProjectId": None,
        "sinchEstTrunkId": None,
        "sinchEstTrunkDomain": None,
        "phoneNumbers": [],
    }


def test_flags_and_never_values(acme):
    voice_ai_config.save(
        acme, OFFLINE, {"elevenlabsApiKey": "sample-key-of-elevenlabs", "aiVoiceProvider": "elevenlabs"}
    )
    voice_ai_config.save(acme, OFFLINE, EST)
    config = voice_ai_config.config(acme)
    assert config | {"phoneNumbers": []} == config
    assert (config["hasApiKey"], config["hasToolSecret"], config["hasEstCredentials"]) == (True, False, True)
    assert (config["aiVoiceProvider"], config["sinchEstProjectId"]) == ("elevenlabs", "project-1")
    assert "sample" not in str(config)


@pytest.mark.parametrize("name", EST)
def test_est_needs_all_four(acme, name):
    voice_ai_config.save(acme, OFFLINE, EST | {name: None})
    assert voice_ai_config.config(acme)["hasEstCredentials"] is False


def test_a_secret_that_does_not_open_is_not_there(acme):
    voice_ai_config.save(acme, OFFLINE, {"elevenlabsApiKey": "sample-key-of-elevenlabs"} | EST)
    with acme.transaction():
        for row in acme.session.scalars(acme.select(Secret)):
            row.sealed = "broken"
    config = voice_ai_config.config(acme)
    assert (config["hasApiKey"], config["hasEstCredentials"]) == (False, False)


def test_a_tool_secret_is_generated_when_asked_for(acme):
    voice_ai_config.save(acme, OFFLINE, {"generateToolSecret": False})
    assert not _elevenlabs(acme).secrets
    voice_ai_config.save(acme, OFFLINE, {"generateToolSecret": True})
    first = _elevenlabs(acme).secrets["tool_secret"].value
    assert re.fullmatch("[0-9a-f]{64}", first)
    voice_ai_config.generate_tool_secret(acme, OFFLINE)
    assert _elevenlabs(acme).secrets["tool_secret"].value != first
    assert first not in str([event.changes for event in search.recent(acme)])


@pytest.mark.parametrize("name", ["elevenlabsToolSecret", "elevenlabsWebhookSecret", "elevenlabsWebhookId"])
def test_what_is_not_typed_cannot_be_sent(acme, name):
    assert voice_ai_config.save(acme, OFFLINE, {name: "sample-value-1234567"}) == [name]
    assert not _elevenlabs(acme).exists


@pytest.mark.parametrize("choice", ["twilio", "acme", ""])
def test_only_a_voice_ai_provider_is_chosen(acme, choice):
    with pytest.raises(Invalid) as refused:
        voice_ai_config.save(acme, OFFLINE, {"aiVoiceProvider": choice, "generateToolSecret": True})
    assert refused.value.problems[0].message == "Use elevenlabs or sinch_est, or null for none."
    assert not _elevenlabs(acme).secrets


def test_null_unsets_the_choice(acme):
    voice_ai_config.save(acme, OFFLINE, {"aiVoiceProvider": "elevenlabs"})
    voice_ai_config.save(acme, OFFLINE, {})
    assert voice_ai_config.config(acme)["aiVoiceProvider"] == "elevenlabs"
    voice_ai_config.save(acme, OFFLINE, {"aiVoiceProvider": None})
    assert voice_ai_config.config(acme)["aiVoiceProvider"] is None


def test_a_tag_that_was_read_guards_the_save(acme):
    tag = etag.of(voice_ai_config.config(acme))
    voice_ai_config.save(acme, OFFLINE, {"elevenlabsApiKey": "sample-key-of-elevenlabs"}, if_match=tag)
    with pytest.raises(Stale):
        voice_ai_config.save(acme, OFFLINE, EST, if_match=tag)


def _fill(scope, user, first, total):
    row = {"organization_id": scope.organization.id, "user_id": user.id, "provider": "sinch"}
    rows = [
        row | {"id": new_id(), "phone_number": f"+1555{first + n:07}", "label": f"No. {n}"}
        for n in range(total)
    ]
    scope.session.execute(insert(VoicePhoneNumber), rows)
    scope.session.commit()


def test_the_numbers_are_one_query_however_many_they_are(engine, acme, cast):
    def queries():
        acme.session.expire_all()
        acme.session.commit()
        with statements(engine) as seen:
            numbers = voice_ai_config.config(acme)["phoneNumbers"]
        return len(numbers), len(seen), sum("voice_phone_numbers" in line for line in seen)

    assert queries()[0] == 0
    _fill(acme, cast.mo, 0, 1)
    one = queries()
    _fill(acme, cast.dana, 1000, 500)
    _fill(acme, cast.mo, 2000, 499)
    assert queries() == (1000, one[1], 1)
    assert one == (1, one[1], 1)


def test_numbers_are_every_users_sinch_numbers_of_this_organization(acme, globex, cast):
    def give(scope, user, provider, number):
        assignments.assign(scope, {"userId": user.id, "provider": provider, "phoneNumber": number})

    give(acme, cast.mo, "sinch", "+15551230002")
    give(acme, cast.dana, "sinch", "+15551230001")
    give(acme, cast.dana, "twilio", "+15551230003")
    give(globex, cast.gus, "sinch", "+15551230004")
    assert voice_ai_config.config(acme)["phoneNumbers"] == [
        {
            "provider": "sinch",
            "phoneNumber": number,
            "isDefault": True,
            "isInboundEnabled": True,
            "aiEnabled": False,
            "userName": user.name,
            "userId": user.id,
        }
        for number, user in [("+15551230001", cast.dana), ("+15551230002", cast.mo)]
    ]
