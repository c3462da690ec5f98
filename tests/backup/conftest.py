"""An installation on SQLite that has one of everything: written once, and copied for each test."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Installation
from tests.support.commands import Commands
from tests.support.full_organization import Furnished, Written, put_in_place


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def here(app: Flask, written: Written) -> Furnished:
    """In use: its write-ahead log is open."""
    furnished = put_in_place(app, written)
    with app.app_context():
        db.session.scalar(select(Installation.id))
        db.session.remove()
    return furnished


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("commands"))
