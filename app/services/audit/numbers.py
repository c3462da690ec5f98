"""What one event changed of many phone numbers, kept number by number beside it.

Some numbers to a row, packed: 100,000 of them take a hundred rows, and the events of one number are
found by an index. The event has a digest of its rows, and so has the chain.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import phone
from app.models import AuditEvent, AuditNumbers

TOGETHER = 1000

Changes = Mapping[str, Sequence[Any]]


def packed(organization_id: str | None, touched: Iterable[tuple[str, Changes]]) -> list[AuditNumbers]:
    """Rows for an event. They are found soonest where the numbers come in order."""
    left, rows = iter(touched), []
    while some := list(islice(left, TOGETHER)):
        rows.append(_row(organization_id, some))
    return rows


def _row(organization_id: str | None, some: Sequence[tuple[str, Changes]]) -> AuditNumbers:
    places = [int(number) for number, _ in some]
    return AuditNumbers(
        organization_id=organization_id,
        first=min(places),
        last=max(places),
        packed=zlib.compress(json.dumps(dict(some), separators=(",", ":")).encode(), 1),
    )


def digest_of(rows: Iterable[Any]) -> str:
    """Over all of an event's rows."""
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.first):
        whole.update(f"{row.first} {row.last} {len(row.packed)}:".encode() + row.packed)
    return whole.hexdigest()


def stored_digest(session: Session, event_id: int) -> str:
    """Of what is stored for the event now."""
    columns = (AuditNumbers.first, AuditNumbers.last, AuditNumbers.packed)
    return digest_of(session.execute(select(*columns).where(AuditNumbers.event_id == event_id)))


def of_event(session: Session, event_id: int) -> Iterator[tuple[str, Changes]]:
    """Each number that the event changed, with what it changed of it."""
    query = select(AuditNumbers.first, AuditNumbers.packed).where(AuditNumbers.event_id == event_id)
    rows = session.execute(query.order_by(AuditNumbers.first)).all()
    return (pair for row in rows for pair in _unpacked(row.packed).items())


def of_number(session: Session, organization_id: str | None, number: str) -> dict[int, Changes]:
    """What events about many changed of one number, by event. Of every organization where None."""
    if not phone.E164.fullmatch(number):
        return {}
    place = int(number)
    query = (
        select(AuditNumbers.event_id, AuditNumbers.packed)
        .join(AuditEvent, AuditEvent.id == AuditNumbers.event_id)
        .where(AuditNumbers.first <= place, AuditNumbers.last >= place)
        .where(AuditEvent.numbers_digest.is_not(None))
    )
    if organization_id is not None:
        query = query.where(AuditNumbers.organization_id == organization_id)
    opened = ((row.event_id, _unpacked(row.packed)) for row in session.execute(query))
    return {event_id: numbers[number] for event_id, numbers in opened if number in numbers}


def _unpacked(packed: bytes) -> dict[str, Changes]:
    found: dict[str, Changes] = json.loads(zlib.decompress(packed))
    return found
