"""Other programs that open and close the database file of a server lose no acknowledged write.

With pysqlite3, and with Python's own sqlite3, which a machine has for which there is no wheel of pysqlite3.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.database import engine
from devtools import processes
from devtools.clients import ApiClient
from devtools.load import Account, ApiWriter, Load, superadmin, writing
from devtools.server import ROOT, Server, flask, free_port, served, with_standard_sqlite
from tests.support.integrity import problems

SECONDS = 60
READERS = 12
"""More in parallel than a worker has connections in the beginning."""

READ = "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]); {}; database.close()"
PROGRAMS = {
    "select": "database.execute('select count(*) from endpoints').fetchall()",
    "backup": "copy = sqlite3.connect(sys.argv[2]); database.backup(copy); copy.close()",
    "vacuum into": "database.execute('vacuum into ?', (sys.argv[2],))",
}
ALREADY_CHECKED = 75
"""`flask check`, when the server is checking the same numbers at that moment."""

COMMANDS = (["prepare"], ["check"], ["audit", "verify"])


@pytest.fixture(params=["pysqlite3", "sqlite3"])
def portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """One with two workers, each with several connections to the database."""
    data = tmp_path / "data"
    data.mkdir()
    settings = with_standard_sqlite(tmp_path) if request.param == "sqlite3" else {}
    with served(data, settings | {"PATCHBAY_WORKERS": "2", "DRIVER": request.param}) as server:
        loaded = ["pysqlite3" in Path(f"/proc/{worker}/maps").read_text() for worker in server.workers()]
        assert loaded == [request.param == "pysqlite3"] * 2
        has_bug = engine.has_wal_bug(sqlite3.sqlite_version_info) and request.param == "sqlite3"
        assert ("sqlite.wal_bug" in server.output()) is has_bug
        yield server


def connections(server: Server, worker: int) -> int:
    """How many descriptors of the database file a worker has."""
    return processes.open_files(worker).count(str(server.data / "patchbay.db"))


def open_several_connections(server: Server, account: Account) -> None:
    """Has both workers answer so many requests in parallel that each opens at least two connections."""
    deadline = time.monotonic() + SECONDS
    while min(connections(server, worker) for worker in server.workers()) < 2:
        assert time.monotonic() < deadline
        threads = [threading.Thread(target=read, args=(server, account)) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def read(server: Server, account: Account) -> None:
    assert ApiClient(server.url, account.token).call("GET", "/api/settings/endpoints").status == 200


def processes_with_locks(file: Path) -> set[int]:
    """Those that hold a POSIX lock on the file, as the kernel lists them."""
    inode = file.stat().st_ino
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(lock[4]) for lock in locks if lock[1] == "POSIX" and lock[5].endswith(f":{inode}")}


@pytest.mark.thorough(
    "test_sqlite_files_keep_their_locks_and_new_ones_have_mode_0600",
    "test_sqlite_settings_and_a_large_wal_shrinks_after_a_checkpoint",
)
def test_another_program_on_the_file_loses_nothing(
    portal: Server, tmp_path: Path, *, full: bool, report: Callable[..., None]
) -> None:
    account, file = superadmin(portal), portal.data / "patchbay.db"
    open_several_connections(portal, account)
    assert processes_with_locks(file) >= set(portal.workers())
    with writing(portal, account, [ApiWriter]) as load:
        for name, program in PROGRAMS.items():
            load.wait_for(3)
            command = [sys.executable, "-c", READ.format(program), str(file), str(tmp_path / f"{name}.db")]
            subprocess.run(command, timeout=SECONDS, check=True)
        if is_standard(portal):
            run_own_commands(portal, load)
        load.wait_for(3)
        portal.kill()
        if full:
            portal.start()
            load.wait_for(1)
    comparison = load.ledger.compare(stored(file))
    tried = len(PROGRAMS) + (len(COMMANDS) + 1) * is_standard(portal)
    report(
        f"another program on the file, {portal.environment['DRIVER']}",
        tried=tried,
        survived=tried,
        lost=len(comparison.lost),
        of=comparison.acknowledged,
    )
    assert comparison.wrong == {}
    assert problems(portal) == []


def stored(file: Path) -> dict[str, str | None]:
    """The inbound agent of every number, as the next program reads it."""
    with closing(sqlite3.connect(file)) as database:
        return dict(database.execute("SELECT phone_number, inbound_agent_name FROM endpoints"))


def is_standard(server: Server) -> bool:
    return server.environment["DRIVER"] == "sqlite3"


def run_own_commands(server: Server, load: Load) -> None:
    """Patchbay's own commands, and a second server, which refuses to start."""
    second = subprocess.Popen(
        flask("serve"),
        cwd=ROOT,
        env={**server.environment, "PATCHBAY_BIND": f"127.0.0.1:{free_port()}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for command in COMMANDS:
        load.wait_for(3)
        done = subprocess.run(
            flask(*command),
            cwd=ROOT,
            env=server.environment,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        expected = {0, ALREADY_CHECKED} if command == ["check"] else {0}
        assert done.returncode in expected, done.stderr
    assert second.wait(SECONDS) == 1
