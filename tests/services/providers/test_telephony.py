from __future__ import annotations

from dataclasses import replace

import pytest

from app.core import etag
from app.core.errors import Conflict, Invalid, Stale
from app.services import messages
from app.services.audit import search
from app.services.providers import telephony
from tests.support.scopes import OFFLINE

READY = {
    "public_base_url": "https://voice.example.com/",
    "provider": "twilio",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "sample-token-of-twilio",
}


def _without_secrets(scope):
    return replace(scope, actor=replace(scope.actor, scopes=frozenset()))


def test_document_has_every_default_and_update_returns_all_of_it(acme):
    assert telephony.document(acme) == {
        "provider": None,
        "public_base_url": None,
        "twilio_account_sid": None,
        "twilio_auth_token": None,
        "twilio_phone_number": None,
        "twilio_max_concurrent": 10,
        "exotel_account_sid": None,
        "exotel_api_key": None,
        "exotel_api_token": None,
        "exotel_phone_number": None,
        "exotel_api_base": None,
        "exotel_max_concurrent": 5,
        "vobiz_auth_id": None,
        "vobiz_auth_token": None,
        "vobiz_phone_number": None,
        "vobiz_max_concurrent": 5,
    }

    answer = telephony.update(acme, OFFLINE, READY)
    assert answer == telephony.document(acme)
    assert answer["provider"] == "twilio"
    assert answer["public_base_url"] == "https://voice.example.com"
    assert answer["twilio_auth_token"] == "sample-token-of-twilio"

    telephony.update(acme, OFFLINE, READY)
    is_unchanged = etag.of(telephony.document(acme)).__eq__
    telephony.update(acme, OFFLINE, {"twilio_max_concurrent": 3}, if_match=is_unchanged)
    with pytest.raises(Stale):
        telephony.update(acme, OFFLINE, {"twilio_max_concurrent": 4}, if_match=is_unchanged)
    assert telephony.document(acme)["twilio_max_concurrent"] == 3


def test_secrets_need_the_scope_and_their_reading_is_audited(acme):
    telephony.update(acme, OFFLINE, READY)
    document = telephony.document(_without_secrets(acme))
    assert "sample-token-of-twilio" not in str(document)
    assert not {"twilio_auth_token", "exotel_api_key", "exotel_api_token"} & set(document)
    assert document["twilio_account_sid"] == READY["twilio_account_sid"]

    before = len(search.recent(acme))
    telephony.read(_without_secrets(acme))
    assert len(search.recent(acme)) == before
    telephony.read(acme)
    event = search.recent(acme)[0]
    assert (event.action, event.subject, event.actor_name) == (
        "secrets.read",
        "telephony settings",
        "dana@acme.example",
    )


def test_update_needs_a_base_url_and_refused_changes_nothing(acme, subtests):
    for payload in [{}, {"vobiz_max_concurrent": 2}, {"public_base_url": None}]:
        with subtests.test(sent=payload):
            with pytest.raises(Invalid) as refused:
                telephony.update(acme, OFFLINE, payload)
            assert [problem.field for problem in refused.value.problems] == ["public_base_url"]
            assert telephony.document(acme)["vobiz_max_concurrent"] == 5

    telephony.update(acme, OFFLINE, READY)
    assert telephony.update(acme, OFFLINE, {})["public_base_url"] == "https://voice.example.com"
    with pytest.raises(Invalid):
        telephony.update(acme, OFFLINE, {"public_base_url": None})
    assert telephony.document(acme)["public_base_url"] == "https://voice.example.com"

    telephony.update(acme, OFFLINE, READY)
    before = telephony.document(acme)
    payload = {
        "public_base_url": "https://new.example.com",
        "twilio_max_concurrent": 0,
        "vobiz_auth_token": "",
        "exotel_api_base": "https://evil.example",
    }
    with pytest.raises(Invalid) as refused:
        telephony.update(acme, OFFLINE, payload)
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["twilio_max_concurrent", "exotel_api_base", "vobiz_auth_token"]
    assert telephony.document(acme) == before

    telephony.update(acme, OFFLINE, READY)
    before, events = telephony.document(acme), len(search.recent(acme))
    with pytest.raises(Conflict):
        telephony.update(acme, OFFLINE, {"public_base_url": "https://new.example.com", "provider": "vobiz"})
    assert telephony.document(acme) == before
    assert len(search.recent(acme)) == events


def test_update_cannot_clear_the_active_provider_unless_it_switches(acme):
    telephony.update(acme, OFFLINE, READY)
    with pytest.raises(Conflict) as refused:
        telephony.update(acme, OFFLINE, {"twilio_auth_token": None})
    assert refused.value.code == "PROVIDER_ACTIVE"
    assert telephony.update(acme, OFFLINE, {"twilio_auth_token": None, "provider": None})["provider"] is None

    telephony.update(acme, OFFLINE, READY)
    vobiz = {"vobiz_auth_id": "MA_SAMPLE", "vobiz_auth_token": "sample-token-of-vobiz"}
    switch = {"provider": "vobiz", "twilio_auth_token": None}
    answer = telephony.update(acme, OFFLINE, vobiz | switch)
    assert (answer["provider"], answer["twilio_auth_token"]) == ("vobiz", None)


def test_update_reads_numbers_with_the_country_and_refuses_unknown_fields(acme):
    with acme.transaction():
        acme.organization.country = "IN"
    answer = telephony.update(acme, OFFLINE, READY | {"exotel_phone_number": "098765 43210"})
    assert answer["exotel_phone_number"] == "+919876543210"

    with pytest.raises(Invalid) as refused:
        telephony.update(acme, OFFLINE, READY | {"twilio_auth_tokn": "x", "active": True})
    messages_by_field = {problem.field: problem.message for problem in refused.value.problems}
    assert messages_by_field["twilio_auth_tokn"] == messages.did_you_mean("twilio_auth_token")
    assert messages_by_field.keys() == {"twilio_auth_tokn", "active"}

    with pytest.raises(Invalid):
        telephony.update(acme, OFFLINE, READY | {"twilio_api_key_sid": "SK" + "0" * 32})
