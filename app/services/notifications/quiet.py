"""Quiet periods, during which messages wait, and destinations that are muted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, or_, select, update

from app.core import clock
from app.core.errors import Invalid, NotFound, Problem
from app.models import Delivery, Destination, Notification, QuietPeriod
from app.services import messages as shared_messages
from app.services import sql, validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.fields import Label
from app.services.notifications import messages
from app.services.notifications.states import State
from app.services.scope import Scope
from app.services.validation import Checked, Variant

MOST_HOURS = 720
LONGEST = timedelta(hours=MOST_HOURS)
MOST = 50
"""How many unfinished periods one owner can have."""


def check_time(value: str, _country: str | None = None) -> datetime:
    """Returns a time in ISO 8601 with Z as it is stored. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(messages.NO_TIME) from None
    if moment.utcoffset() != timedelta(0):
        raise ValueError(messages.NO_TIME)
    return moment.replace(tzinfo=None)


Time = Annotated[str, Checked(check_time, {"format": "date-time", "pattern": "Z$"})]


def end_problem(moment: datetime) -> str | None:
    """Returns the problem with the end of a quiet period or mute; None if it can be used."""
    now = clock.now()
    if moment <= now:
        return messages.PAST
    return messages.TOO_LONG_QUIET if moment > now + LONGEST else None


def _check_hours(value: int, _country: str | None) -> int:
    if not 1 <= value <= MOST_HOURS:
        raise ValueError(messages.HOURS)
    return value


Hours = Annotated[int, Checked(_check_hours, {"minimum": 1, "maximum": MOST_HOURS})]


def _describe(schema: dict[str, Any], _model: type[BaseModel]) -> None:
    fields = schema["properties"]
    times = {name: fields[name] for name in ("starts_at", "ends_at", "reason")}
    hours = {name: fields[name] for name in ("hours", "reason")}
    until, lasting = Variant(times, ["ends_at"]), Variant(hours, ["hours"])
    validation.describe_variants(schema, {"QuietPeriodUntil": until, "QuietPeriodOfHours": lasting})


class QuietDraft(BaseModel):
    """Either `ends_at` or `hours`, from now on."""

    model_config = ConfigDict(**validation.STRICT, json_schema_extra=_describe)

    starts_at: Time | None = None
    ends_at: Time = ""
    hours: Hours = 0
    reason: Label = ""


def add(scope: Scope, payload: Any) -> QuietPeriod:
    """Adds a quiet period, which begins now unless a start is submitted. Raises Invalid."""
    draft: Any = validation.read(QuietDraft, payload)
    start, end = _times(draft)
    if end <= start:
        raise Invalid([Problem("ends_at", messages.ENDS_BEFORE_START)])
    if problem := end_problem(end):
        raise Invalid([Problem("ends_at", problem)])
    with scope.transaction():
        if len(listed(scope)) >= MOST:
            raise Invalid([Problem("ends_at", shared_messages.too_many(MOST))])
        owner = scope.organization_or_none
        row = QuietPeriod(
            organization_id=owner.id if owner else None,
            starts_at=start,
            ends_at=end,
            reason=draft.reason,
            actor_name=scope.actor.name,
        )
        scope.session.add(row)
        scope.session.flush()
        log.note(scope, Action.QUIET_PERIOD_ADDED, draft.reason or "messages", _changes(row))
    return row


def _times(draft: Any) -> tuple[datetime, datetime]:
    """Returns the start and the end. Raises Invalid unless one of `ends_at` and `hours` was submitted."""
    chosen = draft.model_fields_set
    if ("ends_at" in chosen) == ("hours" in chosen):
        raise Invalid([Problem("ends_at", messages.END_OR_HOURS)])
    if "ends_at" in chosen:
        return draft.starts_at or clock.now(), draft.ends_at
    if draft.starts_at is not None:
        raise Invalid([Problem("starts_at", messages.HOURS_FROM_NOW)])
    now = clock.now()
    return now, now + timedelta(hours=draft.hours)


def end(scope: Scope, period_id: str) -> None:
    """Ends a period now, or deletes one that has not begun. Raises NotFound."""
    with scope.transaction():
        row = scope.session.scalar(select(QuietPeriod).where(_own(scope), QuietPeriod.id == period_id))
        if row is None or row.ends_at <= clock.now():
            raise NotFound(shared_messages.not_found("quiet period"))
        log.note(scope, Action.QUIET_PERIOD_ENDED, row.reason or "messages", _changes(row))
        scope.session.delete(row)
        release(scope)


def release(scope: Scope) -> None:
    """Makes every message that a quiet period delays due now. Its next attempt checks the periods again."""
    waiting = (Delivery.state == State.WAITING, Delivery.was_held, Delivery.due_at > clock.now())
    sql.run(scope, update(Delivery).where(*waiting).values(due_at=clock.now()))


def listed(scope: Scope) -> list[QuietPeriod]:
    """Returns the owner's unfinished periods, by their start."""
    query = select(QuietPeriod).where(_own(scope), QuietPeriod.ends_at > clock.now())
    return list(scope.session.scalars(query.order_by(QuietPeriod.starts_at, QuietPeriod.id)))


def document(row: QuietPeriod) -> dict[str, Any]:
    return {
        "id": row.id,
        "starts_at": clock.utc(row.starts_at),
        "ends_at": clock.utc(row.ends_at),
        "reason": row.reason,
        "created_by": row.actor_name,
    }


def until(scope: Scope, row: Notification, destination: Destination) -> datetime | None:
    """Returns when quiet periods and mutes for the message end; None if it may be sent now."""
    now = clock.now()
    period = QuietPeriod
    owners: list[ColumnElement[bool]] = [period.organization_id.is_(None)]
    if row.organization_id:
        owners.append(period.organization_id == row.organization_id)
    query = select(period.ends_at).where(or_(*owners), period.starts_at <= now, period.ends_at > now)
    ends = [*scope.session.scalars(query), destination.muted_until]
    return max((end for end in ends if end and end > now), default=None)


def _own(scope: Scope) -> ColumnElement[bool]:
    owner = scope.organization_or_none
    column = QuietPeriod.organization_id
    return column == owner.id if owner else column.is_(None)


def _changes(row: QuietPeriod) -> dict[str, list[Any]]:
    return {"starts_at": [None, clock.utc(row.starts_at)], "ends_at": [None, clock.utc(row.ends_at)]}
