from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from app.core import clock
from app.core.errors import Conflict, Invalid, NotFound, Stale
from app.core.sealing import Sealer
from app.models import AuditEvent, Destination
from app.services.audit import search
from app.services.installation import keys, setup
from app.services.notifications import destinations, events, limits, quiet, sealed
from app.services.notifications.events import Event
from tests.support.receivers import URL

SLACK = "https://hooks.slack.com/services/T0SAMPLE/B0SAMPLE/sampleSampleSampleSample"
WEBHOOK = {"kind": "webhook", "url": URL}
BAD = {
    "no kind": ({"url": URL}, {"kind"}),
    "unknown kind": (WEBHOOK | {"kind": "fax"}, {"kind"}),
    "no url": ({"kind": "webhook"}, {"url"}),
    "no address": ({"kind": "email"}, {"address"}),
    "another kind's field": (WEBHOOK | {"address": "team@example.com"}, {"address"}),
    "private address": (WEBHOOK | {"url": "https://192.168.0.1/"}, {"url"}),
    "not https": (WEBHOOK | {"url": "http://example.com/"}, {"url"}),
    "not Slack": ({"kind": "slack", "url": URL}, {"url"}),
    "two lines": (WEBHOOK | {"label": "a\r\nBcc: b"}, {"label"}),
    "no events": (WEBHOOK | {"events": []}, {"events"}),
    "unknown event": (WEBHOOK | {"events": ["number.bored"]}, {"events.0"}),
    "own event": (WEBHOOK | {"events": ["notification.test"]}, {"events.0"}),
    "of the installation": (WEBHOOK | {"events": ["backup.old"]}, {"events"}),
    "hour": (WEBHOOK | {"digest_hour": 24}, {"digest_hour"}),
    "past": (WEBHOOK | {"muted_until": "2020-01-01T00:00:00Z"}, {"muted_until"}),
    "far": (WEBHOOK | {"muted_until": "2999-01-01T00:00:00Z"}, {"muted_until"}),
    "no zone": (WEBHOOK | {"muted_until": "2026-01-01T00:00:00"}, {"muted_until"}),
    "own secret": (WEBHOOK | {"signing_secret": "whsec_x"}, {"signing_secret"}),
    "several": ({"kind": "email", "address": "x", "digest_hour": "9"}, {"digest_hour"}),
}


def test_create_refuses_bad_input_by_field_and_too_many(acme, monkeypatch):
    wrong = []
    for case, (payload, expected) in BAD.items():
        try:
            destinations.create(acme, payload)
            fields = set()
        except Invalid as error:
            fields = {problem.field for problem in error.problems}
        if fields != expected:
            wrong.append((case, fields))
    assert wrong == []
    assert destinations.listed(acme) == []

    monkeypatch.setattr(destinations, "MOST", 1)
    row = destinations.create(acme, {"kind": "slack", "url": SLACK}).row
    with pytest.raises(Conflict) as refused:
        destinations.create(acme, WEBHOOK)
    assert refused.value.code == "TOO_MANY_DESTINATIONS"
    with pytest.raises(Conflict):
        destinations.replace_secret(acme, row.id)


def test_create_seals_what_is_secret_and_rotation_reseals_it(acme, shared_keys):
    keys.prepare(acme)
    saved = destinations.create(acme, {"kind": "slack", "url": SLACK})
    assert saved.secrets == {}
    assert destinations.document(saved.row)["url_hint"] == "mple"
    stored = acme.session.execute(select(*Destination.__table__.columns)).one()
    assert SLACK not in repr(stored)
    assert sealed.values(acme, saved.row) == {"url": SLACK}
    webhook = destinations.create(acme, WEBHOOK)
    (secret,) = webhook.secrets.values()
    assert secret.startswith("whsec_")
    assert secret not in repr(destinations.document(webhook.row)) + repr(webhook)
    events = acme.session.scalars(select(AuditEvent)).all()
    assert SLACK not in repr([event.changes for event in events])

    older, newer = shared_keys["PATCHBAY_FERNET_KEYS"], Fernet.generate_key().decode()
    rotating = replace(acme, keys=replace(acme.keys, sealer=Sealer([newer, older])))
    assert keys.unrotated_count(rotating) == 2
    list(keys.reseal(rotating))
    assert keys.unrotated_count(rotating) == 0
    after = replace(acme, keys=replace(acme.keys, sealer=Sealer([newer])))
    assert sealed.values(after, destinations.get(after, saved.row.id))["url"] == SLACK
    assert (setup.sealed_counts(after), setup.sealed_counts(acme)) == ((2, 0), (2, 2))


def test_change_saves_what_was_sent(acme, globex):
    row = destinations.create(acme, WEBHOOK | {"label": "On call"}).row
    new = {"url": "https://other.example.com/", "events": ["number.unhealthy"], "digest_hour": 7}
    changed = destinations.change(acme, row.id, new, version=1)
    assert new.items() <= destinations.document(changed).items()
    assert changed.label == "On call"
    refusals: dict[str, tuple[type[Exception], dict[str, Any], int | None]] = {
        "stale": (Stale, {"label": "x"}, 1),
        "no url": (Invalid, {"url": None}, None),
        "private": (Invalid, {"url": "https://10.1.2.3/"}, None),
        "kind": (Invalid, {"kind": "slack"}, None),
        "of another kind": (Invalid, {"address": None}, None),
    }
    wrong = []
    for case, (error, payload, version) in refusals.items():
        try:
            destinations.change(acme, row.id, payload, version=version)
            wrong.append(case)
        except error:
            pass
    assert wrong == []
    with pytest.raises(NotFound):
        destinations.change(globex, row.id, {"label": "x"})
    whole = destinations.document(destinations.get(acme, row.id))
    before = search.recent(acme)
    assert destinations.change(acme, row.id, whole).label == "On call"
    assert search.recent(acme) == before


def test_owners_see_their_own_destinations_only(acme, globex, installation):
    ids_by_owner = {
        name: destinations.create(scope, WEBHOOK).row.id
        for name, scope in (("acme", acme), ("globex", globex), ("installation", installation))
    }
    for name, scope in (("acme", acme), ("globex", globex), ("installation", installation)):
        assert [row.id for row in destinations.listed(scope)] == [ids_by_owner[name]]
        for other in ids_by_owner.values():
            if other != ids_by_owner[name]:
                with pytest.raises(NotFound):
                    destinations.delete(scope, other)
    destinations.delete(acme, ids_by_owner["acme"])
    assert destinations.listed(acme) == []


def test_quiet_periods_and_limits_refuse_bad_input(acme, installation):
    now = clock.now()
    soon, later = clock.utc(now + timedelta(hours=1)), clock.utc(now + timedelta(hours=2))
    cases = [
        (quiet.add, {}, "ends_at"),
        (quiet.add, {"ends_at": clock.utc(now - timedelta(hours=1))}, "ends_at"),
        (quiet.add, {"starts_at": later, "ends_at": soon}, "ends_at"),
        (quiet.add, {"ends_at": clock.utc(now + timedelta(days=60))}, "ends_at"),
        (quiet.add, {"ends_at": "tomorrow"}, "ends_at"),
        (quiet.add, {"ends_at": soon, "hours": 1}, "ends_at"),
        (quiet.add, {"hours": 721}, "hours"),
        (quiet.add, {"hours": 1, "starts_at": soon}, "starts_at"),
        (quiet.add, {"ends_at": soon, "reason": "a\nb"}, "reason"),
        (limits.save, {"most_secret_days": 0}, "most_secret_days"),
        (limits.save, {"most_backup_days": 7}, "most_backup_days"),
    ]
    wrong = []
    for call, payload, field in cases:
        with pytest.raises(Invalid) as refused:
            call(acme, payload)
        if [problem.field for problem in refused.value.problems] != [field]:
            wrong.append((payload, refused.value.problems))
    assert wrong == []
    period = quiet.add(acme, {"starts_at": soon, "ends_at": later})
    assert [row.id for row in quiet.listed(acme)] == [period.id]
    assert quiet.listed(installation) == []
    with pytest.raises(NotFound):
        quiet.end(installation, period.id)
    period.ends_at = clock.now()
    acme.session.commit()
    with pytest.raises(NotFound):
        quiet.end(acme, period.id)


def test_every_event_has_a_title_and_can_be_chosen_or_not():
    chosen = set(events.choosable(installation=True))
    assert chosen == set(Event) - {Event.TEST, Event.DIGEST}
    assert set(events.choosable(installation=False)) < chosen
