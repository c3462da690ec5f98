"""The chain of audit events: each one's digest is over it and the digest of the one before.

There is a chain for each organization, and one for events without. The digest's key is the word that
the installation keeps sealed, so whoever has the database and not the key file can compute none.
See docs/decisions/0007-audit-chain.md for what is found, and what is not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.sealing import Place, Sealer
from app.models import AuditEvent, Installation
from app.services import audit_numbers
from app.services.scope import Scope

WORD = Place("", "patchbay", "key-check")
BEGINNING = ""
HALF = 32
NOBODY = "none"
TOGETHER = 1000
NEWEST_FIRST = (AuditEvent.organization_id.desc(), AuditEvent.id.desc())

Event = AuditEvent | Row[Any]


def add(scope: Scope, event: AuditEvent) -> None:
    """Writes the event at the end of its chain, when the transaction ends."""
    scope.before_commit(_link, event)


def _link(scope: Scope, events: list[AuditEvent]) -> None:
    """Writes events at the end of each chain.

    Called last in a transaction: whoever holds a chain waits for nothing else, so nobody waits for
    each other, and a chain is held no longer than a commit takes. Its events are in the order of time.
    """
    session = scope.session
    session.flush()
    for chain, added in groupby(sorted(events, key=_chain), key=_chain):
        _take(session, chain)
        found = session.execute(_key_and_head(chain or None)).one()
        key, digest = scope.keys.sealer.open(found.key_check, WORD), found.digest
        now = clock.now()
        for event in added:
            event.at = now
            event.digest = digest = digest_of(key, digest or BEGINNING, event)
            session.add(event)


def _chain(event: AuditEvent) -> str:
    return event.organization_id or ""


def _take(session: Session, chain: str) -> None:
    """Until the commit. On SQLite the transaction has the whole database to itself already."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(b"audit chain:" + chain.encode()).digest()[:8], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def _key_and_head(organization_id: str | None) -> Select[Any]:
    head = select(AuditEvent.digest).where(of(organization_id)).order_by(*NEWEST_FIRST).limit(1)
    return select(Installation.key_check, head.scalar_subquery().label("digest"))


def of(organization_id: str | None) -> ColumnElement[bool]:
    """The events of a chain, as a range, which goes with `NEWEST_FIRST`.

    For an equality, PostgreSQL would walk back over the events of every organization.
    """
    if organization_id is None:
        return AuditEvent.organization_id.is_(None)
    return AuditEvent.organization_id.between(organization_id, organization_id)


def digest_of(key: str, before: str, event: Event) -> str:
    """Two halves, each 128 bits of HMAC-SHA-256: of what the event says, and of that and the digest before.

    So a changed event is told from one that another was taken away from.
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


def _mac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:HALF]


@dataclass(frozen=True)
class Head:
    """How many events a chain has, and the digest of the last one: worth noting down elsewhere."""

    count: int
    digest: str


def noted(organization_id: str | None, head: Head) -> str:
    """A head as an operator notes it down."""
    return f"{organization_id or NOBODY}:{head.count}:{head.digest}"


def heads_in(text: str) -> dict[str | None, Head]:
    """The heads that are noted in a text, whatever else is in it."""
    found = re.findall(rf"([0-9a-f-]{{36}}|{NOBODY}):([0-9]{{1,15}}):([0-9a-f]{{{2 * HALF}}})", text)
    return {None if whose == NOBODY else whose: Head(int(count), digest) for whose, count, digest in found}


@dataclass(frozen=True)
class Verdict:
    """What became of a chain: the head up to which it is whole, and what is wrong after that, or None.

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
    key = sealer.open(session.scalars(select(Installation.key_check)).one(), WORD)
    head, unchained, is_met = Head(0, BEGINNING), 0, seen is None
    try:
        for event in _oldest_first(session, organization_id):
            if event.digest is None and not head.count:
                unchained += 1
                continue
            expected = digest_of(key, head.digest, event)
            if event.digest != expected:
                return Verdict(head, unchained, _what_is_wrong(event, expected))
            if not _has_its_numbers(session, event):
                return Verdict(head, unchained, f"What event {event.id} tells of its numbers was changed.")
            head = Head(head.count + 1, expected)
            is_met = is_met or head == seen
    except ValueError:
        return Verdict(head, unchained, f"One of the next {TOGETHER} cannot be read, so it was changed.")
    missed = "The chain does not go through the head that was noted: events were removed from its end."
    return Verdict(head, unchained, None if is_met else missed)


def _has_its_numbers(session: Session, event: Event) -> bool:
    if event.numbers_digest is None:
        return True
    found = audit_numbers.stored_digest(session, event.id)
    session.rollback()
    return found == event.numbers_digest


def _what_is_wrong(event: Event, expected: str) -> str:
    if event.digest is None:
        return f"Event {event.id} is not in the chain, though it comes after its beginning."
    if event.digest[:HALF] == expected[:HALF]:
        return f"Event {event.id} does not follow: one before it was removed, put in, or moved."
    return f"Event {event.id} was changed, or was not written by Patchbay."


def _oldest_first(session: Session, organization_id: str | None) -> Iterator[Event]:
    """Some at a time, so that memory does not grow with the chain and no transaction stays open."""
    columns = select(*AuditEvent.__table__.columns).where(of(organization_id))
    columns = columns.order_by(AuditEvent.organization_id, AuditEvent.id)
    last = 0
    while True:
        events = session.execute(columns.where(AuditEvent.id > last).limit(TOGETHER)).all()
        session.rollback()
        yield from events
        if len(events) < TOGETHER:
            return
        last = events[-1].id
