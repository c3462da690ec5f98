from __future__ import annotations

from dataclasses import replace

import pytest

from app.core import etag
from app.core.errors import Invalid, NotFound, Stale
from app.services.audit import search
from app.services.numbers import assignments
from app.services.providers import voice

TWILIO = {
    "provider": "twilio",
    "twilioAccountSid": "AC" + "0" * 32,
    "twilioAuthToken": "sample-token-of-twilio",
    "phoneNumber": "+15551230001",
}
SINCH = {
    "provider": "sinch",
    "sinchApplicationKey": "sample-key",
    "sinchApplicationSecret": "sample-secret-of-sinch",
    "phoneNumber": "+15551230002",
}


def _items(scope):
    return {item["provider"]: item for item in voice.config(scope)["providers"]}


def test_config_has_each_providers_own_values_and_the_callers_numbers(acme, cast):
    assert voice.config(acme) == {
        "activeProvider": None,
        "providers": [
            {"provider": "twilio", "isEnabled": False, "isConfigured": False},
            {"provider": "sinch", "isEnabled": False, "isConfigured": False},
        ],
        "userPhoneNumbers": [],
    }

    voice.save_config(acme, TWILIO)
    voice.save_config(acme, SINCH)
    state = {"isEnabled": True, "isConfigured": True}
    assert _items(acme) == {"twilio": TWILIO | state, "sinch": SINCH | state}

    voice.save_config(acme, TWILIO)
    voice.save_config(acme, {"provider": "twilio", "phoneNumber": None})
    item = _items(acme)["twilio"]
    assert "phoneNumber" not in item
    assert item["twilioAuthToken"] == TWILIO["twilioAuthToken"]

    voice.save_config(acme, TWILIO | {"isEnabled": False})
    assert _items(acme)["twilio"]["isEnabled"] is False
    voice.save_config(acme, {"provider": "twilio", "isEnabled": True})
    assert _items(acme)["twilio"]["isEnabled"] is True

    _give(acme, cast.mo, "+15551230003")
    _give(acme, cast.dana, "+15551230005", label="Desk", isInboundEnabled=False)
    assert voice.config(acme)["userPhoneNumbers"] == [
        {
            "provider": "twilio",
            "phoneNumber": "+15551230005",
            "isDefault": True,
            "isInboundEnabled": False,
            "aiEnabled": False,
            "label": "Desk",
        }
    ]


def test_secrets_need_scope_and_role_and_their_reading_is_audited(acme, cast):
    voice.save_config(acme, TWILIO)
    modest = replace(acme, actor=replace(acme.actor, scopes=frozenset()))
    before = len(search.recent(acme))
    assert "sample-token" not in str(voice.read_config(modest))
    assert len(search.recent(acme)) == before
    assert "sample-token" in str(voice.read_config(acme))
    assert search.recent(acme)[0].action == "secrets.read"

    voice.save_config(acme, TWILIO)
    actor = replace(acme.actor, role=type(acme.actor.role)("member"))
    assert "sample-token" not in str(voice.config(replace(acme, actor=actor)))


def test_save_config_refuses_other_providers_fields_and_an_old_tag(acme, subtests):
    for provider in ["vobiz", "acme", "", "Twilio"]:
        with subtests.test(provider=provider):
            with pytest.raises(Invalid) as refused:
                voice.save_config(acme, {"provider": provider})
            assert [problem.field for problem in refused.value.problems] == ["provider"]

    with pytest.raises(Invalid) as refused:
        voice.save_config(acme, TWILIO | {"sinchApplicationKey": "x"})
    assert [problem.field for problem in refused.value.problems] == ["sinchApplicationKey"]
    assert not _items(acme)["twilio"]["isConfigured"]

    with pytest.raises(Invalid):
        voice.save_config(acme, TWILIO | {"twilioAuthToken": ""})
    unknown = voice.save_config(acme, TWILIO | {"twilioMaxConcurrent": 3, "more": None})
    assert unknown == ["more", "twilioMaxConcurrent"]

    with pytest.raises(Invalid) as refused:
        voice.save_config(acme, {"provider": "twilio", "twilioAuthToken": "ilio"})
    assert refused.value.problems[0].field == "twilioAuthToken"

    is_unchanged = etag.of(voice.config(acme)).__eq__
    voice.save_config(acme, TWILIO | {"phoneNumber": None}, if_match=is_unchanged)
    with pytest.raises(Stale):
        voice.save_config(acme, SINCH, if_match=is_unchanged)
    assert not _items(acme)["sinch"]["isConfigured"]


def test_active_is_of_the_scopes_organization_until_it_is_disconnected(acme, cast):
    there = acme.for_organization(cast.globex)
    voice.save_config(there, SINCH)
    voice.make_active(there, "sinch")
    assert (voice.active(there), voice.active(acme)) == (("sinch", None), (None, None))
    voice.save_config(acme, TWILIO)
    voice.make_active(acme, "twilio")
    voice.disconnect(acme, "twilio")
    assert voice.config(acme)["activeProvider"] is None
    for key in ("vobiz", "acme"):
        with pytest.raises(NotFound):
            voice.disconnect(acme, key)


def _give(scope, user, number, **more):
    payload = {"userId": user.id, "provider": "twilio", "phoneNumber": number}
    return assignments.assign(scope, payload | more)
