"""Adds many endpoints or audit events in one statement, for tests that need a long list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Insert, String, cast, create_engine, insert, literal, select
from sqlalchemy.sql.selectable import CTE

from app.core import clock
from app.database import engine as database_engine
from app.models import AuditEvent, Endpoint, Organization

FIRST = 2_000_000


def fill(url: str, slug: str, rows: int) -> None:
    """Adds endpoints to the organization, with successive numbers from +15552000000."""
    numbers = _numbers(rows)
    digits = cast(numbers.c.n, String)
    values = {
        "id": literal("many-") + digits,
        "organization_id": _organization(slug),
        "phone_number": literal("+1555") + digits,
        "provider": literal("twilio"),
        "inbound_agent_name": literal("Agent ") + digits,
        "label": literal("A line with a label that is as long as labels usually are"),
        "is_active": literal(value=True),
    }
    _execute(url, insert(Endpoint).from_select(list(values), select(*values.values()).select_from(numbers)))


def fill_audit(url: str, slug: str, rows: int) -> None:
    """Adds audit events about the same numbers to the organization, without digests."""
    numbers = _numbers(rows)
    values = {
        "organization_id": _organization(slug),
        "at": literal(clock.now(), AuditEvent.at.type),
        "actor_name": literal("many"),
        "ip": literal("192.0.2.1"),
        "request_id": literal("request-1"),
        "action": literal("endpoint.saved"),
        "subject": literal("+1555") + cast(numbers.c.n, String),
        "changes": literal({}, AuditEvent.changes.type),
    }
    rows_of = select(*values.values()).select_from(numbers)
    _execute(url, insert(AuditEvent).from_select(list(values), rows_of, include_defaults=False))


def _numbers(rows: int) -> CTE:
    """Returns a query of the integers from `FIRST`, as column `n`."""
    numbers = select(literal(FIRST).label("n")).cte(recursive=True)
    return numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < FIRST + rows - 1))


def _organization(slug: str) -> ColumnElement[Any]:
    return select(Organization.id).where(Organization.slug == slug).scalar_subquery()


def _execute(url: str, statement: Insert) -> None:
    engine = create_engine(url, **database_engine.engine_options(url))
    database_engine.prepare(engine)
    with engine.begin() as connection:
        connection.execute(statement)
    engine.dispose()
