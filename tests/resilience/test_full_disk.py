"""A full disk under the data folder and the log: what is stored stays, and can be read meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg.errors
import pytest
from markupsafe import escape
from sqlalchemy.exc import OperationalError

from app import disk
from devtools.clients import ApiClient, PortalClient
from devtools.load import stored_agents, superadmin
from devtools.many import fill
from devtools.scopes import PASSWORD
from devtools.server import Server, served
from tests.support.disks import FileSizeLimit, Shortage, small_disk
from tests.support.hashing import QUICK_SERVER
from tests.support.integrity import problems

WRITES = 5
DOWNLOADED = 1_500
"""Endpoints: more than the 250 kB that a response may have in memory."""
OF_EVERY_KIND = ("/healthz", "/readyz", "/metrics", "/sign-in", "/api/docs", "/api/openapi.json")
ENDPOINTS = "/api/settings/endpoints"


@pytest.fixture(
    params=[
        "a limit on the size of files",
        pytest.param(
            "a full disk", marks=pytest.mark.thorough("test_on_a_full_disk_writes_are_503_and_reads_go_on")
        ),
    ]
)
def short(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Shortage]]:
    """A server, temporary files included, and what can take its room away. The limit works for every user."""
    data = tmp_path / "data"
    data.mkdir()
    with ExitStack() as stack:
        shortage: Shortage | None = FileSizeLimit()
        if request.param == "a full disk":
            shortage = stack.enter_context(small_disk(data))
        if shortage is None:
            pytest.skip("this user may not mount a file system")
        yield stack.enter_context(served(data, QUICK_SERVER | {"TMPDIR": str(data)})), shortage


def draft(number: int) -> dict[str, str]:
    return {"phone_number": f"+1555000{number:04}", "provider": "twilio", "inbound_agent_name": "agent"}


def test_on_a_full_disk_writes_are_503_and_reads_go_on(
    short: tuple[Server, Shortage], request: pytest.FixtureRequest, report: Callable[..., None]
) -> None:
    server, shortage = short
    account, other = superadmin(server), superadmin(server, "Globex", "other@globex.example")
    api, portal = ApiClient(server.url, account.token), PortalClient(server.url)
    portal.sign_in(account.email)
    acknowledged = [
        number for number in range(WRITES) if api.call("POST", ENDPOINTS, draft(number)).status == 201
    ]
    address, form = portal.form(f"/o/{account.slug}/endpoints/new", "phone_number")
    fill(f"sqlite:///{server.data / 'patchbay.db'}", other.slug, DOWNLOADED)
    downloads = ApiClient(server.url, other.token)
    assert len(downloads.call("GET", ENDPOINTS).json()) == DOWNLOADED
    workers = server.workers()

    shortage.begin(server)
    assert len(downloads.call("GET", ENDPOINTS).json()) == DOWNLOADED
    answer = api.call("POST", "/api/auth/login", {"email": account.email, "password": PASSWORD})
    assert (answer.status, answer.json()["code"]) == (503, "STORAGE_FULL")
    for number in range(100, 100 + WRITES):
        refused = api.call("POST", ENDPOINTS, draft(number))
        assert (refused.status, refused.json()["code"]) == (503, "STORAGE_FULL")
        assert refused.headers["Retry-After"]
    page = portal.post(address, form, draft(200))
    assert page.status == 503
    assert str(escape(refused.json()["error"])) in page.body.decode()
    for path in (ENDPOINTS, "/api/calls/providers"):
        assert api.call("GET", path).status == 200
    for path in OF_EVERY_KIND:
        assert api.send("GET", path).status == 200, path
    for slug in (account.slug, other.slug):
        assert portal.get(f"/o/{slug}/endpoints").status == 200
    assert api.send("GET", "/nowhere").status == 404
    assert server.workers() == workers

    shortage.end(server)
    assert len(downloads.call("GET", ENDPOINTS).json()) == DOWNLOADED
    acknowledged.append(300)
    assert api.call("POST", ENDPOINTS, draft(300)).status == 201
    stored = stored_agents(server.url, account)
    acknowledged_numbers = {draft(number)["phone_number"] for number in acknowledged}
    report(
        request.node.callspec.params["short"],
        tried=2 * WRITES,
        survived=2 * WRITES,
        lost=len(acknowledged_numbers - stored.keys()),
        of=len(acknowledged_numbers),
    )
    assert stored.keys() == acknowledged_numbers
    assert problems(server) == []


@pytest.mark.thorough("test_on_a_full_disk_writes_are_503_and_reads_go_on")
def test_a_command_on_a_full_disk_reports_it(tmp_path: Path) -> None:
    """Not even the shared memory of the write-ahead log fits."""
    data = tmp_path / "data"
    data.mkdir()
    with small_disk(data) as full_disk:
        if full_disk is None:
            pytest.skip("this user may not mount a file system")
        with served(data) as server:
            pass
        with closing(sqlite3.connect(data / "patchbay.db")) as last:
            last.execute("SELECT 1 FROM users")
        full_disk.begin(server)
        with pytest.raises(AssertionError, match="Error: The disk is full"):
            server.flask("check")


@pytest.mark.thorough("test_on_a_full_disk_writes_are_503_and_reads_go_on")
def test_a_log_on_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    with served(tmp_path, log=Path("/dev/full")) as server:
        client = ApiClient(server.url, "")
        assert {client.call("GET", "/api/calls/providers").status for _ in range(200)} == {401}
        server.process.terminate()
        assert server.process.wait(30) == 0


def test_is_full_recognizes_a_full_disk_of_postgresql() -> None:
    assert disk.is_full(OperationalError("INSERT", {}, psycopg.errors.DiskFull()))
    assert not disk.is_full(OperationalError("INSERT", {}, psycopg.errors.AdminShutdown()))
