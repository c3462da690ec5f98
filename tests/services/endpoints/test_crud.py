from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Invalid, NotFound, Stale
from app.services.audit import search
from app.services.endpoints import crud, listing, messages
from app.services.endpoints.listing import Filter
from tests.support.scopes import winners

NUMBER = "+15551234567"
DRAFT = {"phone_number": NUMBER, "provider": "twilio"}
NAMES = {
    "inbound_agent_name": " Night shift ",
    "outbound_agent_name": "dialer",
    "label": "Main",
    "is_active": False,
}


BAD_AGENTS: list[Any] = [
    "",
    "a/b",
    "a\\b",
    ".",
    "..",
    "a\nb",
    "a\0b",
    "\x7f",
    "a\u2028b",
    "x" * 101,
    7,
    True,
    [],
]
BAD_VALUES: dict[str, list[Any]] = {
    "inbound_agent_name": BAD_AGENTS,
    "outbound_agent_name": BAD_AGENTS,
    "label": ["a\nb", "x" * 201, 7],
    "phone_number": ["", None, 15551234567, "555-1234"],
    "provider": ["sinch", None, "Twilio"],
    "is_active": [None, 1, "true"],
    "id": ["x"],
    "created_at": ["2026-03-18T10:00:00"],
    "inbound_webhook_url": [None],
    "organizationId": ["x"],
}


def test_create_refuses_bad_values_by_field_and_stores_every_good_one(acme):
    wrong = []
    for field, values in BAD_VALUES.items():
        for value in values:
            with pytest.raises(Invalid) as refused:
                crud.create(acme, DRAFT | {field: value})
            if [problem.field for problem in refused.value.problems] != [field]:
                wrong.append((field, value))
    assert wrong == []
    assert listing.count(acme, Filter()) == 0

    row = crud.create(acme, DRAFT | NAMES)
    document = listing.document("https://voice.example.com", row)
    assert document == DRAFT | NAMES | {
        "id": row.id,
        "inbound_agent_name": "Night shift",
        "created_at": document["created_at"],
        "inbound_webhook_url": "https://voice.example.com/telephony/twilio/inbound/Night%20shift",
        "version": 1,
    }
    assert len(document["created_at"]) == len("2026-03-18T10:00:00")
    event = search.recent(acme)[0]
    assert (event.action, event.subject) == ("endpoint.created", NUMBER)
    assert event.changes["inbound_agent_name"] == [None, "Night shift"]

    row = crud.create(acme, DRAFT | {"phone_number": "+15550000001"})
    assert (row.inbound_agent_name, row.outbound_agent_name, row.label) == (None, None, None)
    assert row.is_active is True

    names = ["x", "x" * 100, "Zoë", "a.b", "...", "{{7*7}}", '"><b>', "🔑" * 100]
    for n, name in enumerate(names):
        crud.create(acme, {**DRAFT, "phone_number": f"+1555123{n:04}", "inbound_agent_name": name})
    acme.session.expire_all()
    stored = [row["inbound_agent_name"] for row in listing.stream(acme, Filter(text="+1555123000"))]
    assert stored == names

    with pytest.raises(Invalid):
        crud.create(acme, DRAFT | {"phone_number": "098765 43210"})
    with acme.transaction():
        acme.organization.country = "IN"
    row = crud.create(acme, DRAFT | {"phone_number": "098765 43210"})
    assert row.phone_number == "+919876543210"


@pytest.mark.both_databases
def test_create_claims_a_number_once_names_no_owner_also_concurrently(acme, globex, scopes):
    own = crud.create(acme, DRAFT)
    for scope, existing in ((acme, own.id), (globex, None)):
        with pytest.raises(Conflict) as refused:
            crud.create(scope, DRAFT | {"phone_number": "+1 (555) 123-4567"})
        assert refused.value.existing_id == existing
        assert (refused.value.status, refused.value.code) == (409, "NUMBER_IN_USE")
        assert refused.value.message == messages.in_use(NUMBER)
    assert search.recent(globex) == []

    other = DRAFT | {"phone_number": "+15551234568"}
    tasks = [(("dana", "gus")[n % 2], lambda scope: crud.create(scope, other)) for n in range(20)]
    answers = scopes.in_parallel(*tasks)
    assert len(winners(answers)) == 1
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert {(type(error), getattr(error, "code", "")) for error in lost} == {(Conflict, "NUMBER_IN_USE")}
    with scopes.of("dana") as scope:
        assert scope.session.scalar(text("SELECT count(*) FROM endpoints")) == 2
        created = text("SELECT count(*) FROM audit_events WHERE action = 'endpoint.created'")
        assert scope.session.scalar(created) == 2


def test_update_keeps_absent_clears_null_and_writes_only_changes(acme):
    row = crud.create(acme, DRAFT | {"inbound_agent_name": "a", "label": "Main"})
    crud.update(acme, row.id, {"outbound_agent_name": "b", "label": None})
    acme.session.expire_all()
    row = crud.get(acme, row.id)
    assert (row.inbound_agent_name, row.outbound_agent_name, row.label) == ("a", "b", None)
    assert search.recent(acme)[0].changes == {"outbound_agent_name": [None, "b"], "label": ["Main", None]}
    version = row.version
    for unchanged in ({"outbound_agent_name": "b"}, {}):
        crud.update(acme, row.id, unchanged)
    acme.session.expire_all()
    assert crud.get(acme, row.id).version == version
    assert len(search.recent(acme)) == 2

    reasons = {
        "phone_number": messages.FIXED,
        "provider": messages.FIXED,
        "id": messages.COMPUTED,
        "created_at": messages.COMPUTED,
    }
    for field, reason in reasons.items():
        with pytest.raises(Invalid) as refused:
            crud.update(acme, row.id, {field: "another"})
        assert [(problem.field, problem.message) for problem in refused.value.problems] == [(field, reason)]


def test_stale_and_foreign_rows_are_refused_and_delete_frees_the_number(acme, globex):
    row = crud.create(acme, DRAFT)
    version = row.version
    crud.update(acme, row.id, {"label": "Theirs"})
    changes = [
        lambda version: crud.update(acme, row.id, {"label": "Theirs too"}, version=version),
        lambda version: crud.delete(acme, row.id, version=version),
    ]
    for change in changes:
        with pytest.raises(Stale) as refused:
            change(version)
        assert refused.value.current.label.startswith("Theirs")
        change(refused.value.current.version)

    row = crud.create(acme, DRAFT | {"inbound_agent_name": "a"})
    for act in (crud.get, crud.delete, lambda scope, row_id: crud.update(scope, row_id, {"label": "x"})):
        with pytest.raises(NotFound):
            act(globex, row.id)
    assert crud.get(acme, row.id).label is None
    crud.delete(acme, row.id)
    assert search.recent(acme)[0].changes["inbound_agent_name"] == ["a", None]
    with pytest.raises(NotFound):
        crud.get(acme, row.id)
    crud.create(globex, DRAFT)
