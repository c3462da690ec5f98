"""A PostgreSQL that is stopped, killed or frozen under load: requests get 503, and nothing is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from devtools.clients import ApiClient, PortalClient
from devtools.load import Account, ApiWriter, FormWriter, superadmin, writing
from devtools.scopes import PASSWORD
from devtools.server import Server, served
from tests.conftest import NOWHERE
from tests.support.denominators import Report
from tests.support.outages import Postgres

KINDS = ["fast", "immediate", "kill"]
PATHS = ["/api/calls/providers", "/api/settings/endpoints?limit=1", "/o/acme-support/endpoints", "/account"]
SECONDS = 25
"""More than a request waits for a frozen server."""


pytestmark = pytest.mark.thorough(
    "test_outage_ends_with_the_first_connection",
    "test_outage_tries_one_connection_at_a_time",
    "test_silent_server_times_out",
    "test_unreachable_database_is_503",
)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def portal(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"DATABASE_URL": own_postgres.url, "PATCHBAY_WORKERS": "2", "PATCHBAY_UPSTREAMS": NOWHERE}
    with served(tmp_path_factory.mktemp("outage"), settings) as server:
        yield server


@pytest.fixture(scope="module")
def account(portal: Server) -> Account:
    return superadmin(portal)


@pytest.fixture
def many(full: bool, report: Report) -> tuple[int, Report]:
    """How often to try a fault, and where to report it."""
    return 5 if full else 1, report


@pytest.mark.parametrize("how", KINDS)
def test_a_restart_is_503_and_loses_nothing(
    account: Account, portal: Server, own_postgres: Postgres, how: str, many: tuple[int, Report]
) -> None:
    rounds, report = many
    before = len(portal.output())
    with writing(portal, account, [ApiWriter, ApiWriter, FormWriter], first=10 * KINDS.index(how)) as load:
        for _ in range(rounds):
            load.wait_for(5)
            own_postgres.stop(how)
            aim = load.statuses[503] + 10
            while load.statuses[503] < aim:
                time.sleep(0.02)
            own_postgres.start()
        load.wait_for(5)
    comparison = load.compare()
    unexpected = {status: n for status, n in load.statuses.items() if status >= 500 and status != 503}
    report(
        f"PostgreSQL stopped ({how}) and started under load",
        tried=rounds,
        survived=rounds if not unexpected and not load.unanswered else 0,
        lost=len(comparison.lost),
        of=load.ledger.acknowledged,
    )
    assert not unexpected
    assert load.unanswered == 0
    assert not comparison.lost
    # A worker knows that it is over when it gets the next request.
    _wait_until(lambda: _outages(portal, before)[0] == _outages(portal, before)[1])
    assert "Traceback" not in portal.output()[before:]
    assert _outages(portal, before)[0] <= 2 * rounds, "Each of two workers logs an outage once."


def _outages(portal: Server, before: int) -> tuple[int, int]:
    """Returns how many outages were logged, and how many ends."""
    log = portal.output()[before:]
    return log.count('"database.unavailable"'), log.count('"database.available"')


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_with_a_frozen_database_requests_end_in_time(
    portal: Server, account: Account, own_postgres: Postgres, report: Report
) -> None:
    """Each client gives up before a server that waits for the database would respond."""
    browser = PortalClient(portal.url)
    login = {"email": account.email, "password": PASSWORD}
    # A worker may still refuse for a moment after the outages above.
    _wait_until(lambda: browser.submit("/sign-in", "password", login).status == 303)
    headers = browser._headers() | {"Authorization": f"Bearer {account.token}"}

    def get(path: str) -> int:
        client = ApiClient(portal.url, account.token, seconds=SECONDS)
        status = client.send("GET", path, headers=headers).status
        client.close()
        return status

    paths = PATHS * 10
    with ThreadPoolExecutor(len(paths)) as threads:
        _wait_until(lambda: set(threads.map(get, paths)) == {200})
        with own_postgres.frozen():
            statuses = Counter(threads.map(get, paths))
            while_it_lasts = Counter(threads.map(get, paths))
        _wait_until(lambda: get(PATHS[0]) == 200)
    unexpected = sum(n for status, n in (statuses + while_it_lasts).items() if status not in (200, 503))
    report("Requests while PostgreSQL is frozen", tried=2 * len(paths), survived=2 * len(paths) - unexpected)
    assert set(statuses) <= {200, 503}
    assert set(while_it_lasts) <= {200, 503}
    assert statuses[503] >= 30
    assert get("/healthz") == 200
    assert "database.unavailable" in portal.output()
