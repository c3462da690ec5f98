"""Faults, tried against a served Patchbay. `make test` tries each a few times, `make resilience` often.

Each test reports how often it tried a fault, how often that was survived, and how much was lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devtools.databases import Databases, Migrate, sqlite_copy
from devtools.load import Account, superadmin
from devtools.server import Server, served
from tests.resilience.checks import HeldTwilio
from tests.support.hashing import QUICK_SERVER

TWO_WORKERS = {"PATCHBAY_WORKERS": "2"}


@pytest.fixture
def portal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Server]:
    """A Patchbay with two workers, of this test alone, on SQLite and on PostgreSQL in turn."""
    with served(tmp_path, environment | TWO_WORKERS | QUICK_SERVER) as server:
        yield server


@pytest.fixture(scope="session")
def twilio() -> Iterator[HeldTwilio]:
    """What the shared portals take for Twilio; there is no other provider."""
    with HeldTwilio() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def shared_settings(twilio: HeldTwilio, shared_keys: dict[str, str]) -> dict[str, str]:
    upstreams = ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())
    return shared_keys | TWO_WORKERS | {"PATCHBAY_UPSTREAMS": upstreams}


ON_POSTGRESQL = pytest.mark.thorough(
    "test_response_follows_every_commit", "test_concurrent_edits_of_one_version_refuse_one"
)


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=ON_POSTGRESQL)])
def shared_portal(
    request: pytest.FixtureRequest,
    shared: Path,
    shared_settings: dict[str, str],
    migrate: Migrate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """One for all tests that do it no harm, on each database: they bring organizations of their own."""
    data = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = sqlite_copy(shared, data / "patchbay.db", migrate)
        else:
            databases: Databases = request.getfixturevalue("postgresql_databases")
            url = stack.enter_context(databases.lend())
        yield stack.enter_context(served(data, shared_settings | {"DATABASE_URL": url}))


@pytest.fixture
def account(shared_portal: Server) -> Account:
    """A superadmin of an organization that this test has to itself."""
    name = f"acme-{uuid.uuid4().hex[:8]}"
    return superadmin(shared_portal, name, f"{name}@acme.example")
