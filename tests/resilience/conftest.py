"""Faults, tried against a served Patchbay. `make test` tries each a few times, `make resilience` often.

Each test reports how often it tried a fault, how often that was survived, and how much was lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NOWHERE
from tests.support.databases import Databases, Migrate, sqlite_copy
from tests.support.load import Account, superadmin
from tests.support.server import Server, served

TWO = {"PATCHBAY_WORKERS": "2", "PATCHBAY_UPSTREAMS": NOWHERE}


@pytest.fixture
def portal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Server]:
    """A Patchbay with two workers, of this test alone, on SQLite and on PostgreSQL in turn."""
    with served(tmp_path, environment | TWO) as server:
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_portal(
    request: pytest.FixtureRequest,
    shared: Path,
    shared_keys: dict[str, str],
    migrate: Migrate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """One for all tests that do it no harm, on each database: they bring organizations of their own."""
    data = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        url = sqlite_copy(shared, data / "patchbay.db", migrate)
        with served(data, shared_keys | TWO | {"DATABASE_URL": url}) as server:
            yield server
    else:
        databases: Databases = request.getfixturevalue("postgresql_databases")
        with (
            databases.lend() as url,
            served(data, shared_keys | TWO | {"DATABASE_URL": url}) as server,
        ):
            yield server


@pytest.fixture
def account(shared_portal: Server) -> Account:
    """A superadmin of an organization that this test has to itself."""
    name = f"acme-{uuid.uuid4().hex[:8]}"
    return superadmin(shared_portal, name, f"{name}@acme.example")
