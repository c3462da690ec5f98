from __future__ import annotations

import tracemalloc

import pytest
from sqlalchemy import insert, text

from app.core.errors import Conflict, Invalid, Malformed, NotFound, Stale
from app.models import Endpoint
from app.models.base import new_id
from app.providers import PROVIDERS
from app.services.audit import search
from app.services.connections import store
from app.services.endpoints import crud, listing, paging, readiness
from app.services.endpoints.listing import Filter
from app.services.providers import credentials, telephony
from tests.support.scopes import NOBODY, winners

NUMBER = "+15551234567"
DRAFT = {"phone_number": NUMBER, "provider": "twilio"}


def _fill(scope, total, **more):
    """Endpoints +15550000000 and on, without the cost of creating each."""
    rows = [
        {
            "id": new_id(),
            "organization_id": scope.organization.id,
            "phone_number": f"+1555{n:07}",
            "provider": "twilio",
            "inbound_agent_name": f"agent-{n}",
            "label": f"No. {n}",
        }
        | more
        for n in range(total)
    ]
    scope.session.execute(insert(Endpoint), rows)
    scope.session.commit()


def _numbers(scope, **wanted):
    page = paging.page(scope, Filter(**wanted), limit=100)
    return [row.phone_number for row in page.rows]


def test_it_is_created_as_it_was_sent(acme):
    row = crud.create(
        acme,
        DRAFT
        | {
            "inbound_agent_name": " Night shift ",
            "outbound_agent_name": "dialer",
            "label": "Main",
            "is_active": False,
        },
    )
    document = listing.document("https://voice.example.com", row)
    assert document == {
        "id": row.id,
        "phone_number": NUMBER,
        "provider": "twilio",
        "inbound_agent_name": "Night shift",
        "outbound_agent_name": "dialer",
        "label": "Main",
        "is_active": False,
        "created_at": document["created_at"],
        "inbound_webhook_url": "https://voice.example.com/telephony/twilio/inbound/Night%20shift",
    }
    assert len(document["created_at"]) == len("2026-03-18T10:00:00")
    event = search.recent(acme)[0]
    assert (event.action, event.subject) == ("endpoint.created", NUMBER)
    assert event.changes["inbound_agent_name"] == [None, "Night shift"]


def test_what_is_left_out_has_its_default(acme):
    row = crud.create(acme, DRAFT)
    assert (row.inbound_agent_name, row.outbound_agent_name, row.label) == (None, None, None)
    assert row.is_active is True


def test_a_national_number_is_read_with_the_organizations_country(acme):
    with pytest.raises(Invalid):
        crud.create(acme, DRAFT | {"phone_number": "098765 43210"})
    with acme.transaction():
        acme.organization.country = "IN"
    row = crud.create(acme, DRAFT | {"phone_number": "098765 43210"})
    assert row.phone_number == "+919876543210"


AGENTS = ["", "a/b", "a\\b", ".", "..", "a\nb", "a\0b", "\x7f", "a\u2028b", "x" * 101, 7, True, []]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("inbound_agent_name", value) for value in AGENTS],
        *[("outbound_agent_name", value) for value in AGENTS],
        ("label", "a\nb"),
        ("label", "x" * 201),
        ("label", 7),
        ("phone_number", ""),
        ("phone_number", None),
        ("phone_number", 15551234567),
        ("phone_number", "555-1234"),
        ("provider", "sinch"),
        ("provider", None),
        ("provider", "Twilio"),
        ("is_active", None),
        ("is_active", 1),
        ("is_active", "true"),
        ("id", "x"),
        ("created_at", "2026-03-18T10:00:00"),
        ("inbound_webhook_url", None),
        ("organizationId", "x"),
    ],
)
def test_it_refuses_a_bad_value_and_names_the_field(acme, field, value):
    with pytest.raises(Invalid) as refused:
        crud.create(acme, DRAFT | {field: value})
    assert [problem.field for problem in refused.value.problems] == [field]
    assert listing.count(acme, Filter()) == 0


@pytest.mark.parametrize("name", ["x", "x" * 100, "Zoë", "a.b", "...", "{{7*7}}", '"><b>', "🔑" * 100])
def test_it_takes_any_other_agent_name(acme, name):
    row = crud.create(acme, DRAFT | {"inbound_agent_name": name})
    acme.session.expire_all()
    assert crud.get(acme, row.id).inbound_agent_name == name


def test_a_number_is_claimed_once_over_all_organizations_and_not_told_by_whom(acme, globex):
    crud.create(acme, DRAFT)
    messages = set()
    for scope in (acme, globex):
        with pytest.raises(Conflict) as refused:
            crud.create(scope, DRAFT | {"phone_number": "+1 (555) 123-4567"})
        assert (refused.value.status, refused.value.code) == (409, "NUMBER_IN_USE")
        messages.add(refused.value.message)
    assert messages == {"+15551234567 already has an endpoint. A number can have one only."}
    assert search.recent(globex) == []


@pytest.mark.parametrize("who", [("dana",), ("dana", "gus")])
def test_of_20_creates_at_once_one_wins(scopes, who):
    tasks = [(who[n % len(who)], lambda scope: crud.create(scope, DRAFT)) for n in range(20)]
    answers = scopes.at_once(*tasks)
    assert len(winners(answers)) == 1
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert {(type(error), getattr(error, "code", "")) for error in lost} == {(Conflict, "NUMBER_IN_USE")}
    with scopes.of("dana") as scope:
        assert scope.session.scalar(text("SELECT count(*) FROM endpoints")) == 1
        created = text("SELECT count(*) FROM audit_events WHERE action = 'endpoint.created'")
        assert scope.session.scalar(created) == 1


def test_absent_keeps_null_clears_a_value_replaces(acme):
    row = crud.create(acme, DRAFT | {"inbound_agent_name": "a", "label": "Main"})
    crud.update(acme, row.id, {"outbound_agent_name": "b", "label": None})
    acme.session.expire_all()
    row = crud.get(acme, row.id)
    assert (row.inbound_agent_name, row.outbound_agent_name, row.label) == ("a", "b", None)
    assert search.recent(acme)[0].changes == {
        "outbound_agent_name": [None, "b"],
        "label": ["Main", None],
    }


def test_an_update_that_changes_nothing_is_not_audited(acme):
    row = crud.create(acme, DRAFT | {"label": "Main"})
    version = row.version
    crud.update(acme, row.id, {"label": "Main"})
    crud.update(acme, row.id, {})
    acme.session.expire_all()
    assert crud.get(acme, row.id).version == version
    assert len(search.recent(acme)) == 1


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("phone_number", "This cannot be changed. Delete the endpoint and create another one."),
        ("provider", "This cannot be changed. Delete the endpoint and create another one."),
        ("id", "This is computed; leave it out."),
        ("labl", "There is no such field. Did you mean label?"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_reason(acme, field, sentence):
    row = crud.create(acme, DRAFT)
    with pytest.raises(Invalid) as refused:
        crud.update(acme, row.id, {field: "twilio"})
    assert refused.value.problems[0].message == sentence


@pytest.mark.parametrize(
    "change",
    [
        lambda scope, row_id, version: crud.update(scope, row_id, {"label": "x"}, version=version),
        lambda scope, row_id, version: crud.delete(scope, row_id, version=version),
    ],
    ids=["update", "delete"],
)
def test_a_stale_version_is_refused_with_the_row_as_it_is(acme, change):
    row = crud.create(acme, DRAFT)
    version = row.version
    crud.update(acme, row.id, {"label": "Theirs"})
    with pytest.raises(Stale) as refused:
        change(acme, row.id, version)
    assert refused.value.current.label == "Theirs"
    change(acme, row.id, refused.value.current.version)


def test_a_deleted_number_can_be_claimed_again(acme, globex):
    row = crud.create(acme, DRAFT | {"inbound_agent_name": "a"})
    crud.delete(acme, row.id)
    assert search.recent(acme)[0].changes["inbound_agent_name"] == ["a", None]
    with pytest.raises(NotFound):
        crud.get(acme, row.id)
    crud.create(globex, DRAFT)


@pytest.mark.parametrize(
    "act",
    [
        crud.get,
        crud.delete,
        lambda scope, row_id: crud.update(scope, row_id, {"label": "x"}),
    ],
    ids=["get", "delete", "update"],
)
def test_another_organizations_endpoint_is_not_found(acme, globex, act):
    row = crud.create(acme, DRAFT)
    with pytest.raises(NotFound):
        act(globex, row.id)
    assert crud.get(acme, row.id).label is None


def test_pages_follow_each_other_by_number_and_miss_nothing(acme, globex):
    _fill(acme, 25)
    crud.create(globex, DRAFT)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = paging.page(acme, Filter(), limit=10, cursor=cursor)
        seen += [row.phone_number for row in page.rows]
        cursor, pages = page.next, pages + 1
    assert seen == [f"+1555{n:07}" for n in range(25)]
    assert pages == 3


def test_a_full_last_page_has_no_next(acme):
    _fill(acme, 10)
    assert paging.page(acme, Filter(), limit=10).next is None
    assert paging.page(acme, Filter(), limit=9).next is not None


def test_a_page_does_not_shift_when_rows_before_it_go(acme):
    _fill(acme, 10)
    first = paging.page(acme, Filter(), limit=5)
    crud.delete(acme, first.rows[0].id)
    second = paging.page(acme, Filter(), limit=5, cursor=first.next)
    assert second.rows[0].phone_number == "+15550000005"


@pytest.mark.parametrize("cursor", ["x", "!!", "é", "AAAA", "K" * 5000, "JzsgLS0", "KzE1NTUA"])
def test_a_cursor_that_no_list_gave_is_refused(acme, cursor):
    with pytest.raises(Malformed, match="cursor"):
        paging.page(acme, Filter(), limit=10, cursor=cursor)


@pytest.fixture
def four(acme):
    for draft in (
        DRAFT | {"inbound_agent_name": "support", "label": "Main line"},
        {"phone_number": "+442079460958", "provider": "vobiz", "outbound_agent_name": "support"},
        {"phone_number": "+919876543210", "provider": "exotel", "label": "100% Zoë_x"},
        {"phone_number": "+15551234568", "provider": "twilio", "is_active": False},
    ):
        crud.create(acme, draft)
    return acme


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, ["+15551234567", "+15551234568", "+442079460958", "+919876543210"]),
        ({"provider": "twilio"}, ["+15551234567", "+15551234568"]),
        ({"is_active": False}, ["+15551234568"]),
        ({"is_active": True, "provider": "twilio"}, ["+15551234567"]),
        ({"agent": "support"}, ["+15551234567", "+442079460958"]),
        ({"agent": "SUPPORT"}, []),
        ({"text": "supp"}, ["+15551234567", "+442079460958"]),
        ({"text": "MAIN"}, ["+15551234567"]),
        ({"text": "+15551234567"}, ["+15551234567"]),
        ({"text": "(555) 123-4567"}, ["+15551234567"]),
        ({"text": "555.123"}, ["+15551234567", "+15551234568"]),
        ({"text": "4567"}, ["+15551234567"]),
        ({"text": "4568"}, ["+15551234568"]),
        ({"text": "%"}, ["+919876543210"]),
        ({"text": "_"}, ["+919876543210"]),
        ({"text": "zoë"}, ["+919876543210"]),
        ({"text": "' OR 1=1 --"}, []),
        ({"text": "²"}, []),
        ({"text": "x" * 10_000}, []),
        ({"text": "supp", "provider": "vobiz"}, ["+442079460958"]),
    ],
)
def test_a_filter_finds(four, wanted, numbers):
    assert _numbers(four, **wanted) == numbers
    assert listing.count(four, Filter(**wanted)) == len(numbers)
    assert [row["phone_number"] for row in listing.stream(four, Filter(**wanted))] == numbers


@pytest.mark.parametrize(
    ("country", "written"), [("GB", "020 7946 0958"), ("DE", "0044 20 7946 0958"), ("IN", "098765 43210")]
)
def test_a_search_reads_numbers_as_the_organizations_country_writes_them(four, country, written):
    with four.transaction():
        four.organization.country = country
    assert len(_numbers(four, text=written)) == 1


def test_the_count_stops_one_past_its_cap(acme, monkeypatch):
    monkeypatch.setattr(listing, "COUNT_MOST", 7)
    _fill(acme, 10)
    assert listing.count(acme, Filter()) == 8


def test_agents_in_use(four, globex):
    crud.create(
        globex, {"phone_number": "+15551230000", "provider": "twilio", "inbound_agent_name": "theirs"}
    )
    assert listing.agents(four) == ["support"]


def test_the_stream_is_the_whole_list(acme):
    with acme.transaction():
        acme.organization.public_base_url = "https://voice.example.com"
    _fill(acme, 1200)
    acme.session.expire_all()
    assert acme.organization.id
    rows = list(listing.stream(acme, Filter()))
    assert len(rows) == 1200
    assert rows[7]["inbound_webhook_url"] == ("https://voice.example.com/telephony/twilio/inbound/agent-7")


def test_the_memory_of_the_stream_does_not_grow_with_the_rows(acme):
    def peak():
        for _ in listing.stream(acme, Filter()):
            pass
        tracemalloc.start()
        for _ in listing.stream(acme, Filter()):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    _fill(acme, 1500)
    few = peak()
    acme.session.execute(text("DELETE FROM endpoints"))
    _fill(acme, 6000)
    assert peak() < 1.5 * few


def test_postgresql_keeps_the_rows_until_they_are_asked_for(engine, acme):
    """A cursor at the server; without one the whole answer is in our memory, unseen by Python."""
    _fill(acme, 1200)
    stream = listing.stream(acme, Filter())
    next(stream)
    if engine.dialect.name == "postgresql":
        assert acme.session.scalar(text("SELECT count(*) FROM pg_cursors")) == 1
    assert len(list(stream)) == 1199


TWILIO = {
    "public_base_url": "https://voice.example.com",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "sample-token-of-twilio",
}


def _resolved(scope, direction="inbound", number=NUMBER):
    return readiness.resolve(scope, number, direction)


def test_who_answers(acme):
    telephony.update(acme, NOBODY, TWILIO)
    row = crud.create(acme, DRAFT | {"inbound_agent_name": "in", "outbound_agent_name": "out"})
    answer = {
        "phone_number": NUMBER,
        "direction": "inbound",
        "endpoint_id": row.id,
        "provider": "twilio",
        "agent_name": "in",
        "inbound_webhook_url": "https://voice.example.com/telephony/twilio/inbound/in",
        "ready": True,
        "blocked_reason": None,
    }
    for spelling in (NUMBER, " 15551234567", "+1 (555) 123-4567"):
        assert _resolved(acme, number=spelling) == answer
    assert _resolved(acme, "outbound") == answer | {
        "direction": "outbound",
        "agent_name": "out",
        "inbound_webhook_url": None,
    }


def test_every_reason_why_nobody_answers(acme, globex):
    def reason(direction="inbound"):
        answer = _resolved(acme, direction)
        assert answer["ready"] is (answer["blocked_reason"] is None)
        return answer["blocked_reason"]

    crud.create(globex, DRAFT | {"phone_number": "+15551230000", "inbound_agent_name": "x"})
    assert _resolved(acme, number="+15551230000")["blocked_reason"] == "unknown_number"
    assert _resolved(acme, number="+15551230000")["agent_name"] is None

    assert reason() == "unknown_number"
    row = crud.create(acme, DRAFT | {"is_active": False})
    assert reason() == "endpoint_inactive"
    crud.update(acme, row.id, {"is_active": True})
    assert (reason(), reason("outbound")) == ("no_inbound_agent", "no_outbound_agent")
    crud.update(acme, row.id, {"inbound_agent_name": "a", "outbound_agent_name": "b"})
    assert (reason(), reason("outbound")) == ("no_public_base_url", "no_public_base_url")
    telephony.update(acme, NOBODY, {"public_base_url": "https://voice.example.com"})
    assert reason() == "provider_not_configured"
    telephony.update(acme, NOBODY, TWILIO)
    assert (reason(), reason("outbound")) == (None, None)
    credentials.set_enabled(acme, NOBODY, PROVIDERS["twilio"], False)
    assert reason() == "provider_disabled"
    with acme.transaction():
        crud.get(acme, row.id).provider = "gone"
    assert reason() == "provider_unknown"


def test_a_question_that_cannot_be_read_is_refused(acme):
    for number, direction in (("junk", "inbound"), ("", "inbound"), (NUMBER, "sideways")):
        with pytest.raises(Invalid):
            readiness.resolve(acme, number, direction)


def test_a_provider_whose_secret_is_broken_does_not_answer(acme):
    telephony.update(acme, NOBODY, TWILIO)
    crud.create(acme, DRAFT | {"inbound_agent_name": "in"})
    with acme.transaction():
        acme.session.execute(text("UPDATE secrets SET sealed = 'broken'"))
    assert store.load(acme, PROVIDERS["twilio"]).secrets["auth_token"].broken
    assert _resolved(acme)["blocked_reason"] == "provider_not_configured"
