"""Runs migrations over the application's own engine, one transaction each."""

from __future__ import annotations

from alembic import context
from flask import current_app

from app.models import Base


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect().execution_options(writes=True) as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
