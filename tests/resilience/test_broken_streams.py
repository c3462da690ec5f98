"""A database that goes away while a list or an export is sent: nobody takes a part for the whole."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from devtools.clients import PortalClient
from devtools.load import Account, superadmin
from devtools.many import fill
from devtools.postgres import Postgres
from devtools.server import Server, served
from tests.support.denominators import Report

ROWS = 60_000
SECONDS = 60
LIST = "/api/settings/endpoints"


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
    found = superadmin(portal)
    fill(portal.environment["DATABASE_URL"], found.slug, ROWS)
    return found


@pytest.fixture(scope="module")
def headers(portal: Server, account: Account) -> dict[str, str]:
    browser = PortalClient(portal.url)
    browser.sign_in(account.email)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {"Authorization": f"Bearer {account.token}", "Cookie": cookies}


@pytest.mark.parametrize("path", [LIST, "/o/acme-support/endpoints.csv"])
def test_a_response_that_cannot_be_ended_is_broken_off(
    portal: Server, headers: dict[str, str], postgres: Postgres, path: str, report: Report
) -> None:
    """The session of the database that reads the rows is ended once the first of them have come."""
    name = make_url(portal.environment["DATABASE_URL"]).database
    connection = http.client.HTTPConnection(urlsplit(portal.url).netloc, timeout=SECONDS)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read(1000)
    with postgres.connect("postgres") as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND query ILIKE '%%fetch forward%%'",
            [name],
        ).fetchall()
    assert ended, "The response was ready before the session could be ended."
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    connection.close()
    report("A database that ends in the middle of a response", tried=1, survived=1)
    again = http.client.HTTPConnection(urlsplit(portal.url).netloc, timeout=SECONDS)
    again.request("GET", path, headers=headers)
    assert again.getresponse().read().count(b"+1555") >= ROWS
    again.close()


def test_it_is_logged_without_its_parameters(portal: Server, headers: dict[str, str]) -> None:
    assert "response.broken_off" in portal.output()
    assert headers["Authorization"] not in portal.output()
