from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from sqlalchemy import func, select, update

from app.core.errors import NotFound, Stale
from app.models import AuditEvent, Connection, Endpoint, Organization, Secret, User
from app.providers import PROVIDERS
from app.services.audit import log, search
from app.services.audit.actions import Action
from app.services.connections import provisioning
from app.services.endpoints import crud, listing
from app.services.organizations import directory
from app.services.providers import credentials, telephony
from tests.support.scopes import OFFLINE, Fault, failing_at

DRAFT = {"phone_number": "+15551234567", "provider": "twilio"}


def test_get_and_select_return_the_rows_of_the_scopes_organization_only(acme, globex, cast):
    row = crud.create(acme, DRAFT)
    assert acme.get(Endpoint, row.id, what="endpoint").id == row.id
    with pytest.raises(NotFound) as foreign:
        globex.get(Endpoint, row.id, what="endpoint")
    for row_id in ("no-such-id", "", "'; --", "x" * 5000):
        with pytest.raises(NotFound) as nowhere:
            globex.get(Endpoint, row_id, what="endpoint")
        assert foreign.value.message == nowhere.value.message

    crud.create(globex, DRAFT | {"phone_number": "+15551234568"})
    rows = acme.session.scalars(acme.select(Endpoint)).all()
    assert [row.phone_number for row in rows] == ["+15551234567"]

    inside = acme.for_organization(cast.globex)
    assert inside.organization is cast.globex
    assert inside.actor is acme.actor

    with pytest.raises(NotFound):
        _ = acme.for_organization(None).organization


@pytest.mark.both_databases
def test_contains_ignores_case_in_every_script_and_compares_accents(acme):
    labels = ["École", "ecole", "Straße", "STRAẞE", "Ωmega ΣΑΣ", "İstanbul", "ЖЮЯ", "Åsa", "\u212a"]
    labels += ["日本 %_"]
    labels += [f"é{character}é" for character in "%_\\*?[]^-.+$(){}|#& "]
    own = {"organization_id": acme.organization.id, "provider": "twilio"}
    rows = [Endpoint(**own, phone_number=f"+1555000{at:04}", label=label) for at, label in enumerate(labels)]
    with acme.transaction():
        acme.session.add_all(rows)
    expected = {
        "école": {"École"},
        "ECOLE": {"ecole"},
        "straße": {"Straße", "STRAẞE"},
        "strasse": set(),
        "ωMEGA σας": {"Ωmega ΣΑΣ"},
        "i̇stanbul": set(),
        "İSTANBUL": {"İstanbul"},
        "жюя": {"ЖЮЯ"},
        "åSA": {"Åsa"},
        "asa": set(),
        "k": set(),
        "本 %": {"日本 %_"},
        "本 _": set(),
    } | {label.upper(): {label} for label in labels if label[0] == "é"}
    query = acme.select(Endpoint).with_only_columns(Endpoint.label)
    wrong = {}
    for text in expected:
        matches = set(acme.session.scalars(query.where(acme.contains(Endpoint.label, text))))
        if matches != expected[text]:
            wrong[text] = matches
    assert wrong == {}


def test_transaction_that_fails_or_is_inside_another_saves_nothing(acme, scopes):
    def fail() -> None:
        with acme.transaction():
            acme.organization.name = "Changed"
            log.record(acme, Action.CONNECTION_TESTED, "x")
            acme.session.flush()
            raise Fault

    with pytest.raises(Fault):
        fail()
    assert acme.organization.name == "Acme Support"
    with scopes.of("dana") as other:
        assert other.organization.name == "Acme Support"
        assert search.recent(other) == []

    acme.organization.name = "Sneaked in"
    with acme.transaction():
        log.note(acme, Action.CONNECTION_TESTED, "x")
    with scopes.of("dana") as other:
        assert other.organization.name == "Acme Support", "what is changed outside is discarded"

    def nested() -> None:
        with acme.transaction():
            acme.organization.name = "Half"
            with acme.transaction():
                acme.organization.country = "IN"

    with pytest.raises(RuntimeError):
        nested()
    with scopes.of("dana") as other:
        assert (other.organization.name, other.organization.country) == ("Acme Support", None)
    with acme.transaction():
        acme.organization.name = "Whole"
    with scopes.of("dana") as other:
        assert other.organization.name == "Whole"


def test_hooks_run_once_around_the_commit_and_not_without_one(acme, scopes):
    calls: list[object] = []

    def before(scope, items):
        with scopes.of("dana") as other:
            calls.append((items, other.organization.name, acme.organization.name))

    def after(argument):
        with scopes.of("dana") as other:
            calls.append((argument, other.organization.name))

    with acme.transaction():
        acme.on_commit(after, "a")
        acme.before_commit(before, 1)
        acme.for_organization(None).before_commit(before, 2)
        acme.on_commit(after, "a")
        acme.on_commit(after, "b")
        acme.organization.name = "Renamed"
    assert calls == [([1, 2], "Acme Support", "Renamed"), ("a", "Renamed"), ("b", "Renamed")]

    calls.clear()
    with suppress(Fault), acme.transaction():
        acme.before_commit(lambda _scope, items: calls.extend(items), 1)
        acme.on_commit(calls.append, 2)
        raise Fault
    with acme.transaction():
        pass
    assert calls == []

    with pytest.raises(RuntimeError):
        acme.on_commit(print)
    with pytest.raises(RuntimeError):
        log.note(acme, Action.CONNECTION_TESTED, "x")
    with pytest.raises(RuntimeError):
        directory.add(acme, "Initech")


@pytest.mark.both_databases
def test_transaction_refreshes_rows_loaded_before_and_blocks_no_readers(acme, cast, scopes):
    for end, name in ((acme.session.commit, "Maureen"), (acme.session.rollback, "Moritz")):
        assert acme.organization.name != name != cast.mo.name
        end()
        with scopes.of("dana") as other, other.transaction():
            other.organization.name = other.session.get_one(User, cast.mo.id).name = name
        with acme.transaction():
            assert (acme.organization.name, cast.mo.name) == (name, name)

    with acme.transaction():
        acme.organization.name = "Not yet"
        acme.session.flush()
        with scopes.of("dana") as other:
            assert other.session.scalar(select(Organization.name).limit(1)) is not None
            assert other.organization.name == "Moritz"


def test_transaction_after_a_stale_row_works(acme, scopes, cast):
    def lose() -> None:
        with acme.for_organization(None).transaction():
            user = acme.session.get_one(User, cast.mo.id)
            other = update(User).where(User.id == user.id).values(version=99)
            acme.session.execute(other.execution_options(synchronize_session=False))
            user.name = "Lost"

    with pytest.raises(Stale):
        lose()
    with acme.transaction():
        acme.organization.name = "Works"


@pytest.mark.both_databases
def test_concurrent_transactions_all_get_their_turn_and_lose_no_update(scopes):
    """Two add to a counter in one row, each from what they read inside their transaction."""
    turns: list[int] = []
    lock = threading.Lock()

    def task(scope):
        with scope.transaction():
            with lock:
                turns.append(1)
            log.record(scope, Action.CONNECTION_TESTED, "x")

    answers = scopes.in_parallel(*[("dana", task)] * 8, *[("gus", task)] * 8)
    assert answers == [None] * 16
    with scopes.of("dana") as scope:
        assert (len(turns), scope.organization.revision) == (16, 8)

    rounds = 10

    def add(scope):
        for _ in range(rounds):
            with scope.transaction():
                scope.organization.name = str(int(scope.organization.name) + 1)

    with scopes.of("dana") as scope, scope.transaction():
        scope.organization.name = "0"
    answers = scopes.in_parallel(("dana", add), ("dana", add))
    assert answers == [None, None]
    with scopes.of("dana") as scope:
        assert scope.organization.name == str(2 * rounds)


@pytest.mark.both_databases
def test_concurrent_edits_of_one_version_refuse_one(scopes):
    with scopes.of("dana") as scope:
        row = crud.create(scope, DRAFT)
    for number in range(4):
        with scopes.of("dana") as scope:
            version = crud.get(scope, row.id).version

        def edit(label, version=version):
            return lambda scope: crud.update(scope, row.id, {"label": label}, version=version)

        answers = scopes.in_parallel(("dana", edit(f"a{number}")), ("dana", edit(f"b{number}")))
        kinds = sorted(type(answer).__name__ for answer in answers)
        assert kinds == ["Endpoint", "Stale"]
        saved = next(answer for answer in answers if isinstance(answer, Endpoint))
        with scopes.of("dana") as scope:
            assert crud.get(scope, row.id).label == saved.label


def _snapshot(scopes):
    with scopes.of("dana") as scope:
        tables = [Connection, Secret, AuditEvent, Endpoint]
        counts = [scope.session.scalar(select(func.count()).select_from(t)) for t in tables]
        return counts, telephony.document(scope), scope.organization.revision


CHANGES = {
    "public_base_url": "https://new.example.com",
    "provider": "vobiz",
    "vobiz_auth_id": "MA_SAMPLE",
    "vobiz_auth_token": "sample-token-of-vobiz-1",
    "twilio_auth_token": "sample-token-of-twilio-2",
    "twilio_max_concurrent": 7,
}


def _ready(scope):
    telephony.update(
        scope,
        OFFLINE,
        {
            "public_base_url": "https://old.example.com",
            "provider": "twilio",
            "twilio_account_sid": "AC" + "0" * 32,
            "twilio_auth_token": "sample-token-of-twilio-1",
        },
    )


SAVES = {
    "telephony": lambda scope: telephony.update(scope, OFFLINE, CHANGES),
    "disconnect": lambda scope: credentials.disconnect(scope, PROVIDERS["twilio"]),
    "endpoint": lambda scope: crud.create(scope, DRAFT | {"inbound_agent_name": "support"}),
}


MORE = pytest.mark.thorough("test_save_with_a_failing_statement_changes_nothing")
"""Every save is in such a transaction; that of an endpoint shows it."""


@pytest.mark.parametrize(
    "save", [pytest.param(save, id=name, marks=[MORE] * (name != "endpoint")) for name, save in SAVES.items()]
)
def test_save_with_a_failing_statement_changes_nothing(engine, scopes, monkeypatch, save, report):
    """Without what follows once it is committed: that is no part of it."""
    monkeypatch.setattr(provisioning, "changed", lambda *_: None)
    with scopes.of("dana") as scope:
        _ready(scope)
    before = _snapshot(scopes)
    number = 0
    while True:
        number += 1
        with scopes.of("dana") as scope:
            scope.session.rollback()
            try:
                with failing_at(engine, number) as sql_statements:
                    save(scope)
            except Fault:
                pass
            if len(sql_statements) < number:
                break
        assert _snapshot(scopes) == before, f"after a fault at {sql_statements[-1]}"
    report("SQL statement fails", tried=number - 1, survived=number - 1)
    assert number > 5
    after = _snapshot(scopes)
    assert after != before
    assert after[0][2] > before[0][2], "the change has its audit event"


def test_save_without_its_audit_event_changes_nothing_or_the_revision(acme, scopes, monkeypatch):
    def broken(*_args, **_named):
        raise Fault

    monkeypatch.setattr(log, "AuditEvent", broken)
    with pytest.raises(Fault):
        crud.create(acme, DRAFT)
    monkeypatch.undo()
    with scopes.of("dana") as scope:
        assert listing.count(scope, listing.Filter()) == 0

    version, revision = acme.organization.version, acme.organization.revision
    updated = acme.organization.updated_at
    crud.create(acme, DRAFT)
    acme.session.expire_all()
    assert acme.organization.revision == revision + 1
    assert (acme.organization.version, acme.organization.updated_at) == (version, updated)
