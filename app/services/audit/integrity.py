"""Verifies the chains of audit events, each up to its first invalid event, and finds rows of no chain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.sealing import Sealer
from app.models import AuditChain, AuditEvent, AuditNumbers, Organization
from app.services.audit import chain, messages, numbers
from app.services.audit.chain import BEGINNING, DIGEST_HALF, NO_ORGANIZATION, TOGETHER, Event, Record


@dataclass(frozen=True)
class Head:
    """How many events a chain has, and the digest of the last one.

    Operators note it outside of Patchbay.
    """

    count: int
    digest: str


def format_head(organization_id: str | None, head: Head) -> str:
    """Returns a head in the format that `heads_in` reads."""
    return f"{organization_id or NO_ORGANIZATION}:{head.count}:{head.digest}"


def heads_in(text: str) -> dict[str | None, Head]:
    """Returns the heads in a text, by organization, and ignores everything else in it."""
    heads = re.findall(
        rf"([0-9a-f-]{{36}}|{NO_ORGANIZATION}):([0-9]{{1,15}}):([0-9a-f]{{{2 * DIGEST_HALF}}})", text
    )
    return {
        None if owner == NO_ORGANIZATION else owner: Head(int(count), digest)
        for owner, count, digest in heads
    }


class FaultKind(StrEnum):
    RECORD_MISSING = "record-missing"
    RECORD_CHANGED = "record-changed"
    EARLIER_CHANGED = "earlier-changed"
    UNREADABLE = "unreadable"
    EVENT_UNLINKED = "event-unlinked"
    EVENT_MOVED = "event-moved"
    EVENT_CHANGED = "event-changed"
    NUMBERS_CHANGED = "numbers-changed"
    END_REMOVED = "end-removed"
    HEAD_MISSING = "head-missing"


@dataclass(frozen=True)
class Fault:
    """A fault of a chain: the event at which it is, or the count of events among which it is."""

    kind: FaultKind
    event_id: int | None = None
    count: int | None = None

    @property
    def text(self) -> str:
        return messages.FAULTS[self.kind].format(event=self.event_id, count=self.count)


@dataclass(frozen=True)
class Verdict:
    """The result of verifying a chain: the head up to which it is intact, and the first fault.

    `unchained` counts events from before there were chains.
    """

    head: Head
    unchained: int
    fault: Fault | None


def verify(
    session: Session, sealer: Sealer, organization_id: str | None, noted: Head | None = None
) -> Verdict:
    """Follows a chain from its beginning to the first invalid event.

    The chain must contain `noted`, a head of an earlier run.
    """
    key, record = chain.load(session, sealer, organization_id)
    session.rollback()
    walk = _Walk(session, key.hmac, record, noted)
    try:
        fault = walk.run(_oldest_first(session, organization_id))
    except ValueError:
        fault = Fault(FaultKind.UNREADABLE, count=TOGETHER)
    return Verdict(walk.head, walk.earlier, fault)


class _Walk:
    """A verification in progress. `head` is at the last valid event."""

    def __init__(self, session: Session, key: str, record: Record | None, noted: Head | None) -> None:
        self.head = Head(0, BEGINNING)
        self.earlier = record.earlier if record and record.is_sealed else 0
        self._session, self._key, self._record = session, key, record
        self._noted = noted
        self._recorded = Head(record.count, record.head) if record else None
        self._reached: set[Head] = {self.head}

    def run(self, events: Iterator[_Stored]) -> Fault | None:
        if self._record is None and next(events, None):
            return Fault(FaultKind.RECORD_MISSING)
        if self._record and not self._record.is_sealed:
            return Fault(FaultKind.RECORD_CHANGED)
        return self._in_earlier(events) or self._in_linked(events) or self._at_end()

    def _in_earlier(self, events: Iterator[_Stored]) -> Fault | None:
        count, digest = 0, BEGINNING
        for stored in islice(events, self.earlier):
            if stored.event.digest is not None or not self._has_its_numbers(stored):
                break
            count, digest = count + 1, chain.digest_of(self._key, digest, stored.event)
        if self._record is None or (count, digest) == (self.earlier, self._record.earlier_digest):
            return None
        return Fault(FaultKind.EARLIER_CHANGED, count=self.earlier)

    def _in_linked(self, events: Iterator[_Stored]) -> Fault | None:
        for stored in events:
            event = stored.event
            expected = chain.digest_of(self._key, self.head.digest, event)
            if event.digest != expected:
                return Fault(_kind(event, expected), event.id)
            if not self._has_its_numbers(stored):
                return Fault(FaultKind.NUMBERS_CHANGED, event.id)
            self.head = Head(self.head.count + 1, expected)
            if self.head in (self._noted, self._recorded):
                self._reached.add(self.head)
        return None

    def _at_end(self) -> Fault | None:
        """Returns a fault if the chain does not reach the recorded and the noted head.

        Events added since the record was read are in the chain, but not in the record.
        """
        if self._recorded and self._recorded not in self._reached:
            return Fault(FaultKind.END_REMOVED)
        if self._noted and self._noted not in self._reached:
            return Fault(FaultKind.HEAD_MISSING)
        return None

    def _has_its_numbers(self, stored: _Stored) -> bool:
        event = stored.event
        if event.numbers_digest is None:
            return not stored.numbers_of
        digest = numbers.stored_digest(self._session, event.id)
        self._session.rollback()
        return stored.numbers_of == {event.organization_id} and digest == event.numbers_digest


def _kind(event: Event, expected: str) -> FaultKind:
    if event.digest is None:
        return FaultKind.EVENT_UNLINKED
    is_unchanged = event.digest[:DIGEST_HALF] == expected[:DIGEST_HALF]
    return FaultKind.EVENT_MOVED if is_unchanged else FaultKind.EVENT_CHANGED


@dataclass(frozen=True)
class _Stored:
    """A stored event, and the organizations of its rows of numbers."""

    event: Event
    numbers_of: set[str | None]


def _oldest_first(session: Session, organization_id: str | None) -> Iterator[_Stored]:
    """Yields events in batches, so that memory stays constant and no transaction stays open."""
    columns = select(*AuditEvent.__table__.columns).where(chain.of(organization_id))
    columns = columns.order_by(AuditEvent.organization_id, AuditEvent.id).limit(TOGETHER)
    beside = select(AuditNumbers.event_id, AuditNumbers.organization_id).distinct()
    events = session.execute(columns).all()
    while events:
        owners: dict[int, set[str | None]] = {event.id: set() for event in events}
        for row in session.execute(beside.where(AuditNumbers.event_id.in_(owners))):
            owners[row.event_id].add(row.organization_id)
        session.rollback()
        yield from (_Stored(event, owners[event.id]) for event in events)
        events = session.execute(columns.where(AuditEvent.id > events[-1].id)).all()


def problems(session: Session, sealer: Sealer) -> list[str]:
    """Returns a sentence for each fault, in any chain or outside of them."""
    names: dict[str | None, str] = {None: messages.NO_ORGANIZATION}
    names |= {row.id: row.name for row in session.execute(select(Organization.id, Organization.name))}
    faults = ((name, verify(session, sealer, owner).fault) for owner, name in names.items())
    return [f"{name}: {fault.text}" for name, fault in faults if fault] + strays(session)


def strays(session: Session) -> list[str]:
    """Returns a sentence for each audit row whose organization or event does not exist.

    The database's foreign keys prevent these, unless they were turned off.
    """
    organizations = select(Organization.id)
    event = select(func.min(AuditEvent.id)).where(AuditEvent.organization_id.not_in(organizations))
    lost = select(func.min(AuditNumbers.event_id)).where(AuditNumbers.event_id.not_in(select(AuditEvent.id)))
    lost_chains = select(AuditChain.chain).where(
        AuditChain.chain != NO_ORGANIZATION, AuditChain.chain.not_in(organizations)
    )
    rows: list[tuple[object, str]] = [
        (session.scalar(event), messages.STRAY_EVENT),
        (session.scalar(lost), messages.STRAY_NUMBERS),
    ]
    rows += [(owner, messages.STRAY_CHAIN) for owner in session.scalars(lost_chains)]
    session.rollback()
    return [text.format(thing) for thing, text in rows if thing is not None]
