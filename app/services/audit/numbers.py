"""The changes of a bulk event, number by number, packed in rows of 1,000 numbers.

The events of one number are found by an index over each row's range. The event stores a digest of its rows,
which the chain covers.
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
"""How many numbers one row has."""
Changes = Mapping[str, Sequence[Any]]


def packed(organization_id: str | None, touched: Iterable[tuple[str, Changes]]) -> list[AuditNumbers]:
    """Packs numbers into rows. Pass them sorted: each row is found by its number range."""
    remaining, rows = iter(touched), []
    while some := list(islice(remaining, TOGETHER)):
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
    """Returns the digest of all of an event's rows."""
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.first):
        whole.update(f"{row.first} {row.last} {len(row.packed)}:".encode() + row.packed)
    return whole.hexdigest()


def stored_digest(session: Session, event_id: int) -> str:
    """Returns the digest of an event's rows as stored."""
    columns = (AuditNumbers.first, AuditNumbers.last, AuditNumbers.packed)
    return digest_of(session.execute(select(*columns).where(AuditNumbers.event_id == event_id)))


def of_event(session: Session, event_id: int) -> Iterator[tuple[str, Changes]]:
    """Yields each number that the event changed, with its changes."""
    query = select(AuditNumbers.first, AuditNumbers.packed).where(AuditNumbers.event_id == event_id)
    rows = session.execute(query.order_by(AuditNumbers.first)).all()
    return (pair for row in rows for pair in _unpacked(row.packed).items())


def of_number(session: Session, organization_id: str | None, number: str) -> dict[int, Changes]:
    """Returns the changes of one number by bulk events, by event id; None: of all organizations."""
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
    numbers: dict[str, Changes] = json.loads(zlib.decompress(packed))
    return numbers
