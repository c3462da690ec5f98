"""Every row of every table, to compare before and after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event, select, update

from app.extensions import db
from app.models import AuditEvent, Base, Throttle
from app.services import rate_limits

Dump = dict[str, list[tuple[Any, ...]]]


PROVEN = (
    *("checks", "check_days", "health_transitions"),
    *("notification_settings", "notifications", "notification_outbox"),
)
"""What a provider's response proves of the credentials is stored, whatever else happens, and is reported."""


def dump(app: Flask, *, but: tuple[str, ...] = ()) -> Dump:
    """By table, in a stable order. Without the events there are no ends of their chains either."""
    but = (*but, "audit_chains") if "audit_events" in but else but
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
            if table.name not in but
        }


@contextmanager
def unchanged(app: Flask, *, but: tuple[str, ...] = ()) -> Iterator[None]:
    """Nothing in the database may differ afterwards, except in the tables `but` and `PROVEN`."""
    but = (*but, *PROVEN)
    before = dump(app, but=but)
    yield
    after = dump(app, but=but)
    assert after == before, [name for name in after if after[name] != before[name]]


@contextmanager
def commits(app: Flask) -> Iterator[list[int]]:
    """Fills with an entry per write transaction: reads end without a commit."""
    counted: list[int] = []

    def note(_connection: Any) -> None:
        counted.append(len(counted))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "commit", note)
    try:
        yield counted
    finally:
        event.remove(engine, "commit", note)


def count_as(app: Flask, attempts: int) -> None:
    """Each limit under which one attempt was counted has so many."""
    once = (Throttle.count == 1, ~Throttle.key.startswith(rate_limits.TALLY))
    with app.app_context():
        db.session.execute(update(Throttle).where(*once).values(count=attempts))
        db.session.commit()


def audit(app: Flask) -> list[AuditEvent]:
    """Every event, oldest first."""
    with app.app_context():
        return list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
