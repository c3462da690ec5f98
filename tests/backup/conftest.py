"""An installation on SQLite that has one of everything: written once, and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Installation
from devtools.databases import Migrate, sqlite_copy
from tests.support.apps import filling
from tests.support.cast import assemble
from tests.support.commands import Commands
from tests.support.full_organization import Furnished, furnish

Written = tuple[Path, Furnished]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture(scope="session")
def written(
    shared: Path, shared_keys: dict[str, str], migrate: Migrate, tmp_path_factory: pytest.TempPathFactory
) -> Written:
    """The database to copy, and what is in it."""
    path = tmp_path_factory.mktemp("written") / "patchbay.db"
    sqlite_copy(shared, path, migrate)
    with filling(path, shared_keys) as app:
        return path, furnish(app, assemble(app))


@pytest.fixture
def here(app: Flask, written: Written, tmp_path: Path) -> Furnished:
    """In use: its write-ahead log is open."""
    database, found = written
    with app.app_context():
        db.engine.dispose()
        shutil.copyfile(database, tmp_path / "patchbay.db")
        db.session.scalar(select(Installation.id))
        db.session.remove()
    return found


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("commands"))
