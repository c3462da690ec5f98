from __future__ import annotations

from dataclasses import replace

import pytest

from app.services import audit


def _record(scope, subject, **changes):
    with scope.transaction():
        audit.record(scope, "tested", subject, changes)


def test_an_event_tells_who_what_when_and_from_where(acme, cast):
    _record(acme, "Twilio", enabled=[True, False])
    event = audit.recent(acme)[0]
    assert event.organization_id == cast.acme.id
    assert (event.actor_id, event.actor_name) == (cast.dana.id, "dana@acme.example")
    assert (event.ip, event.request_id) == ("192.0.2.1", "request-1")
    assert (event.action, event.subject, event.changes) == (
        "tested",
        "Twilio",
        {"enabled": [True, False]},
    )
    assert event.at is not None


@pytest.mark.asvs("16.4.1")
@pytest.mark.parametrize("bad", ["\r\n", "\n", "\0", "\x1b[2J", "\u2028", "\u202e", "\ud800"])
def test_nobodys_name_forges_another_line(acme, bad):
    forger = replace(acme, actor=replace(acme.actor, name=f"Ann{bad}dana signed in"))
    _record(forger, f"a{bad}b")
    event = audit.recent(acme)[0]
    assert event.actor_name.isprintable()
    assert event.subject.isprintable()
    assert event.subject.startswith("a\N{REPLACEMENT CHARACTER}")


def test_a_long_name_is_cut(acme):
    _record(acme, "x" * 10_000)
    assert len(audit.recent(acme)[0].subject) == 254


def test_events_are_the_organizations_newest_first_in_pages(acme, globex):
    _record(globex, "theirs")
    for number in range(5):
        _record(acme, f"no. {number}")
    first = audit.recent(acme, limit=3)
    assert [event.subject for event in first] == ["no. 4", "no. 3", "no. 2"]
    second = audit.recent(acme, limit=3, before=first[-1].id)
    assert [event.subject for event in second] == ["no. 1", "no. 0"]


def test_what_is_about_one_thing(acme, globex):
    for scope in (acme, globex):
        _record(scope, "Twilio")
        _record(scope, "Sinch")
    assert [event.subject for event in audit.about(acme, "Twilio")] == ["Twilio"]


def test_a_note_does_not_count_as_a_change(acme):
    before = acme.organization.revision
    with acme.transaction():
        audit.note(acme, "secrets.read", "x")
    assert acme.organization.revision == before
    _record(acme, "x")
    assert acme.organization.revision == before + 1


def test_a_stranger_is_audited_without_an_organization(acme):
    _record(acme.into(None), "x")
    assert audit.recent(acme) == []


def test_a_difference_names_what_differs():
    before = {"name": "a", "label": None, "same": 1}
    after = {"name": "b", "label": None, "same": 1, "new": 2}
    assert audit.diff(before, after) == {"name": ["a", "b"], "new": [None, 2]}
