"""Pages are tested on SQLite alone: what differs between databases is the services' business.

Each test starts from a copy of a database in which the cast has signed in, through the form, once.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
import structlog
from flask import Flask

from app.core import clock
from app.extensions import db
from devtools import databases
from tests.support.apps import emptied, filling
from tests.support.cast import Cast, assemble
from tests.support.full_organization import Furnished, furnish
from tests.support.pages import Portal


@dataclass(frozen=True)
class SignedIn:
    file: Path
    cast: Cast
    cookies: dict[str, str]


@pytest.fixture(scope="session")
def signed_in(
    shared: Path,
    shared_keys: dict[str, str],
    migrate: databases.Migrate,
    tmp_path_factory: pytest.TempPathFactory,
) -> SignedIn:
    file = tmp_path_factory.mktemp("cast") / "patchbay.db"
    databases.sqlite_copy(shared, file, migrate)
    cookies = {}
    with filling(file, shared_keys) as app:
        cast = assemble(app)
        for person in (cast.dana, cast.mo, cast.gus):
            portal = Portal(app)
            portal.sign_in(person.email)
            cookies[person.id] = portal.cookie
    return SignedIn(file, cast, cookies)


def _seen_just_now(file: Path) -> None:
    """No session is older than its test, however long the tests take."""
    with closing(sqlite3.connect(file)) as connection, connection:
        now = str(clock.now())
        connection.execute("UPDATE sessions SET created_at=?, last_seen_at=?, confirmed_at=?", (now,) * 3)


@pytest.fixture
def data_folder(kept_data: Path) -> Path:
    return emptied(kept_data)


@pytest.fixture
def database_url(signed_in: SignedIn, data_folder: Path) -> str:
    target = data_folder / "patchbay.db"
    shutil.copyfile(signed_in.file, target)
    _seen_just_now(target)
    return f"sqlite:///{target}"


@pytest.fixture(scope="session")
def furnished(
    signed_in: SignedIn, shared_keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Furnished]:
    """A database with one of everything, and what there is."""
    file = tmp_path_factory.mktemp("furnished") / "patchbay.db"
    shutil.copyfile(signed_in.file, file)
    with filling(file, shared_keys) as app:
        return file, furnish(app, signed_in.cast)


@pytest.fixture
def here(app: Flask, data_folder: Path, furnished: tuple[Path, Furnished]) -> Furnished:
    """Acme Support has one of everything."""
    with app.app_context():
        db.engine.dispose()
    file, here = furnished
    target = data_folder / "patchbay.db"
    shutil.copyfile(file, target)
    _seen_just_now(target)
    return here


@pytest.fixture
def cast(signed_in: SignedIn) -> Cast:
    return signed_in.cast


@pytest.fixture
def logged(app: Flask) -> Iterator[StringIO]:
    """Fills up with the lines of the log."""
    written = StringIO()
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler)
        and isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    ]
    usual = [handler.setStream(written) for handler in handlers]
    yield written
    for handler, stream in zip(handlers, usual, strict=True):
        handler.setStream(stream)


@pytest.fixture
def anonymous(app: Flask) -> Portal:
    return Portal(app)


@pytest.fixture
def dana(app: Flask, signed_in: SignedIn) -> Portal:
    """A superadmin of Acme Support, signed in."""
    return Portal(app, cookie=signed_in.cookies[signed_in.cast.dana.id])


@pytest.fixture
def gus(app: Flask, signed_in: SignedIn) -> Portal:
    """A superadmin of Globex, signed in."""
    return Portal(app, cookie=signed_in.cookies[signed_in.cast.gus.id])


@pytest.fixture
def mo(app: Flask, signed_in: SignedIn) -> Portal:
    """A member of Acme Support, signed in."""
    return Portal(app, cookie=signed_in.cookies[signed_in.cast.mo.id])
