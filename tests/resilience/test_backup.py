"""Backups of a SQLite database while four kinds of writes are under way."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from app.backup import restore
from devtools.load import Account, stored_agents, writing
from devtools.server import Server
from tests.support.denominators import Report
from tests.support.integrity import problems

FULL = 20


@pytest.mark.thorough("test_backup_has_database_and_manifest")
@pytest.mark.parametrize("shared_portal", ["sqlite"], indirect=True)
def test_a_backup_during_writes_has_all_earlier_ones(
    shared_portal: Server, account: Account, tmp_path: Path, *, full: bool, report: Report
) -> None:
    portal, tried, whole = shared_portal, FULL if full else 2, 0
    with writing(portal, account) as load:
        for number in range(tried):
            load.wait_for(5)
            before = stored_agents(portal.url, account).keys()
            backup = tmp_path / f"backup-{number}.zip"
            portal.flask("backup", str(backup))
            findings = restore.check(backup, portal.environment)
            whole += not findings.problems and before <= _numbers(backup)
    found_after, wrong = load.compare(), problems(portal)
    report(
        "Backup while writes are under way",
        tried=tried,
        survived=whole,
        lost=sum(map(len, found_after.wrong.values())),
        of=found_after.acknowledged,
    )
    assert whole == tried
    assert found_after.wrong == {}
    assert wrong == []
    assert not load.statuses.keys() - {200, 201, 303}


def _numbers(backup: Path) -> set[str]:
    target = backup.with_suffix(".db")
    with zipfile.ZipFile(backup) as file:
        target.write_bytes(file.read("patchbay.db"))
    with closing(sqlite3.connect(target)) as connection:
        return {row[0] for row in connection.execute("SELECT phone_number FROM endpoints")}
