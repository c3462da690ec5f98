"""The declarative base that every table shares."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import DateTime, ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from app.core import clock

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> str:
    return str(uuid.uuid4())


Id = Annotated[str, mapped_column(String(36), primary_key=True, default=new_id)]
OrganizationId = Annotated[str, mapped_column(String(36), ForeignKey("organizations.id", ondelete="CASCADE"))]
UserId = Annotated[str, mapped_column(String(36), ForeignKey("users.id", ondelete="CASCADE"), index=True)]
Moment = Annotated[datetime, mapped_column(DateTime())]


def sorted_text(length: int) -> Any:
    """Returns the type of a text column by which lists are sorted: by code points.

    `lower` changes only A to Z. SQLite has no other order; PostgreSQL's own depends on the database's locale.
    """
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class Timed:
    """Adds times, in UTC and naive: SQLite has no time zones, and the API contract writes none."""

    created_at: Mapped[Moment] = mapped_column(default=clock.now)
    updated_at: Mapped[Moment] = mapped_column(default=clock.now, onupdate=clock.now)


class Versioned:
    """Adds a version that rises with every change; a save with an earlier version fails."""

    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]
