"""`flask prepare` gets SIGKILL at each step of bringing an old database up to date."""

from __future__ import annotations

import signal
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import text

from app.database import migrate
from app.extensions import db
from devtools.server import clean_environment
from tests.support.cast import assemble
from tests.support.commands import Commands
from tests.support.denominators import Report

OLDEST = "0001"
EVERY = 20
"""So many steps from one kill to the next in `make test-all`."""
ROWS = "SELECT id, name FROM organizations UNION SELECT id, email FROM users ORDER BY 1"


@pytest.mark.thorough(
    "test_prepare_upgrades_an_older_version_and_its_audit_verifies",
    "test_migrations_match_the_models_and_keep_rows_of_recreated_tables",
)
def test_an_upgrade_killed_at_any_step_is_finished_next_time(
    app: Flask, environment: dict[str, str], tmp_path: Path, full: bool, report: Report
) -> None:
    """A migration that was cut off left nothing: the next run begins it from where it began."""
    assemble(app)
    with app.app_context():
        flask_migrate.downgrade(directory=str(migrate.MIGRATIONS), revision=OLDEST)
        before = [tuple(row) for row in db.session.execute(text(ROWS))]
        db.session.remove()
    tried, step, revision = 0, 1, OLDEST
    settings = clean_environment() | environment
    while (done := Commands(tmp_path).run("prepare", environment=settings, die_at=step)).code:
        assert done.code == -signal.SIGKILL, f"step {step} after {revision}: {done.err}"
        tried += 1
        reached = _revision(app)
        step = 1 if full and reached != revision else step + (1 if full else EVERY)
        revision = reached
    with app.app_context():
        assert migrate.are_current(db.engine)
        assert [tuple(row) for row in db.session.execute(text(ROWS))] == before
    report("SIGKILL of an upgrade at each step", tried=tried, survived=tried)
    assert tried >= 3


def _revision(app: Flask) -> str:
    with app.app_context():
        revision: str = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        db.session.remove()
    return revision
