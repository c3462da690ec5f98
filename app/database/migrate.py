"""Migrations of the database's schema."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import flask_migrate
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_LOCK = 2_212_001


@cache
def _heads() -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return set(ScriptDirectory.from_config(config).get_heads())


def are_current(engine: Engine) -> bool:
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == _heads()


def upgrade(engine: Engine, data: Path) -> None:
    """Migrates to the newest schema. Machines and processes that start concurrently take turns."""
    with _turn(engine, data):
        if not are_current(engine):
            flask_migrate.upgrade(directory=str(MIGRATIONS))


@contextmanager
def _turn(engine: Engine, data: Path) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:id)"), {"id": _LOCK})
            connection.commit()
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:id)"), {"id": _LOCK})
    else:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (data / ".migrating").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
