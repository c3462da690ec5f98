"""A fresh, migrated database per test, copied from a template that is migrated once per session."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app import create_app
from app.config import Settings
from app.extensions import db
from tests.support.locks import locked
from tests.support.postgres import Postgres

TEMPLATE = "patchbay_template"

Migrate = Callable[[str], None]


def migrate(environment: Mapping[str, str]) -> None:
    """Brings the database to the newest revision, as an installation does, and lets go of it."""
    app = create_app(Settings.from_environment(environment))
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["prepare"])
        db.session.remove()
        db.engine.dispose()
    assert done.exit_code == 0, done.output


def sqlite_copy(folder: Path, target: Path, migrate: Migrate) -> str:
    """The URL of a new database file `target`."""
    template = folder / "template.db"
    with locked(folder / "sqlite.lock"):
        if not template.exists():
            draft = folder / "draft.db"
            migrate(f"sqlite:///{draft}")
            draft.rename(template)
    shutil.copyfile(template, target)
    return f"sqlite:///{target}"


@contextmanager
def postgresql_copy(postgres: Postgres, migrate: Migrate) -> Iterator[str]:
    """The URL of a new database, which is dropped in the end."""
    with postgres.lock():
        if not postgres.exists(TEMPLATE):
            draft = f"{TEMPLATE}_draft"
            postgres.drop(draft)
            postgres.create(draft)
            migrate(postgres.url(draft))
            postgres.rename(draft, TEMPLATE)
    name = f"test_{uuid.uuid4().hex}"
    postgres.create(name, template=TEMPLATE)
    try:
        yield postgres.url(name)
    finally:
        postgres.drop(name)
