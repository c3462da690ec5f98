from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from app.core.errors import Invalid, NotFound
from app.core.sealing import Sealer
from app.models import Connection, Secret
from app.providers import PROVIDERS
from app.services.audit import search
from app.services.connections import messages, store
from app.services.providers import credentials
from app.services.scope import Keys

TWILIO, EXOTEL = PROVIDERS["twilio"], PROVIDERS["exotel"]
SID = "AC" + "0" * 32
TOKEN = "sample-token-of-twilio-wxyz"
VALUES = {"account_sid": SID, "auth_token": TOKEN, "max_concurrent": 4}


@pytest.fixture
def saved(acme):
    credentials.save(acme, TWILIO, VALUES)
    return store.load(acme, TWILIO)


def test_save_seals_secrets_and_load_opens_them_until_disconnected(acme):
    for changes in ({}, {"auth_token": None}, {"service_sid": None}):
        assert credentials.save(acme, TWILIO, changes) == {}, "there is nothing to store"
    state = store.load(acme, TWILIO)
    assert (state.exists, state.version, state.is_configured) == (False, 0, False)
    assert [field.name for field in state.missing] == ["account_sid", "auth_token"]
    assert search.recent(acme) == []

    credentials.save(acme, TWILIO, VALUES)
    saved = store.load(acme, TWILIO)
    assert saved.exists
    assert saved.is_configured
    assert saved.values == {"account_sid": SID, "max_concurrent": 4}
    assert saved.secrets["auth_token"].value == TOKEN
    assert saved.secrets["auth_token"].hint == "wxyz"
    assert saved.raw(TWILIO.field("auth_token")) == TOKEN
    assert saved.raw(TWILIO.field("api_key_secret")) is None

    assert TOKEN not in repr(saved)
    assert TOKEN not in str(saved.secrets)

    row = acme.session.scalar(acme.select(Secret))
    assert TOKEN not in row.sealed
    assert row.key_fingerprint == acme.keys.sealer.current
    assert acme.session.scalar(acme.select(Connection)).values == {
        "account_sid": SID,
        "max_concurrent": 4,
    }

    assert credentials.disconnect(acme, TWILIO)
    assert acme.session.scalars(acme.select(Secret)).all() == []
    assert acme.session.scalars(acme.select(Connection)).all() == []
    assert not credentials.disconnect(acme, TWILIO)


def test_save_keeps_absent_clears_null_refuses_the_hint_and_audits(acme, saved):
    with pytest.raises(Invalid) as refused:
        credentials.save(acme, TWILIO, {"auth_token": "wxyz"})
    problem = refused.value.problems[0]
    assert problem.field == "twilio_auth_token"
    assert problem.message == messages.ONLY_A_HINT
    assert store.load(acme, TWILIO).secrets["auth_token"].value == TOKEN

    first = saved.secrets["auth_token"].since
    assert credentials.save(acme, TWILIO, {"account_sid": SID, "max_concurrent": 4}) == {}
    assert store.load(acme, TWILIO).version == saved.version
    credentials.save(acme, TWILIO, {"max_concurrent": 5})
    state = store.load(acme, TWILIO)
    assert (state.secrets["auth_token"].since, state.version) == (first, saved.version + 1)

    credentials.save(acme, TWILIO, {"auth_token": "another-sample-token-stuv"})
    state = store.load(acme, TWILIO)
    assert state.values == saved.values | {"max_concurrent": 5}
    assert state.secrets["auth_token"].value == "another-sample-token-stuv"
    assert state.secrets["auth_token"].hint == "stuv"
    assert state.secrets["auth_token"].since > first
    assert state.version > saved.version + 1

    credentials.save(acme, TWILIO, {"auth_token": None, "max_concurrent": None})
    state = store.load(acme, TWILIO)
    assert (state.values, state.secrets, state.is_configured) == ({"account_sid": SID}, {}, False)
    events = search.recent(acme)
    assert [event.changes for event in events] == [
        {"twilio_auth_token": ["set", "not set"], "twilio_max_concurrent": [5, None]},
        {"twilio_auth_token": ["set", "replaced"]},
        {"twilio_max_concurrent": [4, 5]},
        {
            "twilio_account_sid": [None, SID],
            "twilio_auth_token": ["not set", "set"],
            "twilio_max_concurrent": [None, 4],
        },
    ]
    assert {event.subject for event in events} == {"Twilio"}


def test_load_opens_ones_own_secrets_and_marks_the_broken_ones(acme, globex, saved):
    assert not store.load(globex, TWILIO).exists
    credentials.save(globex, TWILIO, {"auth_token": "sample-token-of-globex"})
    assert store.load(acme, TWILIO).secrets["auth_token"].value == TOKEN
    credentials.disconnect(globex, TWILIO)
    assert store.load(acme, TWILIO) == saved

    credentials.save(globex, TWILIO, {"account_sid": SID, "auth_token": "sample-token-of-globex"})
    sealed = acme.session.scalar(acme.select(Secret)).sealed
    with globex.transaction():
        globex.session.scalar(globex.select(Secret)).sealed = sealed
    assert store.load(globex, TWILIO).secrets["auth_token"].broken

    states = store.load_all(acme)
    assert list(states) == list(PROVIDERS)
    assert [key for key, state in states.items() if state.exists] == ["twilio"]

    with pytest.raises(NotFound):
        store.provider_of("acme")

    with acme.transaction():
        row = acme.session.scalar(acme.select(Connection))
        row.values = row.values | {"old_name": "x"}
    assert "old_name" not in store.load(acme, TWILIO).values
    credentials.save(acme, TWILIO, {"max_concurrent": 9})
    plain = saved.values | {"max_concurrent": 9}
    acme.session.expire_all()
    assert acme.session.scalar(acme.select(Connection)).values["old_name"] == "x"

    other = replace(acme, keys=Keys(Sealer([Fernet.generate_key().decode()]), acme.keys.jwt))
    state = store.load(other, TWILIO)
    assert state.secrets["auth_token"].broken
    assert state.values == plain

    credentials.save(acme, TWILIO, {"api_key_secret": "sample-key-secret-1234"})
    with acme.transaction():
        row = acme.session.scalar(acme.select(Secret).where(Secret.field == "auth_token"))
        row.sealed = row.sealed[:-10] + "AAAAAAAAAA"
    state = store.load(acme, TWILIO)
    broken = state.secrets["auth_token"]
    assert (broken.broken, broken.value, broken.hint) == (True, None, "wxyz")
    assert not state.opens("auth_token")
    assert state.opens("api_key_secret")
    assert [field.name for field in state.missing] == ["auth_token"]
    assert state.values == plain

    credentials.save(acme, TWILIO, {"auth_token": TOKEN})
    assert store.load(acme, TWILIO).is_configured


HOSTED = {
    "account_sid": "sample",
    "api_key": "sample-key-of-exotel",
    "api_token": "sample-token-of-exotel",
}


def test_save_of_another_host_alone_requires_the_secrets(acme, subtests):
    for stored, submitted in [
        (None, "https://api.in.exotel.com"),
        ("https://api.in.exotel.com", "https://api.exotel.com"),
        ("https://api.in.exotel.com", None),
    ]:
        with subtests.test(stored=stored, sent=submitted):
            credentials.save(acme, EXOTEL, HOSTED | {"api_base": stored})
            with pytest.raises(Invalid) as refused:
                credentials.save(acme, EXOTEL, {"api_base": submitted, "api_key": "another-sample-key"})
            assert [problem.field for problem in refused.value.problems] == ["exotel_api_token"]
            assert store.load(acme, EXOTEL).values.get("api_base") == stored

            credentials.save(
                acme, EXOTEL, {"api_base": submitted, "api_key": "another-key-1", "api_token": None}
            )
            assert store.load(acme, EXOTEL).values.get("api_base") == submitted
    for submitted in [None, "https://api.exotel.com"]:
        with subtests.test(in_force=submitted):
            credentials.save(acme, EXOTEL, HOSTED | {"api_base": None})
            credentials.save(acme, EXOTEL, {"api_base": submitted})
            assert store.load(acme, EXOTEL).is_configured
