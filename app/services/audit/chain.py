"""The chains of audit events: each event's digest covers the event and the digest before it.

Each organization has a chain, and events without an organization have one. Digests are HMACs with a random
key that is encrypted in `installation`, so database access alone cannot forge one. A sealed record states
where each chain begins and ends. `integrity` verifies chains; decision 7 lists what is detected.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, text, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.sealing import Place, Sealer
from app.models import AuditChain, AuditEvent, Installation
from app.services.scope import Scope

KEY_CHECK = Place("", "patchbay", "key-check")
BEGINNING = ""
"""The digest before the first event of a chain."""

DIGEST_HALF = 32
"""The length of half a digest, in hexadecimal digits."""

NO_ORGANIZATION = "none"
"""The id of the chain of events without an organization."""

TOGETHER = 1000
"""How many events are read in one batch."""

NEWEST_FIRST = (AuditEvent.organization_id.desc(), AuditEvent.id.desc())
_HAS_RECORDS = "2:"
"""The prefix of the sealed key if every chain has a record."""

Event = AuditEvent | Row[Any]


@dataclass(frozen=True)
class Key:
    """The key of all digests.

    `has_records`: every chain has a record, so a chain without one was tampered with. Both are sealed
    together, so that database access alone cannot unset `has_records`.
    """

    hmac: str = field(repr=False)
    has_records: bool

    def sealed_text(self) -> str:
        return (_HAS_RECORDS if self.has_records else "") + self.hmac

    def without_records(self) -> str:
        return replace(self, has_records=False).sealed_text()


def open_key(sealer: Sealer, sealed: str) -> Key:
    """Decrypts the key in `installation.key_check`. Raises SealBroken."""
    payload = sealer.open(sealed, KEY_CHECK)
    return Key(payload.removeprefix(_HAS_RECORDS), payload.startswith(_HAS_RECORDS))


@dataclass(frozen=True)
class Record:
    """The beginning and end of a chain, as `AuditChain` stores them.

    `is_sealed`: the stored seal is valid.
    """

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
        """Returns the columns to store. A record that was tampered with does not get a valid seal again."""
        return {
            "chain": self.chain,
            "earlier": self.earlier,
            "earlier_digest": self.earlier_digest,
            "count": self.count,
            "head": self.head,
        } | ({"seal": self.seal(key)} if self.is_sealed else {})


def add(scope: Scope, event: AuditEvent) -> None:
    """Appends the event to its chain at the end of the transaction."""
    scope.before_commit(_link, event)


def _link(scope: Scope, events: list[AuditEvent]) -> None:
    """Appends events to their chains, at the end of the transaction, so that locks are brief.

    Chains are locked in order: a transaction that has locked one waits only for later ones, so that none
    deadlock.
    """
    session = scope.session
    session.flush()
    for chain, added in groupby(sorted(events, key=_chain), key=_chain):
        _lock_chain(session, chain)
        key, record = load(session, scope.keys.sealer, chain or None)
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
    """Locks the chain until the commit.

    On SQLite, the transaction has locked the whole database already.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(b"audit chain:" + chain.encode()).digest()[:8], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def load(session: Session, sealer: Sealer, organization_id: str | None) -> tuple[Key, Record | None]:
    """Returns the key, and the chain's record; None for a chain without events."""
    columns = [column for column in AuditChain.__table__.columns if column.name != "seal"]
    is_chain = AuditChain.chain == (organization_id or NO_ORGANIZATION)
    both = select(Installation.key_check, AuditChain.seal, *columns).outerjoin_from(
        Installation, AuditChain, is_chain
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
    """Stores a record of every chain that has none, for an installation older than these records.

    Returns the key with `has_records`. Call it inside a transaction.
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
    """Returns the condition of a chain's events as a range, which fits `NEWEST_FIRST`.

    With an equality, PostgreSQL would scan the events of every organization backwards.
    """
    if organization_id is None:
        return AuditEvent.organization_id.is_(None)
    return AuditEvent.organization_id.between(organization_id, organization_id)


def digest_of(key: str, before: str, event: Event) -> str:
    """Returns two halves of 128 bits of HMAC-SHA-256: of the event, and of that half and `before`.

    They distinguish a changed event from one whose predecessor was removed.
    """
    values = [
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
    own = _mac(key, json.dumps(values, sort_keys=True, separators=(",", ":")))
    return own + _mac(key, before + own)


def _mac(key: str, text: str, *, length: int = DIGEST_HALF) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:length]
