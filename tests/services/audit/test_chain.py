"""The chain of audit events: what it finds, and that concurrent writers keep it intact."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import delete, func, insert, select, update

from app.core.sealing import Sealer
from app.models import AuditChain, AuditEvent, AuditNumbers, Installation
from app.services.access import sign_in, users
from app.services.audit import chain, integrity, log
from app.services.audit.actions import Action
from app.services.audit.integrity import FaultKind, Head
from app.services.installation import keys as installation_keys
from app.services.scope import Actor, Keys, Scope
from tests.support import cast
from tests.support.scopes import Fault

TABLE: Any = AuditEvent.__table__
CHAIN: Any = AuditChain.__table__
NUMBERS: Any = AuditNumbers.__table__
AUDIT = (TABLE, NUMBERS, CHAIN)


def _write(scope, *subjects):
    for subject in subjects:
        with scope.transaction(lock=False):
            log.note(scope, Action.CONNECTION_TESTED, subject, {"label": ["a", subject]})


def _verify(scope, noted=None):
    organization_id = scope.organization_or_none.id if scope.organization_or_none else None
    return integrity.verify(scope.session, scope.keys.sealer, organization_id, noted)


def _rows(scope):
    """As they are stored, oldest first, as dictionaries."""
    query = select(TABLE).where(TABLE.c.organization_id == scope.organization.id).order_by(TABLE.c.id)
    return [dict(row._mapping) for row in scope.session.execute(query)]


def _put(scope, rows):
    """Makes these the organization's stored events, with access to the database only."""
    scope.session.rollback()
    ids = [row["id"] for row in rows]
    own = (TABLE.c.organization_id == scope.organization.id) | TABLE.c.id.in_(ids)
    scope.session.execute(delete(TABLE).where(own))
    scope.session.execute(insert(TABLE), rows)
    scope.session.commit()


@pytest.fixture
def written(acme):
    _write(acme, "one", "two", "three", "four", "five")
    return _rows(acme)


def _key_check(scope):
    return scope.session.scalar(select(Installation.key_check))


def test_events_follow_from_each_other_also_those_of_one_transaction(acme, globex, written):
    _write(globex, "theirs")
    _write(acme.for_organization(None), "first", "second")
    _write(acme, "six")
    verdicts = [_verify(scope) for scope in (acme, globex, acme.for_organization(None))]
    assert [(verdict.head.count, verdict.fault) for verdict in verdicts] == [(6, None), (1, None), (2, None)]
    assert verdicts[0].head.digest == _rows(acme)[-1]["digest"]

    with acme.transaction():
        for number in range(5):
            log.note(acme, Action.CONNECTION_TESTED, f"no. {number}")
            log.note(acme.for_organization(globex.organization), Action.CONNECTION_TESTED, f"no. {number}")
    numbered = [f"no. {number}" for number in range(5)]
    for scope, earlier in ((acme, ["one", "two", "three", "four", "five", "six"]), (globex, ["theirs"])):
        assert [row["subject"] for row in _rows(scope)] == earlier + numbered
        assert _verify(scope).fault is None


def test_verify_finds_changed_removed_moved_and_added_events(acme, globex, written):
    third = written[2]
    changed = {
        "at": third["at"] + timedelta(microseconds=1),
        "actor_id": None,
        "actor_name": "eve@acme.example",
        "ip": "192.0.2.2",
        "request_id": "request-2",
        "action": "signed-in",
        "subject": "Three",
        "changes": {"label": ["a", "Three"]},
        "digest": "0" * 64,
        "numbers_digest": "0" * 64,
        "organization_id": globex.organization.id,
    }
    assert changed.keys() | {"id"} == written[0].keys(), "think of a change for a new column"
    for name, value in changed.items():
        _put(acme, [row | {name: value} if row is third else row for row in written])
        kind = FaultKind.EVENT_CHANGED if name != "organization_id" else FaultKind.EVENT_MOVED
        event = written[3] if name == "organization_id" else third
        verdict = _verify(acme)
        assert (verdict.head.count, verdict.fault) == (2, integrity.Fault(kind, event["id"])), name
    assert _verify(globex).fault, "nor does it fit where it was moved to"

    one, two, three, four, five = written
    ids = [row["id"] for row in written]
    copy = two | {"id": ids[-1] + 10}
    cases = {
        "one removed": ([one, two, four, five], four["id"], FaultKind.EVENT_MOVED),
        "the first removed": ([two, three, four, five], two["id"], FaultKind.EVENT_MOVED),
        "two swapped": (
            [one, three | {"id": two["id"]}, two | {"id": three["id"]}, four, five],
            two["id"],
            FaultKind.EVENT_MOVED,
        ),
        "one copied to the end": ([*written, copy], copy["id"], FaultKind.EVENT_MOVED),
        "one put in": ([*written, copy | {"digest": "f" * 64}], copy["id"], FaultKind.EVENT_CHANGED),
        "a digest emptied": (
            [one, two, three, four | {"digest": None}, five],
            four["id"],
            FaultKind.EVENT_UNLINKED,
        ),
        "the first emptied": ([one | {"digest": None}, two, three], one["id"], FaultKind.EVENT_UNLINKED),
    }
    for name, (rows, event, kind) in cases.items():
        _put(acme, rows)
        assert _verify(acme).fault == integrity.Fault(kind, event), name
    _put(acme, written)
    assert _verify(acme).fault is None


@contextmanager
def _forged(session, *statements_):
    """Runs them with the database but not the keys, then restores the rows."""
    rows_by_table = {table: list(map(dict, session.execute(select(table)).mappings())) for table in AUDIT}
    session.rollback()
    for statement in statements_:
        session.execute(statement, execution_options={"synchronize_session": False})
    session.commit()
    yield
    session.rollback()
    for table in reversed(AUDIT):
        session.execute(delete(table))
    for table, rows in rows_by_table.items():
        if rows:
            session.execute(insert(table), rows)
    session.commit()


def _forgeries(own, rows):
    """By name, statements. The last event is about a number; another organization has a chain too."""
    one, *_, before, last = rows
    forged = one | {"changes": {}, "subject": "forged", "numbers_digest": None}
    unchained = forged | {"digest": None}
    mine = TABLE.c.organization_id == own
    numbers = {"event_id": one["id"], "organization_id": own, "first": 1, "last": 2, "packed": b"x"}
    empty = update(TABLE).where(mine).values(digest=None)
    return {
        "an event with id 0": [insert(TABLE).values(unchained | {"id": 0})],
        "one with a negative id": [insert(TABLE).values(unchained | {"id": -5})],
        "one with a negative id and a digest": [insert(TABLE).values(forged | {"id": -5})],
        "a copy of one, before it": [insert(TABLE).values(one | {"id": -5})],
        "a copy of one, after the last": [insert(TABLE).values(one | {"id": last["id"] + 10})],
        "one without a digest, after the last": [insert(TABLE).values(unchained | {"id": last["id"] + 10})],
        "all digests emptied": [empty],
        "all digests emptied, and one changed": [empty, update(TABLE).where(mine).values(subject="x")],
        "all digests emptied, and no record": [empty, delete(CHAIN)],
        "the record removed": [delete(CHAIN)],
        "the record changed": [update(CHAIN).values(count=CHAIN.c.count - 1)],
        "the record moved": [delete(CHAIN).where(CHAIN.c.chain != own), update(CHAIN).values(chain="none")],
        "the record said to begin later": [
            empty,
            update(CHAIN).values(earlier=CHAIN.c.count, count=0, head=""),
        ],
        "the last removed, and the record cut": [
            delete(TABLE).where(TABLE.c.id == last["id"]),
            update(CHAIN).values(count=CHAIN.c.count - 1, head=before["digest"]),
        ],
        "the last removed": [delete(TABLE).where(TABLE.c.id == last["id"])],
        "all but the first removed": [delete(TABLE).where(mine, TABLE.c.id != one["id"])],
        "all removed": [delete(TABLE).where(mine)],
        "numbers beside another event": [insert(NUMBERS).values(numbers)],
        "numbers moved to another event": [update(NUMBERS).values(event_id=one["id"])],
        "numbers of another organization": [update(NUMBERS).values(organization_id=None)],
        "numbers changed": [update(NUMBERS).values(last=NUMBERS.c.last + 1)],
        "numbers removed": [delete(NUMBERS)],
        "numbers added": [insert(NUMBERS).values(numbers | {"event_id": last["id"]})],
    }


def test_every_forgery_is_found_with_and_without_a_noted_head(acme, globex, written):
    _write(globex, "theirs")
    with acme.transaction():
        log.record(acme, Action.ENDPOINTS_SAVED, "many", numbers=[("+15551234567", {"label": ["a", "b"]})])
    session, noted, rows = acme.session, _verify(acme).head, _rows(acme)
    forgeries = _forgeries(acme.organization.id, rows)
    for name, statements_ in forgeries.items():
        with _forged(session, *statements_):
            assert _verify(acme).fault is not None, name
            assert _verify(acme, noted).fault is not None, name
            _write(acme, "what Patchbay writes afterwards hides nothing")
            assert _verify(acme).fault is not None, name
    assert (_verify(acme).fault, _verify(acme, noted).fault) == (None, None)


def test_verify_finds_a_restored_copy_with_a_noted_head_only(acme, written):
    """The events and the record of an earlier time fit: nothing in the database says that there was more."""
    session = acme.session
    record = dict(session.execute(select(CHAIN)).mappings().one())
    _write(acme, "six")
    noted = _verify(acme).head
    own = TABLE.c.organization_id == acme.organization.id
    older = [delete(TABLE).where(own, TABLE.c.id > written[-1]["id"]), update(CHAIN).values(record)]
    for statements_ in (older, [delete(TABLE), delete(CHAIN)]):
        with _forged(session, *statements_):
            assert _verify(acme).fault is None
            assert _verify(acme, noted).fault == integrity.Fault(FaultKind.HEAD_MISSING)
            _write(acme, "another six")
            assert _verify(acme, noted).fault == integrity.Fault(FaultKind.HEAD_MISSING)


def _before_records(scope, rows, unlinked):
    """Makes the installation one from before records, and some of its events from before digests."""
    session, row = scope.session, scope.session.get_one(Installation, 1)
    key, digest = chain.open_key(scope.keys.sealer, row.key_check), ""
    linked = [event["id"] for event in rows if event not in unlinked]
    with scope.transaction():
        session.execute(delete(CHAIN))
        session.execute(update(TABLE).where(TABLE.c.id.not_in(linked), _own(scope)).values(digest=None))
        for event in session.execute(select(TABLE).where(TABLE.c.id.in_(linked))):
            digest = chain.digest_of(key.hmac, digest, event)
            session.execute(update(TABLE).where(TABLE.c.id == event.id).values(digest=digest))
        row.key_check = scope.keys.sealer.seal(key.without_records(), chain.KEY_CHECK)
    return key


def _own(scope):
    return TABLE.c.organization_id == scope.organization.id


def test_start_seals_events_from_before_records_and_no_later_one(acme, globex, written):
    """A later one may have been added by another program."""
    session, console = acme.session, acme.for_organization(None)
    _write(globex, "theirs")
    first = _before_records(acme, written, written[:2])
    installation_keys.prepare(console)
    assert chain.open_key(acme.keys.sealer, _key_check(acme)) == first
    verdict = _verify(acme)
    assert (verdict.unchained, verdict.head.count, verdict.fault) == (2, 3, None)
    assert (_verify(globex).head.count, _verify(globex).fault) == (1, None)
    _write(acme, "six")
    assert (_verify(acme).head.count, _verify(acme).fault) == (4, None)
    one, two = _rows(acme)[:2]
    for statement in (
        update(TABLE).where(TABLE.c.id == one["id"]).values(subject="x"),
        delete(TABLE).where(TABLE.c.id == two["id"]),
        insert(TABLE).values(one | {"id": -1}),
        update(TABLE).values(digest=None),
        delete(CHAIN),
    ):
        with _forged(session, statement):
            installation_keys.prepare(console)
            assert _verify(acme).fault is not None, str(statement)

    rows = _rows(acme)
    _before_records(acme, rows, rows[3:4])
    installation_keys.prepare(acme.for_organization(None))
    assert acme.session.scalar(select(CHAIN.c.earlier).where(CHAIN.c.chain == acme.organization.id)) == 0
    assert _verify(acme).fault is not None


def test_verify_finds_events_of_no_chain(acme, engine, written):
    """The foreign keys prevent it, until they are switched off."""
    session = acme.session
    assert integrity.strays(session) == []
    nowhere = {"organization_id": "00000000-0000-0000-0000-000000000000"}
    numbers = {"event_id": 999_999, "organization_id": None, "first": 1, "last": 2, "packed": b"x"}
    is_postgresql = engine.dialect.name == "postgresql"
    with engine.connect() as connection:
        if is_postgresql:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(insert(TABLE).values(written[0] | nowhere | {"id": 999_998}))
        connection.execute(insert(NUMBERS).values(numbers))
        connection.execute(update(CHAIN).values(chain=nowhere["organization_id"]))
        connection.commit()
        connection.invalidate()
    assert [words.split(" ", 1)[0] for words in integrity.strays(session)] == [
        "Event",
        "Numbers",
        "Organization",
    ]


def test_without_the_key_or_with_unreadable_events_no_chain_fits(acme, written):
    forged, digest = [], ""
    for row in written:
        digest = chain.digest_of("another word", digest, AuditEvent(**row))
        forged.append(row | {"digest": digest})
    _put(acme, forged)
    assert _verify(acme).fault.kind is FaultKind.EVENT_CHANGED

    if acme.is_postgresql:
        return  # It takes nothing else into its columns.
    _put(acme, written)
    acme.session.execute(update(TABLE).where(TABLE.c.id == written[2]["id"]).values(changes=func.lower("{")))
    acme.session.commit()
    assert _verify(acme).fault == integrity.Fault(FaultKind.UNREADABLE, count=chain.TOGETHER)


def test_word_of_an_earlier_version_is_replaced_once_and_keys_are_rotated(acme):
    session, sealer = acme.session, acme.keys.sealer
    with acme.transaction():
        row = session.get_one(Installation, 1)
        row.key_check = sealer.seal("This opens with the right key.", chain.KEY_CHECK)
    installation_keys.prepare(acme.for_organization(None))
    session.expire_all()
    mark = session.get_one(Installation, 1).key_check
    assert len(sealer.open(mark, chain.KEY_CHECK)) > 40
    assert "right key" not in sealer.open(mark, chain.KEY_CHECK)
    installation_keys.prepare(acme.for_organization(None))
    session.expire_all()
    assert session.get_one(Installation, 1).key_check == mark

    newest = Fernet.generate_key().decode()
    _write(acme, "one", "two", "three", "four", "five")
    old = acme.keys.sealer.open(session.get_one(Installation, 1).key_check, chain.KEY_CHECK)
    keys = Keys(_both(acme, newest), acme.keys.jwt)
    console = Scope(session, None, Actor(name="command line"), keys)
    list(installation_keys.reseal(console))
    session.expire_all()
    assert Sealer([newest]).open(session.get_one(Installation, 1).key_check, chain.KEY_CHECK) == old
    verdict = integrity.verify(session, Sealer([newest]), acme.organization.id)
    assert (verdict.head.count, verdict.fault) == (5, None)


def _both(scope, newest):
    """Opens what either key sealed, and seals with the newest."""

    class Both(Sealer):
        def open(self, token, place):
            return (
                super().open(token, place) if self.is_current(token) else scope.keys.sealer.open(token, place)
            )

    return Both([newest])


@pytest.mark.both_databases
def test_concurrent_writers_keep_the_chain_whole_and_do_not_deadlock(scopes, thorough):
    """Signing in holds the person's row and no organization, saving them both; some hold two chains.

    Six writers and eight tasks; thorough, ten and sixteen.
    """
    writers = 10 if thorough else 6

    def write(number):
        def run(scope):
            for turn in range(5):
                with scope.transaction(lock=bool((number + turn) % 2)):
                    log.note(scope, Action.CONNECTION_TESTED, f"{number}.{turn}")
                    log.note(scope, Action.CONNECTION_TESTED, f"{number}.{turn}")

        return run

    assert scopes.in_parallel(*[("dana", write(number)) for number in range(writers)]) == [None] * writers
    with scopes.of("dana") as scope:
        verdict = _verify(scope)
        assert (verdict.head.count, verdict.fault) == (writers * 10, None)
        assert {row["subject"] for row in _rows(scope)} == {
            f"{n}.{t}" for n in range(writers) for t in range(5)
        }
        times = [row["at"] for row in _rows(scope)]
        assert times == sorted(times)

    with scopes.of("dana") as scope:
        mo = cast.find(scope.session).mo.id

    def signs_in(scope):
        user = users.get(scope, mo)
        for _ in range(5):
            checked = sign_in.Checked(user, sign_in.state_of(user))
            sign_in.start_session(scope, checked, user_agent="x")

    def saves(scope):
        for number in range(5):
            with scope.transaction():
                user = users.get(scope, mo)
                log.record(scope, Action.CONNECTION_TESTED, user.email)
                user.name = f"Mo {number}"

    def enters(scope):
        with scopes.of("mo") as other:
            own, other_organization = scope.organization, other.organization
        for _ in range(5):
            with scope.transaction(lock=False):
                log.note(scope, Action.CONNECTION_TESTED, own.name)
                log.note(
                    scope.for_organization(other_organization),
                    Action.CONNECTION_TESTED,
                    other_organization.name,
                )

    tasks = [("dana", signs_in), ("dana", saves), ("gus", enters), ("dana", enters)] * (4 if thorough else 2)
    assert scopes.in_parallel(*tasks) == [None] * len(tasks)
    for name in ("dana", "gus"):
        with scopes.of(name) as scope:
            assert _verify(scope).fault is None


def _die(scope, _reasons):
    scope.session.flush()
    scope.session.connection().connection.driver_connection.close()
    scope.session.invalidate()
    raise Fault


@pytest.mark.both_databases
def test_rollback_or_kill_leaves_the_chain_whole(acme, scopes, written):
    with suppress(Fault), acme.transaction():
        log.note(acme, Action.CONNECTION_TESTED, "never")
        raise Fault
    with scopes.of("dana") as scope, suppress(Fault), scope.transaction(lock=False):
        log.note(scope, Action.CONNECTION_TESTED, "killed")
        scope.before_commit(_die, "after it was linked")
    _write(acme, "six")
    verdict = _verify(acme)
    assert (verdict.head.count, verdict.fault) == (6, None)
    assert [row["subject"] for row in _rows(acme)][-1] == "six"


def test_heads_are_read_from_whatever_they_were_noted_in(acme):
    head = Head(12, "ab" * 32)
    whose = acme.organization.id
    text = f"Acme: 12 events hold. Head {integrity.format_head(whose, head)}\n"
    text += f"None: {integrity.format_head(None, head)} x"
    assert integrity.heads_in(text) == {whose: head, None: head}
    assert integrity.heads_in("nothing") == {}
