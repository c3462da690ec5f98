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


def test_config_has_flags_and_no_secrets_and_none_that_is_broken(acme):
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

    voice_ai_config.save(
        acme, OFFLINE, {"elevenlabsApiKey": "sample-key-of-elevenlabs", "aiVoiceProvider": "elevenlabs"}
    )
    voice_ai_config.save(acme, OFFLINE, EST)
    config = voice_ai_config.config(acme)
    assert config["phoneNumbers"] == []
    assert (config["hasApiKey"], config["hasToolSecret"], config["hasEstCredentials"]) == (True, False, True)
    assert (config["aiVoiceProvider"], config["sinchEstProjectId"]) == ("elevenlabs", "project-1")
    assert "sample" not in str(config)

    with acme.transaction():
        for row in acme.session.scalars(acme.select(Secret)):
            row.sealed = "broken"
    config = voice_ai_config.config(acme)
    assert (config["hasApiKey"], config["hasEstCredentials"]) == (False, False)

    for name in EST:
        voice_ai_config.save(acme, OFFLINE, EST | {name: None})
        assert voice_ai_config.config(acme)["hasEstCredentials"] is False, name


def test_generate_tool_secret_makes_a_new_one_each_time(acme):
    voice_ai_config.save(acme, OFFLINE, {"generateToolSecret": False})
    assert not _elevenlabs(acme).secrets
    voice_ai_config.save(acme, OFFLINE, {"generateToolSecret": True})
    first = _elevenlabs(acme).secrets["tool_secret"].value
    assert re.fullmatch("[0-9a-f]{64}", first)
    voice_ai_config.generate_tool_secret(acme, OFFLINE)
    assert _elevenlabs(acme).secrets["tool_secret"].value != first
    assert first not in str([event.changes for event in search.recent(acme)])


def test_save_refuses_other_choices_and_an_old_tag_and_null_unsets_one(acme):
    for name in ("elevenlabsToolSecret", "elevenlabsWebhookSecret", "elevenlabsWebhookId"):
        assert voice_ai_config.save(acme, OFFLINE, {name: "sample-value-1234567"}) == [name]
    assert not _elevenlabs(acme).exists

    for choice in ("twilio", "acme", "sinch_est", ""):
        with pytest.raises(Invalid) as refused:
            voice_ai_config.save(acme, OFFLINE, {"aiVoiceProvider": choice, "generateToolSecret": True})
        assert [problem.field for problem in refused.value.problems] == ["aiVoiceProvider"]
    assert not _elevenlabs(acme).secrets

    voice_ai_config.save(acme, OFFLINE, {"aiVoiceProvider": "elevenlabs"})
    voice_ai_config.save(acme, OFFLINE, {})
    assert voice_ai_config.config(acme)["aiVoiceProvider"] == "elevenlabs"
    voice_ai_config.save(acme, OFFLINE, {"aiVoiceProvider": None})
    assert voice_ai_config.config(acme)["aiVoiceProvider"] is None

    is_unchanged = etag.of(voice_ai_config.config(acme)).__eq__
    voice_ai_config.save(
        acme, OFFLINE, {"elevenlabsApiKey": "sample-key-of-elevenlabs"}, if_match=is_unchanged
    )
    with pytest.raises(Stale):
        voice_ai_config.save(acme, OFFLINE, EST, if_match=is_unchanged)


def _fill(scope, user, first, total):
    row = {"organization_id": scope.organization.id, "user_id": user.id, "provider": "sinch"}
    rows = [
        row | {"id": new_id(), "phone_number": f"+1555{first + n:07}", "label": f"No. {n}"}
        for n in range(total)
    ]
    scope.session.execute(insert(VoicePhoneNumber), rows)
    scope.session.commit()


def test_config_numbers_take_one_query(engine, acme, cast):
    def queries():
        acme.session.expire_all()
        acme.session.commit()
        with statements(engine) as sql_statements:
            numbers = voice_ai_config.config(acme)["phoneNumbers"]
        return (
            len(numbers),
            len(sql_statements),
            sum("voice_phone_numbers" in line for line in sql_statements),
        )

    assert queries()[0] == 0
    _fill(acme, cast.mo, 0, 1)
    one = queries()
    _fill(acme, cast.dana, 1000, 500)
    _fill(acme, cast.mo, 2000, 499)
    assert queries() == (1000, one[1], 1)
    assert one == (1, one[1], 1)


def test_config_numbers_are_those_that_agents_can_answer(acme, globex, cast):
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
