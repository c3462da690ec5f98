"""The daily digest: one message with all notifications since the last one."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select, update

from app.core import clock
from app.models import Delivery, Destination
from app.services import sql
from app.services.notifications import delayed, record
from app.services.notifications.events import Event
from app.services.notifications.record import Draft
from app.services.notifications.states import State
from app.services.scope import Scope


def collect(scope: Scope) -> int:
    """Adds the digests whose hour has come. Returns how many."""
    now = clock.now()
    is_waiting = exists().where(
        Delivery.destination_id == Destination.id,
        Delivery.state == State.COLLECTED,
        Delivery.carrier_id.is_(None),
    )
    query = select(Destination.id, Destination.digest_hour, Destination.digested_at, Destination.created_at)
    rows = scope.session.execute(query.where(Destination.enabled, is_waiting)).all()
    scope.end_read()
    count = 0
    for destination_id, hour, last, created in rows:
        if hour is None or (last or created) < _latest(now, hour):
            count += _collect(scope, destination_id, last)
    return count


def _latest(now: datetime, hour: int) -> datetime:
    """Returns the last time at which it was that hour."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _collect(scope: Scope, destination_id: str, last: datetime | None) -> bool:
    """Adds one digest. Returns False if another process has added it meanwhile."""
    with scope.transaction(lock=False):
        conditions = (Destination.id == destination_id, Destination.digested_at.is_not_distinct_from(last))
        values = {"digested_at": clock.now(), "updated_at": Destination.updated_at}
        if not sql.run(scope, update(Destination).where(*conditions).values(values)):
            return False
        destination = scope.session.get_one(Destination, destination_id, populate_existing=True)
        waiting = (
            Delivery.destination_id == destination_id,
            Delivery.state == State.COLLECTED,
            Delivery.carrier_id.is_(None),
        )
        ids = list(scope.session.scalars(select(Delivery.id).where(*waiting)))
        draft = Draft(Event.DIGEST, lane=f"digest:{destination_id[:8]}", count=len(ids))
        carrier = record.add_own(delayed.scope_of(scope, destination), draft, destination)
        carrier.is_manual = False
        scope.session.flush()
        finished = {"carrier_id": carrier.id, "finished_at": clock.now()}
        sql.run(scope, update(Delivery).where(*waiting).values(finished))
    return True
