"""Backups of a real installation, checked and put in place again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select, update

from app import context, create_app, serving
from app.backup import make, restore
from app.backup.cli import is_restore
from app.config import KEY_FILES, Settings, SettingsError
from app.core import archive
from app.core.archive import ArchiveError
from app.database import migrate as database_migrate
from app.extensions import db
from app.models import Installation, Secret
from app.services.audit import integrity
from app.services.installation import setup
from app.services.scope import Actor
from devtools.server import clean_environment
from tests.support import cli
from tests.support.caller import Caller
from tests.support.canary import found_in
from tests.support.cast import Cast, issue
from tests.support.commands import Commands, Done
from tests.support.full_organization import Furnished, Written
from tests.support.rows import audit, dump

TELEPHONY = "/api/settings/telephony"
UNTOLD = ("audit_events", "audit_chains", "installation")
"""Where a backup is recorded after it was made."""


@pytest.fixture
def cast(here: Furnished) -> Cast:
    return here.cast


Run = Callable[..., Done]


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    return partial(cli.run, environment)


def back_up(app: Flask, path: Path, *, with_keys: bool = True, replaces: bool = False) -> Path:
    with app.app_context():
        make.make(context.scope(Actor(name="tests")), path, with_keys=with_keys, replaces=replaces)
    return path


@pytest.fixture
def backup(app: Flask, here: Furnished, tmp_path: Path) -> Path:
    return back_up(app, tmp_path / "backup.zip")


@pytest.fixture(scope="module")
def archived(
    written: Written, shared_keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """A backup, made once for the tests that need no more than one."""
    folder = tmp_path_factory.mktemp("archived")
    shutil.copyfile(written[0], folder / "patchbay.db")
    with started(shared_keys | {"PATCHBAY_DATA": str(folder)}) as app:
        return back_up(app, folder / "backup.zip").read_bytes()


@pytest.fixture
def ready_made(archived: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "ready-made.zip"
    path.write_bytes(archived)
    return path


@pytest.fixture
def target(tmp_path: Path) -> dict[str, str]:
    """The settings of another machine, which is empty."""
    return {"PATCHBAY_DATA": str(tmp_path / "target")}


@contextmanager
def started(settings: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Settings.from_environment(settings))
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def sealed(keys: dict[str, str]) -> dict[str, str]:
    return {name: keys[name] for name in KEY_FILES}


# Making one


def test_backup_has_database_and_manifest(
    app: Flask, cast: Cast, tmp_path: Path, run: Run, *, starting: Commands, environment: dict[str, str]
) -> None:
    path = tmp_path / "backup.zip"
    before = dump(app)
    done = run("backup", str(path))
    assert (done.code, done.err) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o600
    with archive.open_archive(path) as opened_backup:
        manifest = opened_backup.manifest
        assert opened_backup.keys() == {}
    assert manifest.database.rows == {name: len(rows) for name, rows in before.items()}
    assert (manifest.secrets.unopened, manifest.keys.included) == (0, False)
    with app.app_context():
        assert manifest.secrets.stored == len(db.session.scalars(select(Secret)).all()) + 3
        assert db.session.get_one(Installation, 1).backed_up_at is not None
    assert audit(app)[-1].action == "backup.made"
    assert [path.name for path in tmp_path.glob(".backup*")] == []

    assert run("backup", str(path)).code == 1
    assert run("backup", str(path), "--replace").code == 0
    assert run("backup", str(tmp_path / "nowhere" / "backup.zip")).code == 1
    settings = clean_environment() | environment
    assert starting.run("restore", str(path), "--check", environment=settings).code == 0


def test_backup_has_keys_only_on_request(
    app: Flask, here: Furnished, tmp_path: Path, shared_keys: dict[str, str]
) -> None:
    secrets = {**here.secrets, **shared_keys}

    def leaked(path: Path) -> list[str]:
        with zipfile.ZipFile(path) as file:
            return found_in(b"".join(map(file.read, file.namelist())), secrets)

    assert leaked(back_up(app, tmp_path / "without.zip", with_keys=False)) == []
    assert sorted(leaked(back_up(app, tmp_path / "with.zip"))) == sorted(shared_keys)


def test_backup_never_overwrites_the_installation_and_removes_what_is_left(
    app: Flask, here: Furnished, tmp_path: Path, target: dict[str, str]
) -> None:
    """Of a backup, or of a restoration, that was killed."""
    (tmp_path / "link").symlink_to(tmp_path / "patchbay.db")
    for name in ("patchbay.db", "patchbay.db-wal", "link"):
        with pytest.raises(ArchiveError, match="installation itself"):
            back_up(app, tmp_path / name, replaces=True)
    with app.app_context():
        assert len(db.session.scalars(select(Installation)).all()) == 1
    path = tmp_path / "backup.zip"
    for name in (".backup.zip.partial", ".backup.zip.db"):
        (tmp_path / name).write_bytes(b"x" * 100_000)
    back_up(app, path)
    assert list(tmp_path.glob(".backup*")) == []
    leftover = Path(target["PATCHBAY_DATA"]) / ".restore-left"
    leftover.mkdir(parents=True)
    restore.restore(path, target, replaces=False)
    assert not leftover.exists()
    with archive.atomic_write(path, replaces=True), pytest.raises(ArchiveError, match="Another process"):
        back_up(app, path, replaces=True)


def test_backup_that_is_stopped_leaves_no_file(
    app: Flask, here: Furnished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(archive, "size_and_digest", stop)
    before = set(tmp_path.iterdir())
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with app.app_context():
            done = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "backup.zip")])
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert done.exit_code == 143
    assert set(tmp_path.iterdir()) == before


# Restoring it


def test_restore_on_another_machine(
    app: Flask, cast: Cast, tmp_path: Path, target: dict[str, str], starting: Commands
) -> None:
    token = issue(app, cast.dana, secrets=True).jwt
    fresh = back_up(app, tmp_path / "fresh.zip")
    expected = Caller(app, token).get(TELEPHONY)
    done = starting.run("restore", str(fresh), environment=clean_environment() | target)
    assert (done.code, done.err) == (0, "")
    folder = Path(target["PATCHBAY_DATA"])
    assert {path.name for path in folder.glob("*.key*")} == set(KEY_FILES.values())
    for path in [*folder.glob("*.key*"), folder / "patchbay.db"]:
        assert path.stat().st_mode & 0o777 == 0o600
    with started(target) as other:
        assert other.test_client().get("/readyz").status_code == 200
        answer = Caller(other, token).get(TELEPHONY)
        assert (answer.status_code, answer.get_json()) == (200, expected.get_json())
        assert dump(other, but=(*UNTOLD, "api_tokens")) == dump(app, but=(*UNTOLD, "api_tokens"))
        assert "backup.restored" in [event.action for event in audit(other)]
    assert starting.run("audit", "verify", environment=clean_environment() | target).code == 0


def test_restore_uses_given_keys(
    app: Flask, here: Furnished, tmp_path: Path, target: dict[str, str], shared_keys: dict[str, str]
) -> None:
    backup = back_up(app, tmp_path / "backup.zip", with_keys=False)
    another = sealed(shared_keys) | {"PATCHBAY_FERNET_KEYS": Fernet.generate_key().decode()}
    folder = Path(target["PATCHBAY_DATA"])
    with pytest.raises(ArchiveError, match="PATCHBAY_SECRET_KEY"):
        restore.restore(backup, target, replaces=False)
    with pytest.raises(ArchiveError, match="PATCHBAY_FERNET_KEYS"):
        restore.restore(backup, target | another, replaces=False)
    assert restore.check(backup, target | another).problems
    with pytest.raises(SettingsError, match="PATCHBAY_JWT_KEYS"):
        restore.check(backup, target | sealed(shared_keys) | {"PATCHBAY_JWT_KEYS": "short"})
    assert [path.name for path in folder.iterdir()] == [".serving"], "nothing was restored"

    done = restore.restore(backup, target | sealed(shared_keys), replaces=False)
    assert (done.findings.unopened, done.findings.notes, done.aside) == (0, [], None)
    assert not list(folder.glob("*.key*")), "the environment has them"

    keys = sealed(shared_keys) | {"PATCHBAY_SECRET_KEY": secrets.token_urlsafe(48)}
    findings = restore.check(backup, target | keys)
    assert (len(findings.notes), findings.problems) == (1, [])
    assert findings.notes[0].startswith("PATCHBAY_SECRET_KEY")


def test_restore_replaces_on_request_and_keeps_a_copy(
    app: Flask, here: Furnished, backup: Path, environment: dict[str, str], shared_keys: dict[str, str]
) -> None:
    """A later write is in the former database, whose WAL it still was in."""
    settings = {name: value for name, value in environment.items() if name not in KEY_FILES}
    folder = Path(environment["PATCHBAY_DATA"])
    (folder / "fernet.keys").write_text("another key\n")
    before = dump(app)
    with app.app_context():
        db.session.execute(update(Installation).values(setup_token_hash="later"))
        db.session.commit()
    with pytest.raises(ArchiveError, match="--replace"):
        restore.restore(backup, settings, replaces=False)
    with pytest.raises(ArchiveError, match="in use by another program"):
        restore.restore(backup, settings, replaces=True)
    assert (folder / "fernet.keys").read_text() == "another key\n"
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    done = restore.restore(backup, settings, replaces=True)
    assert done.aside
    assert {path.name for path in done.aside.iterdir()} == {"patchbay.db", "fernet.keys"}
    with closing(sqlite3.connect(done.aside / "patchbay.db")) as former:
        assert former.execute("SELECT setup_token_hash FROM installation").fetchone() == ("later",)
    with started(settings) as other:
        assert dump(other, but=UNTOLD) == {n: rows for n, rows in before.items() if n not in UNTOLD}


def test_restore_requires_a_stopped_server_and_sqlite(ready_made: Path, target: dict[str, str]) -> None:
    """Whatever stands before `restore` on the command line."""
    with serving.alone(Path(target["PATCHBAY_DATA"])), pytest.raises(serving.InUse):
        restore.restore(ready_made, target, replaces=True)
    with pytest.raises(ArchiveError, match="move-database"):
        restore.restore(ready_made, target | {"DATABASE_URL": "postgresql://nowhere/x"}, replaces=True)
    assert is_restore(["flask", "--app", "wsgi", "restore", "x", "--check"])
    assert is_restore(["/x/__main__.py", "-A", "wsgi", "--debug", "restore", "x"])
    for arguments in (["--app", "wsgi", "users", "create", "--name", "restore"], ["--listener", "7"], []):
        assert not is_restore(["flask", *arguments])


OTHERS = pytest.mark.thorough("test_restore_replaces_a_damaged_installation")


@pytest.mark.parametrize(
    "damage",
    ["cut", *(pytest.param(damage, marks=OTHERS) for damage in ("no keys", "no database", "rubbish"))],
)
def test_restore_replaces_a_damaged_installation(
    ready_made: Path, tmp_path: Path, sqlite_url: str, starting: Commands, damage: str
) -> None:
    database = tmp_path / "patchbay.db"
    if damage == "no database":
        database.unlink()
    elif damage == "rubbish":
        database.write_bytes(b"rubbish" * 1000)
        (tmp_path / "patchbay.db-wal").write_bytes(b"rubbish" * 1000)
    elif damage == "cut":
        database.write_bytes(database.read_bytes()[:50_000])
    settings = clean_environment() | {"PATCHBAY_DATA": str(tmp_path)}
    assert damage == "no database" or starting.run("audit", "verify", environment=settings).code != 0
    done = starting.run("restore", str(ready_made), "--replace", environment=settings)
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
    assert starting.run("audit", "verify", environment=settings).code == 0


# Looking at it


def run_sql(connection: sqlite3.Connection, *, sql: str) -> None:
    connection.execute(sql)


def altered(backup: Path, change: Callable[[sqlite3.Connection], Any], **manifest: Any) -> Path:
    """The archive with another database in it, and a manifest that fits."""
    with zipfile.ZipFile(backup) as file:
        members = {name: file.read(name) for name in file.namelist()}
    database = backup.with_suffix(".db")
    database.write_bytes(members["patchbay.db"])
    with closing(sqlite3.connect(database)) as connection:
        change(connection)
        connection.commit()
    changed = json.loads(members["manifest.json"]) | manifest
    changed["database"]["size"], changed["database"]["sha256"] = archive.size_and_digest(database)
    members |= {"manifest.json": json.dumps(changed).encode(), "patchbay.db": database.read_bytes()}
    path = backup.with_name("altered.zip")
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_restore_rejects_a_tampered_or_newer_database(
    ready_made: Path, target: dict[str, str], subtests: pytest.Subtests
) -> None:
    for sql, word in [
        ("UPDATE audit_events SET subject = 'x' WHERE id = 1", "Event 1"),
        ("DELETE FROM audit_events WHERE id = (SELECT max(id) FROM audit_events)", "manifest"),
        ("DELETE FROM api_tokens", "manifest"),
        ("UPDATE secrets SET sealed = 'x' WHERE provider = 'vobiz'", "secrets do not open"),
        ("UPDATE users SET totp_sealed = 'x' WHERE totp_sealed IS NOT NULL", "secrets do not open"),
        ("UPDATE installation SET key_check = 'x'", "keys"),
        ("UPDATE endpoints SET organization_id = 'x'", "refers to nothing"),
        ("CREATE TRIGGER evil AFTER INSERT ON users BEGIN DELETE FROM users; END", "does not belong"),
        ("DROP TABLE calls", "damaged"),
    ]:
        with subtests.test(sql=sql):
            path = altered(ready_made, partial(run_sql, sql=sql))
            with pytest.raises(ArchiveError, match=word):
                restore.restore(path, target, replaces=True)
            assert not (Path(target["PATCHBAY_DATA"]) / "patchbay.db").exists()
    path = altered(
        ready_made, lambda c: c.execute("UPDATE alembic_version SET version_num = '9999'"), migration="9999"
    )
    (problem,) = restore.check(path, target).problems
    assert "9999" in problem


def test_restore_upgrades_an_older_version(
    app: Flask, here: Furnished, tmp_path: Path, target: dict[str, str]
) -> None:
    with app.app_context():
        flask_migrate.downgrade(revision="0007")
        db.session.remove()
    backup = back_up(app, tmp_path / "backup.zip")
    with archive.open_archive(backup) as opened_backup:
        assert opened_backup.manifest.migration == "0007"
    restore.restore(backup, target, replaces=False)
    with started(target) as other, other.app_context():
        assert database_migrate.are_current(db.engine)
        assert integrity.problems(db.session(), context.keys().sealer) == []


def test_restore_accepts_secrets_unreadable_before(
    app: Flask, here: Furnished, tmp_path: Path, target: dict[str, str], starting: Commands
) -> None:
    with app.app_context():
        db.session.execute(update(Secret).where(Secret.provider == "vobiz").values(sealed="broken"))
        db.session.commit()
        assert setup.sealed_counts(context.scope(Actor(name="tests")))[1] == 1
    backup = back_up(app, tmp_path / "backup.zip")
    findings = restore.check(backup, target)
    assert (findings.problems, findings.unopened) == ([], 1)
    checked = starting.run("restore", str(backup), "--check", environment=clean_environment() | target)
    assert checked.code == 1
    assert restore.restore(backup, target, replaces=False).findings.unopened == 1


# PostgreSQL


def test_backup_of_postgresql_names_pg_dump(
    tmp_path: Path, postgresql_url: str, shared_keys: dict[str, str], starting: Commands
) -> None:
    url = postgresql_url.replace("://postgres:", "://postgres:my-database-password")
    data = tmp_path / "data"
    settings = clean_environment() | shared_keys | {"DATABASE_URL": url, "PATCHBAY_DATA": str(data)}
    path = tmp_path / "backup.zip"
    done = starting.run("backup", str(path), "--with-keys", environment=settings)
    assert done.code == 0, done.err
    assert "pg_dump" in done.out
    assert "my-database-password" not in done.out
    with zipfile.ZipFile(path) as file:
        assert b"my-database-password" not in b"".join(map(file.read, file.namelist()))
    target = clean_environment() | {"PATCHBAY_DATA": str(tmp_path / "target")}
    assert starting.run("restore", str(path), "--check", environment=target).code == 0
    done = starting.run("restore", str(path), environment=target)
    assert (done.code, "pg_restore" in done.out) == (0, True)
    for setting, name in KEY_FILES.items():
        assert (tmp_path / "target" / name).read_text().strip() == shared_keys[setting]
