from __future__ import annotations

import re

import pytest

from app.core.errors import Conflict, Invalid, NotFound, Stale
from app.models import ProviderSwitch
from app.provider import Family
from app.providers import PROVIDERS
from app.services.audit import search
from app.services.audit.actions import Action
from app.services.connections import store
from app.services.providers import active, credentials, history
from app.services.providers import messages as provider_messages
from tests.support.scopes import OFFLINE, statements

TWILIO, VOBIZ, SINCH = PROVIDERS["twilio"], PROVIDERS["vobiz"], PROVIDERS["sinch"]
TWILIO_VALUES = {"account_sid": "AC" + "0" * 32, "auth_token": "sample-token-of-twilio"}
VOBIZ_VALUES = {"auth_id": "MA_SAMPLE", "auth_token": "sample-token-of-vobiz"}


@pytest.fixture
def live(acme):
    """Twilio is active for agent calls and for the dialer."""
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    active.make_active(acme, Family.TELEPHONY, "twilio", reason="First one")
    active.make_active(acme, Family.VOICE, "twilio")
    return acme


def test_make_active_refuses_incomplete_disabled_and_other_providers(acme):
    credentials.save(acme, TWILIO, {"account_sid": TWILIO_VALUES["account_sid"]})
    with pytest.raises(Conflict) as refused:
        active.make_active(acme, Family.TELEPHONY, "twilio")
    assert refused.value.code == "PROVIDER_NOT_CONFIGURED"
    assert active.active(acme, Family.TELEPHONY) is None

    credentials.save(acme, TWILIO, TWILIO_VALUES, enabled=False)
    with pytest.raises(Conflict) as refused:
        active.make_active(acme, Family.TELEPHONY, "twilio")
    assert refused.value.code == "PROVIDER_DISABLED"

    credentials.save(acme, VOBIZ, VOBIZ_VALUES)
    with pytest.raises(Invalid) as invalid:
        active.make_active(acme, Family.VOICE, "vobiz")
    assert [problem.field for problem in invalid.value.problems] == ["provider"]

    with pytest.raises(NotFound):
        active.make_active(acme, Family.VOICE, "acme")


def test_make_active_switches_one_family_records_it_and_none_clears_it(live):
    credentials.save(live, VOBIZ, VOBIZ_VALUES)
    active.make_active(live, Family.TELEPHONY, "vobiz", reason="Cheaper")
    assert active.active(live, Family.TELEPHONY) == "vobiz"
    assert active.active(live, Family.VOICE) == "twilio"
    assert active.active_families(live, TWILIO) == [Family.VOICE]
    last, *_, first = history.history(live, TWILIO)
    switches = [(one.family, one.was, one.now, one.reason) for one in (first, last)]
    assert switches == [
        ("telephony", None, "twilio", "First one"),
        ("telephony", "twilio", "vobiz", "Cheaper"),
    ]
    assert last.actor_name == "dana@acme.example"
    event = search.recent(live)[0]
    assert event.action == "provider.switched"
    assert event.changes["active"] == ["twilio", "vobiz"]

    before = len(live.session.scalars(live.select(ProviderSwitch)).all())
    active.make_active(live, Family.TELEPHONY, "vobiz")
    assert len(live.session.scalars(live.select(ProviderSwitch)).all()) == before

    active.make_active(live, Family.TELEPHONY, None, reason="Closed")
    assert active.active(live, Family.TELEPHONY) is None


def test_disable_or_disconnect_unsets_every_family_with_its_reason(live):
    credentials.set_enabled(live, OFFLINE, TWILIO, False)
    state = store.load(live, TWILIO)
    assert (state.enabled, state.is_configured) == (False, True)
    assert (active.active(live, Family.VOICE), active.active(live, Family.TELEPHONY)) == (
        None,
        None,
    )
    assert {switch.reason for switch in history.history(live, TWILIO, limit=2)} == {"Twilio was disabled"}
    credentials.set_enabled(live, OFFLINE, TWILIO, True)
    assert store.load(live, TWILIO).enabled
    assert active.active(live, Family.VOICE) is None

    for family in (Family.TELEPHONY, Family.VOICE):
        active.make_active(live, family, "twilio", reason="Once more")
    credentials.set_enabled(live, OFFLINE, TWILIO, False, reason="They send bills")
    assert {row.reason for row in history.history(live, TWILIO, limit=2)} == {
        "Twilio was disabled: They send bills"
    }
    event = next(event for event in search.recent(live) if event.action == "connection.saved")
    assert event.changes == {"enabled": [True, False], "reason": [None, "They send bills"]}
    credentials.disconnect(live, TWILIO, reason="For good")
    removed = search.recent(live)[0].changes
    assert removed["reason"] == [None, "For good"]
    assert removed["twilio_auth_token"] == ["set", "not set"]
    assert str(removed["twilio_account_sid"][0]).startswith("AC")
    reported = [(change.words, change.reason) for change in history.changes(live, TWILIO)]
    assert reported[0] == (Action.CONNECTION_DISCONNECTED.label, "For good")
    assert ("Disabled", "They send bills") in reported
    assert ("Made default for agent calls", "Once more") in reported


def test_save_refuses_to_clear_only_what_a_connected_default_needs(live, subtests):
    for name in ["account_sid", "auth_token"]:
        with subtests.test(name=name):
            with pytest.raises(Conflict) as refused:
                credentials.save(live, TWILIO, {name: None, "max_concurrent": 3})
            assert refused.value.code == "PROVIDER_ACTIVE"
            assert TWILIO.field(name).label in refused.value.message
            state = store.load(live, TWILIO)
            assert state.is_configured
            assert "max_concurrent" not in state.values

    credentials.save(live, TWILIO, {"max_concurrent": 3})
    credentials.save(live, TWILIO, {"max_concurrent": None})

    credentials.disconnect(live, TWILIO)
    assert active.active_families(live, TWILIO) == []
    assert not store.load(live, TWILIO).exists
    assert {switch.reason for switch in history.history(live, TWILIO, limit=2)} == {
        provider_messages.was_disconnected("Twilio")
    }


def test_save_of_an_inactive_provider_clears_its_own_fields_or_enables_it(acme):
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    credentials.save(acme, TWILIO, {"auth_token": None})
    assert not store.load(acme, TWILIO).is_configured

    credentials.save_submitted(
        acme, OFFLINE, VOBIZ, {"vobiz_auth_id": " MA_SAMPLE ", "vobiz_max_concurrent": 3}
    )
    assert store.load(acme, VOBIZ).values == {"auth_id": "MA_SAMPLE", "max_concurrent": 3}
    with pytest.raises(Invalid) as refused:
        credentials.save_submitted(acme, OFFLINE, VOBIZ, {"twilio_account_sid": "AC" + "0" * 32})
    assert [problem.field for problem in refused.value.problems] == ["twilio_account_sid"]

    assert credentials.save(acme, SINCH, {}, enabled=True) == {"enabled": [False, True]}
    assert store.load(acme, SINCH).exists
    assert credentials.save(acme, SINCH, {}, enabled=True) == {}
    events = [event for event in search.recent(acme) if event.subject == SINCH.label]
    assert len(events) == 1


def test_a_stale_version_is_refused_with_the_stored_connection(live, subtests):
    for save in [
        lambda scope, version: credentials.save(scope, TWILIO, {"max_concurrent": 2}, version=version),
        lambda scope, version: credentials.disconnect(scope, TWILIO, version=version),
        lambda scope, version: credentials.set_enabled(scope, OFFLINE, TWILIO, False, version=version),
    ]:
        with subtests.test(save=save):
            version = store.load(live, TWILIO).version
            credentials.save(live, TWILIO, {"max_concurrent": 9})
            with pytest.raises(Stale) as refused:
                save(live, version)
            assert refused.value.current.values["max_concurrent"] == 9
            assert store.load(live, TWILIO).values["max_concurrent"] == 9
            save(live, refused.value.current.version)
    credentials.save(live, VOBIZ, VOBIZ_VALUES, version=0)
    with pytest.raises(Stale):
        credentials.save(live, VOBIZ, VOBIZ_VALUES, version=0)


def test_make_active_concurrently_leaves_a_consistent_history(scopes):
    with scopes.of("dana") as scope:
        credentials.save(scope, TWILIO, TWILIO_VALUES)
        credentials.save(scope, VOBIZ, VOBIZ_VALUES)

    def choose(key):
        return lambda scope: active.make_active(scope, Family.TELEPHONY, key)

    tasks = [("dana", choose(key)) for key in ("twilio", "vobiz", None) * 3]
    assert scopes.in_parallel(*tasks) == [None] * 9
    with scopes.of("dana") as scope:
        switches = scope.session.scalars(scope.select(ProviderSwitch).order_by(ProviderSwitch.id)).all()
        was = [None, *[switch.now for switch in switches]]
        assert [switch.was for switch in switches] == was[:-1]
        assert scope.organization.active_telephony == was[-1]


def test_undo_restores_the_last_switch_unless_others_stale_or_disabled(live, globex):
    credentials.save(live, VOBIZ, VOBIZ_VALUES)
    active.make_active(live, Family.TELEPHONY, "vobiz", reason="Cheaper")
    first, *_ = [change.undo for change in history.changes(live, VOBIZ)]
    assert first is not None
    assert active.undo(live, first, reason="Undo of “Cheaper”") is Family.TELEPHONY
    assert active.active(live, Family.TELEPHONY) == "twilio"
    last = history.history(live, TWILIO)[0]
    assert (last.was, last.now, last.reason) == ("vobiz", "twilio", "Undo of “Cheaper”")
    with pytest.raises(Conflict) as refused:
        active.undo(live, first, reason=None)
    assert refused.value.code == "CHANGED_SINCE"
    reported = [(change.words, change.undo) for change in history.changes(live, VOBIZ)]
    assert reported == [
        ("No longer default for agent calls", last.id),
        ("Made default for agent calls", None),
        (Action.CONNECTION_SAVED.label, None),
    ]

    switch = history.history(live, TWILIO)[0].id
    with pytest.raises(NotFound):
        active.undo(globex, switch, reason=None)
    with pytest.raises(NotFound):
        active.undoable(live, -1)
    with pytest.raises(Stale):
        active.undo(live, switch, reason=None, version=99)

    credentials.save(live, VOBIZ, VOBIZ_VALUES)
    active.make_active(live, Family.TELEPHONY, "vobiz")
    switch = history.history(live, VOBIZ)[0].id
    credentials.set_enabled(live, OFFLINE, TWILIO, False)
    with pytest.raises(Conflict) as refused:
        active.undo(live, switch, reason=None)
    assert refused.value.code == "PROVIDER_DISABLED"
    assert active.active(live, Family.TELEPHONY) == "vobiz"


def test_save_loads_the_connection_once(acme):
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    active.make_active(acme, Family.TELEPHONY, "twilio")
    changes = {"auth_token": "sample-and-newer", "phone_number": "+15551234567"}
    with statements(acme.session.get_bind()) as ran:
        credentials.save(acme, TWILIO, changes, enabled=True)
    read = [sql for sql in ran if sql.startswith("SELECT") and "secrets.sealed" in sql]
    loads = [sql for sql in read if "secrets.field =" not in sql]
    of_one = [sql for sql in loads if len(re.findall(r"\?|%\(", sql)) == 2]
    assert (len(of_one), len(loads)) == (1, 2), "the second is for the verdicts, of all"
    assert len([sql for sql in ran if sql.startswith("SELECT connections")]) <= 4, ran
    writes = [sql for sql in ran if not sql.startswith("SELECT")]
    assert [sql for sql in writes if "FROM drift_checks" in sql] == [], "there are no numbers to judge"
