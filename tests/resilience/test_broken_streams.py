"""The database ends the session in the middle of a list or an export: the connection is broken off."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from psycopg import sql
from sqlalchemy import make_url

from devtools.clients import ApiClient, PortalClient
from devtools.load import Account, superadmin
from devtools.many import fill, fill_audit
from devtools.postgres import Postgres
from devtools.server import Server, served
from tests.support.denominators import Report

ROWS = 60_000
SECONDS = 60
LIST = "/api/settings/endpoints"

pytestmark = pytest.mark.thorough("test_failed_long_response_is_cut_off")


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    with request.getfixturevalue("postgresql_databases").lend() as url:
        yield url


@pytest.fixture(scope="module")
def portal(
    database: str, shared_keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("broken"), shared_keys | {"DATABASE_URL": database}) as server:
        yield server


@pytest.fixture(scope="module")
def account(portal: Server) -> Account:
    dana = superadmin(portal)
    fill(portal.environment["DATABASE_URL"], dana.slug, ROWS)
    return dana


@pytest.fixture(scope="module")
def headers(portal: Server, account: Account) -> dict[str, str]:
    browser = PortalClient(portal.url)
    browser.sign_in(account.email)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {"Authorization": f"Bearer {account.token}", "Cookie": cookies}


@pytest.mark.parametrize(
    "path",
    ["/o/acme-support/endpoints.csv", LIST, "/o/acme-support/audit.csv"],
)
def test_a_response_that_cannot_be_completed_is_broken_off(
    portal: Server,
    account: Account,
    headers: dict[str, str],
    postgres: Postgres,
    *,
    path: str,
    report: Report,
) -> None:
    """The database dies once the beginning has come."""
    if path.endswith("audit.csv"):
        fill_audit(portal.environment["DATABASE_URL"], account.slug, ROWS)
    name = make_url(portal.environment["DATABASE_URL"]).database
    connection = http.client.HTTPConnection(urlsplit(portal.url).netloc, timeout=SECONDS)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read(1000)
    with dead(postgres, str(name)), pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    connection.close()
    report("A database that dies in the middle of a response", tried=1, survived=1)
    again = ApiClient(portal.url, "", seconds=SECONDS)
    deadline = time.monotonic() + SECONDS
    while (answered := again.send("GET", path, headers=headers)).status == 503:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answered.body.count(b"+1555") == ROWS
    assert "response.broken_off" in portal.output()
    assert headers["Authorization"] not in portal.output()


@contextmanager
def dead(postgres: Postgres, name: str) -> Iterator[None]:
    """Ends every session of the database, and allows no new one."""
    allow = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
    with postgres.connect("postgres") as admin:
        admin.execute(sql.SQL(allow).format(sql.Identifier(name), sql.Literal(False)))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            admin.execute(sql.SQL(allow).format(sql.Identifier(name), sql.Literal(True)))
