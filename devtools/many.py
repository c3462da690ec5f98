"""Many endpoints in one statement, for tests that need a long list."""

from __future__ import annotations

from sqlalchemy import String, cast, create_engine, insert, literal, select

from app.database import engine as database_engine
from app.models import Endpoint, Organization

FIRST = 2_000_000


def fill(url: str, slug: str, rows: int) -> None:
    """Adds endpoints to the organization; their numbers are +15552000000 and those after it."""
    engine = create_engine(url, **database_engine.engine_options(url))
    database_engine.prepare(engine)
    numbers = select(literal(FIRST).label("n")).cte(recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < FIRST + rows - 1))
    digits = cast(numbers.c.n, String)
    row = select(
        literal("many-") + digits,
        select(Organization.id).where(Organization.slug == slug).scalar_subquery(),
        literal("+1555") + digits,
        literal("twilio"),
        literal("Agent ") + digits,
        literal("A line with a label that is as long as labels usually are"),
        literal(value=True),
    )
    columns = [
        "id",
        "organization_id",
        "phone_number",
        "provider",
        "inbound_agent_name",
        "label",
        "is_active",
    ]
    with engine.begin() as connection:
        connection.execute(insert(Endpoint).from_select(columns, row))
    engine.dispose()
