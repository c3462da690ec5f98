"""The chain of audit events: each one's digest covers it and the digest of the one before.

There is a chain for each organization, and one for events without. Digests are keyed with a random key
that the installation keeps sealed, so database access alone cannot make one. A sealed record says where
each chain begins and ends. See docs/decisions/0007-tamper-evident-audit-log.md for what it detects.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, text, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.sealing import Place, Sealer
from app.models import AuditChain, AuditEvent, AuditNumbers, Installation, Organization
from app.services.audit import numbers as audit_numbers
from app.services.scope import Scope

KEY_CHECK = Place("", "patchbay", "key-check")
BEGINNING = ""
DIGEST_HALF = 32
NO_ORGANIZATION = "none"
TOGETHER = 1000
NEWEST_FIRST = (AuditEvent.organization_id.desc(), AuditEvent.id.desc())
_HAS_RECORDS = "2:"

Event = AuditEvent | Row[Any]


@dataclass(frozen=True)
class Key:
    """The key of all digests. `has_records`: every chain has a record, so one without it was tampered with.

    Both are sealed together: who can only write the database cannot take the second back.
    """

    hmac: str = field(repr=False)
    has_records: bool

    def sealed_text(self) -> str:
        return (_HAS_RECORDS if self.has_records else "") + self.hmac

    def without_records(self) -> str:
        return replace(self, has_records=False).sealed_text()


def open_key(sealer: Sealer, sealed: str) -> Key:
    """The key that the installation keeps in `key_check`. Raises SealBroken."""
    payload = sealer.open(sealed, KEY_CHECK)
    return Key(payload.removeprefix(_HAS_RECORDS), payload.startswith(_HAS_RECORDS))


@dataclass(frozen=True)
class Record:
    """Where a chain begins and ends, as `AuditChain` stores it. `is_sealed`: the stored seal covers it."""

    chain: str
    earlier: int = 0
    earlier_digest: str = ""
    count: int = 0
    head: str = BEGINNING
    is_sealed: bool = True

    def seal(self, key: Key) -> str:
        covered = ["chain", self.chain, self.earlier, self.earlier_digest, self.count, self.head]
        return _mac(key.hmac, json.dumps(covered), length=2 * DIGEST_HALF)

    def values(self, key: Key) -> dict[str, Any]:
        """What is stored. A record that was tampered with stays one: it never gets a seal that fits."""
        return {
            "chain": self.chain,
            "earlier": self.earlier,
            "earlier_digest": self.earlier_digest,
            "count": self.count,
            "head": self.head,
        } | ({"seal": self.seal(key)} if self.is_sealed else {})


def add(scope: Scope, event: AuditEvent) -> None:
    """Writes the event at the end of its chain, when the transaction ends."""
    scope.before_commit(_link, event)


def _link(scope: Scope, events: list[AuditEvent]) -> None:
    """Writes events at the end of each chain.

    Called last in a transaction, with the chains in order: a transaction that holds a chain waits only
    for later chains, so there is no deadlock, and a chain is held no longer than a commit takes.
    """
    session = scope.session
    session.flush()
    for chain, added in groupby(sorted(events, key=_chain), key=_chain):
        _lock_chain(session, chain)
        key, record = _key_and_record(session, scope.keys.sealer, chain or None)
        last = record or Record(chain or NO_ORGANIZATION)
        now = clock.now()
        for event in added:
            event.at = now
            event.digest = digest_of(key.hmac, last.head, event)
            last = replace(last, count=last.count + 1, head=event.digest)
            session.add(event)
        _store(session, key, last, is_new=record is None)


def _chain(event: AuditEvent) -> str:
    return event.organization_id or ""


def _lock_chain(session: Session, chain: str) -> None:
    """Until the commit. On SQLite the transaction has the whole database to itself already."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(b"audit chain:" + chain.encode()).digest()[:8], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def _key_and_record(
    session: Session, sealer: Sealer, organization_id: str | None
) -> tuple[Key, Record | None]:
    """The record is None for a chain that has no event yet."""
    columns = [column for column in AuditChain.__table__.columns if column.name != "seal"]
    mine = AuditChain.chain == (organization_id or NO_ORGANIZATION)
    both = select(Installation.key_check, AuditChain.seal, *columns).outerjoin_from(
        Installation, AuditChain, mine
    )
    key_check, seal, *fields = session.execute(both).one()
    key = open_key(sealer, key_check)
    if seal is None:
        return key, None
    record = Record(*fields)
    return key, replace(record, is_sealed=hmac.compare_digest(str(seal), record.seal(key)))


def _store(session: Session, key: Key, record: Record, *, is_new: bool) -> None:
    change = insert(AuditChain) if is_new else update(AuditChain).where(AuditChain.chain == record.chain)
    session.execute(change.values(**record.values(key)), execution_options={"synchronize_session": False})


def seal_all(session: Session, key: Key) -> Key:
    """Writes the record of every chain as it is now, once, for an installation from before there were any.

    Returns the key that says so. Inside a transaction only.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE audit_events IN SHARE MODE"))
    recorded = set(session.scalars(select(AuditChain.chain)))
    for organization_id in session.scalars(select(AuditEvent.organization_id).distinct()).all():
        if (organization_id or NO_ORGANIZATION) not in recorded:
            _store(session, key, _record_of_existing(session, key, organization_id), is_new=True)
    return replace(key, has_records=True)


def _record_of_existing(session: Session, key: Key, organization_id: str | None) -> Record:
    linked = and_(of(organization_id), AuditEvent.digest.is_not(None))
    first = session.scalar(select(func.min(AuditEvent.id)).where(linked))
    count = session.scalar(select(func.count()).select_from(AuditEvent).where(linked)) or 0
    head = select(AuditEvent.digest).where(linked).order_by(*NEWEST_FIRST).limit(1)
    columns = select(*AuditEvent.__table__.columns).where(of(organization_id), AuditEvent.digest.is_(None))
    earlier, digest = 0, BEGINNING
    for event in session.execute(columns.order_by(AuditEvent.id).execution_options(yield_per=TOGETHER)):
        if first is not None and event.id > first:
            break
        earlier, digest = earlier + 1, digest_of(key.hmac, digest, event)
    return Record(
        organization_id or NO_ORGANIZATION, earlier, digest, count, session.scalar(head) or BEGINNING
    )


def of(organization_id: str | None) -> ColumnElement[bool]:
    """The events of a chain, as a range, which goes with `NEWEST_FIRST`.

    For an equality, PostgreSQL would walk back over the events of every organization.
    """
    if organization_id is None:
        return AuditEvent.organization_id.is_(None)
    return AuditEvent.organization_id.between(organization_id, organization_id)


def digest_of(key: str, before: str, event: Event) -> str:
    """Two halves, each 128 bits of HMAC-SHA-256: of what the event says, and of that and the digest before.

    So a changed event can be distinguished from one whose predecessor was removed.
    """
    told = [
        event.organization_id,
        event.at.isoformat(timespec="microseconds"),
        event.actor_id,
        event.actor_name,
        event.ip,
        event.request_id,
        event.action,
        event.subject,
        event.changes,
        *([event.numbers_digest] if event.numbers_digest else []),
    ]
    said = _mac(key, json.dumps(told, sort_keys=True, separators=(",", ":")))
    return said + _mac(key, before + said)


def _mac(key: str, text: str, *, length: int = DIGEST_HALF) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:length]


@dataclass(frozen=True)
class Head:
    """How many events a chain has, and the digest of the last one: worth noting down elsewhere."""

    count: int
    digest: str


def format_head(organization_id: str | None, head: Head) -> str:
    """A head as an operator notes it down."""
    return f"{organization_id or NO_ORGANIZATION}:{head.count}:{head.digest}"


def heads_in(text: str) -> dict[str | None, Head]:
    """The heads that are noted in a text, whatever else is in it."""
    found = re.findall(
        rf"([0-9a-f-]{{36}}|{NO_ORGANIZATION}):([0-9]{{1,15}}):([0-9a-f]{{{2 * DIGEST_HALF}}})", text
    )
    return {
        None if whose == NO_ORGANIZATION else whose: Head(int(count), digest)
        for whose, count, digest in found
    }


@dataclass(frozen=True)
class Verdict:
    """A verified chain: the head up to which it is whole, and what is wrong after that, or None.

    `unchained` events are from before there was a chain.
    """

    head: Head
    unchained: int
    wrong: str | None


def verify(
    session: Session, sealer: Sealer, organization_id: str | None, seen: Head | None = None
) -> Verdict:
    """Follows a chain from its beginning to the first event that does not fit.

    `seen` is a head that was noted earlier: the chain must still go through it.
    """
    key, record = _key_and_record(session, sealer, organization_id)
    session.rollback()
    walk = _Walk(session, key.hmac, record, seen)
    try:
        wrong = walk.run(_oldest_first(session, organization_id))
    except ValueError:
        wrong = f"One of the next {TOGETHER} cannot be read, so it was changed."
    return Verdict(walk.head, walk.earlier, wrong)


class _Walk:
    """A verification under way. `head` is the last event that fits."""

    def __init__(self, session: Session, key: str, record: Record | None, seen: Head | None) -> None:
        self.head = Head(0, BEGINNING)
        self.earlier = record.earlier if record and record.is_sealed else 0
        self._session, self._key, self._record = session, key, record
        self._noted = seen
        self._recorded = Head(record.count, record.head) if record else None
        self._reached: set[Head] = {self.head}

    def run(self, events: Iterator[_Stored]) -> str | None:
        """What is wrong, in a sentence; None if the chain is whole."""
        if self._record is None and next(events, None):
            return "The sealed record of where the chain begins and ends is missing."
        if self._record and not self._record.is_sealed:
            return "The sealed record of where the chain begins and ends was changed."
        return self._in_earlier(events) or self._in_linked(events) or self._at_the_end()

    def _in_earlier(self, events: Iterator[_Stored]) -> str | None:
        count, digest = 0, BEGINNING
        for stored in islice(events, self.earlier):
            if stored.event.digest is not None or not self._has_its_numbers(stored):
                break
            count, digest = count + 1, digest_of(self._key, digest, stored.event)
        if self._record is None or (count, digest) == (self.earlier, self._record.earlier_digest):
            return None
        return f"Of the {self.earlier} events older than the chain, one was changed, removed or put in."

    def _in_linked(self, events: Iterator[_Stored]) -> str | None:
        for stored in events:
            event = stored.event
            expected = digest_of(self._key, self.head.digest, event)
            if event.digest != expected:
                return _what_is_wrong(event, expected)
            if not self._has_its_numbers(stored):
                return f"What event {event.id} tells of its numbers was changed."
            self.head = Head(self.head.count + 1, expected)
            if self.head in (self._noted, self._recorded):
                self._reached.add(self.head)
        return None

    def _at_the_end(self) -> str | None:
        """Events that came after the record was read are part of the chain, and not of the record."""
        if self._recorded and self._recorded not in self._reached:
            return "Events were removed from its end: the sealed record says that there were more."
        if self._noted and self._noted not in self._reached:
            return "The chain does not go through the head that was noted: events were removed from its end."
        return None

    def _has_its_numbers(self, stored: _Stored) -> bool:
        event = stored.event
        if event.numbers_digest is None:
            return not stored.numbers_of
        digest = audit_numbers.stored_digest(self._session, event.id)
        self._session.rollback()
        return stored.numbers_of == {event.organization_id} and digest == event.numbers_digest


def _what_is_wrong(event: Event, expected: str) -> str:
    if event.digest is None:
        return f"Event {event.id} is not in the chain, though it comes after its beginning."
    if event.digest[:DIGEST_HALF] == expected[:DIGEST_HALF]:
        return f"Event {event.id} does not follow: one before it was removed, put in, or moved."
    return f"Event {event.id} was changed, or was not written by Patchbay."


@dataclass(frozen=True)
class _Stored:
    """An event as it is stored, and the organizations of the rows about numbers that stand beside it."""

    event: Event
    numbers_of: set[str | None]


def _oldest_first(session: Session, organization_id: str | None) -> Iterator[_Stored]:
    """Some at a time, so that memory does not grow with the chain and no transaction stays open."""
    columns = select(*AuditEvent.__table__.columns).where(of(organization_id))
    columns = columns.order_by(AuditEvent.organization_id, AuditEvent.id).limit(TOGETHER)
    beside = select(AuditNumbers.event_id, AuditNumbers.organization_id).distinct()
    events = session.execute(columns).all()
    while events:
        numbers: dict[int, set[str | None]] = {event.id: set() for event in events}
        for row in session.execute(beside.where(AuditNumbers.event_id.in_(numbers))):
            numbers[row.event_id].add(row.organization_id)
        session.rollback()
        yield from (_Stored(event, numbers[event.id]) for event in events)
        events = session.execute(columns.where(AuditEvent.id > events[-1].id)).all()


def problems(session: Session, sealer: Sealer) -> list[str]:
    """What is wrong with any chain, or beside them, a sentence each."""
    names: dict[str | None, str] = {None: "No organization"}
    names |= {row.id: row.name for row in session.execute(select(Organization.id, Organization.name))}
    found = ((name, verify(session, sealer, chain).wrong) for chain, name in names.items())
    return [f"{name}: {wrong}" for name, wrong in found if wrong] + strays(session)


def strays(session: Session) -> list[str]:
    """What stands beside all chains and belongs to none, a sentence each.

    The database's foreign keys prevent these, unless they were switched off.
    """
    organizations = select(Organization.id)
    event = select(func.min(AuditEvent.id)).where(AuditEvent.organization_id.not_in(organizations))
    numbers = select(func.min(AuditNumbers.event_id)).where(
        AuditNumbers.event_id.not_in(select(AuditEvent.id))
    )
    gone = select(AuditChain.chain).where(
        AuditChain.chain != NO_ORGANIZATION, AuditChain.chain.not_in(organizations)
    )
    found: list[tuple[object, str]] = [
        (session.scalar(event), "Event {} belongs to an organization that does not exist."),
        (session.scalar(numbers), "Numbers are kept for event {}, which does not exist."),
    ]
    found += [
        (chain, "Organization {}, which had a chain, does not exist.") for chain in session.scalars(gone)
    ]
    session.rollback()
    return [words.format(thing) for thing, words in found if thing is not None]
