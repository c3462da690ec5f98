from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

from sqlalchemy import update

from app.models import AuditEvent
from app.services.audit import log, search
from app.services.audit.actions import Action
from tests.support.scopes import statements


def _record(scope, subject, **changes):
    with scope.transaction():
        log.record(scope, Action.CONNECTION_TESTED, subject, changes)


def test_record_stores_who_what_and_when_in_printable_short_text(acme, cast):
    _record(acme, "Twilio", enabled=[True, False])
    event = search.recent(acme)[0]
    assert event.organization_id == cast.acme.id
    assert (event.actor_id, event.actor_name) == (cast.dana.id, "dana@acme.example")
    assert (event.ip, event.request_id) == ("192.0.2.1", "request-1")
    assert (event.action, event.subject, event.changes) == (
        "connection.tested",
        "Twilio",
        {"enabled": [True, False]},
    )
    assert event.at is not None

    log.note_export(acme, Action.AUDIT_EXPORTED, "csv", {"q": "Twilio"})
    event = search.recent(acme)[0]
    assert (event.action, event.changes) == (
        "audit.exported",
        {"format": [None, "csv"], "q": [None, "Twilio"]},
    )

    before = acme.organization.revision
    with acme.transaction():
        log.note(acme, Action.SECRETS_READ, "x")
    assert acme.organization.revision == before
    _record(acme, "x")
    assert acme.organization.revision == before + 1

    for bad in ["\r\n", "\n", "\0", "\x1b[2J", "\u2028", "\u202e", "\ud800"]:
        forger = replace(acme, actor=replace(acme.actor, name=f"Ann{bad}dana signed in"))
        _record(forger, f"a{bad}b")
        event = search.recent(acme)[0]
        assert event.actor_name.isprintable(), bad
        assert event.subject.isprintable(), bad
        assert event.subject.startswith("a\N{REPLACEMENT CHARACTER}"), bad

    _record(acme, "x" * 10_000)
    assert len(search.recent(acme)[0].subject) == 254


def test_recent_about_and_page_return_the_events_of_their_organization(acme, globex):
    _record(acme.for_organization(None), "x")
    assert search.recent(acme) == []

    anonymous = acme.for_organization(None)
    for scope, subject in ((acme, "a"), (anonymous, "b"), (globex, "c")):
        _record(scope, subject)
    assert _subjects(search.page(anonymous)) == ["c", "b", "a", "x"]
    assert _subjects(search.page(anonymous, search.Filter(about=("b",)))) == ["b"]

    _record(globex, "theirs")
    for number in range(5):
        _record(acme, f"no. {number}")
    first = search.recent(acme, limit=3)
    assert [event.subject for event in first] == ["no. 4", "no. 3", "no. 2"]
    second = search.recent(acme, limit=3, before=first[-1].id)
    assert [event.subject for event in second] == ["no. 1", "no. 0", "a"]

    for scope in (acme, globex):
        _record(scope, "Twilio")
        _record(scope, "Sinch")
    assert [event.subject for event in search.about(acme, "Twilio")] == ["Twilio"]


def _subjects(page):
    return [event.subject for event in page.rows]


def test_pages_of_all_or_of_a_kind_lead_to_the_older_and_the_newer(acme, globex):
    """One action of the kind is rare, and older than a page of the other."""
    _record(globex, "theirs")
    for number in range(8):
        _record(acme, f"no. {number}")
    first = search.page(acme, limit=3)
    second = search.page(acme, before=first.next, limit=3)
    third = search.page(acme, before=second.next, limit=3)
    assert [_subjects(page) for page in (first, second, third)] == [
        ["no. 7", "no. 6", "no. 5"],
        ["no. 4", "no. 3", "no. 2"],
        ["no. 1", "no. 0"],
    ]
    assert (first.previous, third.next) == (None, None)
    assert search.page(acme, after=third.previous, limit=3) == second
    assert search.page(acme, after=second.previous, limit=3) == first

    a, b, x = Action.TOTP_ON, Action.SIGNED_IN, Action.SIGNED_OUT
    kinds = [a, x, b, b, a, x, b, b, b]
    for scope in (globex, acme):
        for number, action in enumerate(kinds):
            with scope.transaction():
                log.note(scope, action, f"no. {number}")
    filters = search.Filter(actions=(a, b, Action.TOTP_OFF))
    first = search.page(acme, filters, limit=3)
    second = search.page(acme, filters, before=first.next, limit=3)
    third = search.page(acme, filters, before=second.next, limit=3)
    assert [_subjects(page) for page in (first, second, third)] == [
        ["no. 8", "no. 7", "no. 6"],
        ["no. 4", "no. 3", "no. 2"],
        ["no. 0"],
    ]
    assert third.next is None
    assert search.page(acme, filters, after=third.previous, limit=3) == second
    assert {event.organization_id for event in first.rows} == {acme.organization.id}


def _at(scope, subject, moment):
    scope.session.execute(update(AuditEvent).where(AuditEvent.subject == subject).values(at=moment))
    scope.session.commit()


def test_page_and_walk_return_what_the_filter_selects(acme, globex, monkeypatch):
    monkeypatch.setattr(search, "TOGETHER", 3)
    for scope in (acme, globex):
        _record(scope, "Twilio")
        _record(replace(scope, actor=replace(scope.actor, name="Ann_1")), "50% of +15551234567")
        with scope.transaction():
            log.note(scope, Action.SIGNED_IN, "Sinch")
            log.note(scope, Action.SIGNED_IN, "Sinch EST")
        _at(scope, "Twilio", datetime.combine(date(2026, 3, 1), time.max))
        _at(scope, "Sinch", datetime.combine(date(2026, 3, 2), time.min))
    twilio, number, sinch, est = "Twilio", "50% of +15551234567", "Sinch", "Sinch EST"
    for filters, expected in (
        (search.Filter(), [est, sinch, number, twilio]),
        (search.Filter(text="sINCH"), [est, sinch]),
        (search.Filter(text="50%"), [number]),
        (search.Filter(text="1%5"), []),
        (search.Filter(about=("Sinch",)), [sinch]),
        (search.Filter(about=("Sinch", "Twilio")), [sinch, twilio]),
        (search.Filter(about=("Sinch", "Twilio"), actions=(Action.SIGNED_IN,)), [sinch]),
        (search.Filter(who="ann_"), [number]),
        (search.Filter(who="ann%"), []),
        (search.Filter(actions=(Action.SIGNED_IN, Action.TOTP_OFF)), [est, sinch]),
        (search.Filter(until=date(2026, 3, 1)), [twilio]),
        (search.Filter(since=date(2026, 3, 2), until=date(2026, 3, 2)), [sinch]),
        (search.Filter(since=date(2026, 3, 2)), [est, sinch, number]),
        (search.Filter(since=date.min, until=date.max), [est, sinch, number, twilio]),
    ):
        assert _subjects(search.page(acme, filters)) == expected, filters
        assert [event.subject for event, _ in search.walk(acme, filters)] == expected, filters


def test_page_and_about_use_their_indexes(acme, engine):
    """However many events others have; and what is about a thing is found by the thing."""
    with statements(engine) as sql_statements:
        search.page(acme)
        search.about(acme, "Twilio", "Sinch")
    first, about = (" ".join(line.split()) for line in sql_statements)
    assert "BETWEEN" in first
    assert "ORDER BY audit_events.organization_id DESC, audit_events.id DESC" in first
    assert "audit_events.id +" in about


def test_diff_names_what_differs():
    before = {"name": "a", "label": None, "same": 1}
    after = {"name": "b", "label": None, "same": 1, "new": 2}
    assert log.diff(before, after) == {"name": ["a", "b"], "new": [None, 2]}
