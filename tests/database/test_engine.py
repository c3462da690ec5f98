from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.core.errors import Unavailable
from app.core.sealing import Sealer
from app.database import engine as database_engine
from app.models import Organization
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.scope import Actor, Keys, Scope
from tests.support import cast

pytestmark = pytest.mark.both_databases


def _engine(url):
    engine = create_engine(url, **database_engine.engine_options(url))
    database_engine.prepare(engine)
    return engine


def _acme(session):
    return session.scalars(select(Organization).where(Organization.slug == "acme-support")).one()


@pytest.fixture
def sqlite_engine(sqlite_url):
    engine = _engine(sqlite_url)
    yield engine
    engine.dispose()


def test_sqlite_settings_and_a_large_wal_shrinks_after_a_checkpoint(sqlite_engine, tmp_path):
    with sqlite_engine.connect() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "journal_size_limit")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": database_engine.BUSY_MILLISECONDS,
        "journal_size_limit": database_engine.WAL_BYTES,
    }
    driver = database_engine.engine_options("sqlite://")["module"]
    if driver is not sqlite3:  # pysqlite3 has the fix of the corruption, where it is built for the machine
        assert not database_engine.has_wal_bug(driver.sqlite_version_info)

    wal = tmp_path / "patchbay.db-wal"
    large = text("CREATE TABLE x AS SELECT zeroblob(:size) AS y")
    with sqlite_engine.connect().execution_options(writes=True) as writer:
        with writer.begin():
            writer.execute(large, {"size": 2 * database_engine.WAL_BYTES})
        assert wal.stat().st_size > database_engine.WAL_BYTES
        with writer.begin():
            writer.execute(text("INSERT INTO x VALUES (1)"))
        assert wal.stat().st_size <= database_engine.WAL_BYTES


def test_sqlite_files_keep_their_locks_and_new_ones_have_mode_0600(sqlite_engine, tmp_path):
    """A process that closes any descriptor of a file loses all its locks on it."""
    inode = (tmp_path / "patchbay.db").stat().st_ino
    with sqlite_engine.connect(), sqlite_engine.connect():
        locks = Path("/proc/locks").read_text().splitlines()
    assert [line for line in locks if f" {os.getpid()} " in line and f":{inode} " in line]

    before = os.umask(0o022)
    try:
        folder = tmp_path / "new"
        folder.mkdir()
        engine = _engine(f"sqlite:///{folder / 'new.db'}")
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(text("CREATE TABLE x (y)"))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        engine.dispose()
    finally:
        os.umask(before)
    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}

    with pytest.raises(OperationalError, match="unable to open"):
        _engine(f"sqlite:///{tmp_path / 'nowhere' / 'new.db'}").connect()


def test_writers_begin_immediate_readers_do_not_and_are_not_held_up(sqlite_engine):
    statements: list[str] = []
    with sqlite_engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        driver.set_trace_callback(statements.append)
        connection.execute(text("SELECT 1"))
        connection.rollback()
        with connection.execution_options(writes=True).begin():
            pass
        driver.set_trace_callback(None)
    assert [line for line in statements if line.startswith("BEGIN")] == ["BEGIN", "BEGIN IMMEDIATE"]

    with Session(sqlite_engine) as session:
        cast.write(session)
    writer = sqlite_engine.connect().execution_options(writes=True)
    with writer, writer.begin(), sqlite_engine.connect() as reader:
        writer.execute(text("UPDATE organizations SET name = 'x'"))
        names = reader.execute(text("SELECT DISTINCT name FROM organizations")).scalars()
        assert set(names) == {"Acme Support", "Globex"}


def test_foreign_keys_are_enforced_and_errors_have_no_parameters(database_url):
    engine = _engine(database_url)
    insert = text(
        "INSERT INTO api_tokens (id, user_id, name, scopes, created_at, expires_at) "
        "VALUES ('1', 'unknown', 'x', '', '2026-01-01', '2026-01-01')"
    )
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert)
    engine.dispose()

    engine = _engine(database_url)
    with pytest.raises(Exception, match="no_such_table") as failed, engine.connect() as connection:
        connection.execute(text("SELECT :value FROM no_such_table"), {"value": "canary"})
    assert "canary" not in str(failed.value)
    engine.dispose()


def test_has_table_is_known_of_a_database_that_is_reached(database_url, tmp_path):
    assert database_engine.has_table(database_url, "installation")
    assert not database_engine.has_table(database_url, "no_such_table")
    assert not database_engine.has_table(f"sqlite:///{tmp_path}/nowhere.db", "installation")
    assert not (tmp_path / "nowhere.db").exists()

    with pytest.raises(Unavailable):
        database_engine.has_table("postgresql+psycopg://127.0.0.1:1/patchbay", "installation")


ROUNDS = 15


def _write(url, key, barrier, answers):
    engine = _engine(url)
    try:
        with Session(engine, expire_on_commit=False) as session:
            organization = session.scalars(
                select(Organization).where(Organization.slug == "acme-support")
            ).one()
            scope = Scope(session, organization, Actor(name="tests"), Keys(Sealer([key]), ()))
            barrier.wait(30)
            for _ in range(ROUNDS):
                with scope.transaction():
                    organization.name = str(int(organization.name) + 1)
                    log.record(scope, Action.CONNECTION_TESTED, "x")
        answers.put("done")
    except Exception as error:  # noqa: BLE001 (the answer)
        answers.put(repr(error))
    finally:
        engine.dispose()


def test_concurrent_writers_lose_no_update(database_url, shared_keys):
    """On SQLite: no "database is locked"; on both, no update is lost."""
    engine = _engine(database_url)
    with Session(engine) as session:
        cast.write(session).acme.name = "0"
        session.commit()
    engine.dispose()
    context = multiprocessing.get_context("fork")
    total = 3
    barrier, answers = context.Barrier(total), context.Queue()
    arguments = (database_url, shared_keys["PATCHBAY_FERNET_KEYS"], barrier, answers)
    processes = [context.Process(target=_write, args=arguments) for _ in range(total)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == ["done"] * total
    for process in processes:
        process.join(30)
    with Session(_engine(database_url)) as session:
        acme = _acme(session)
        assert (acme.name, acme.revision) == (str(total * ROUNDS), total * ROUNDS)


def test_reader_that_writes_late_or_does_not_wait_is_rejected(sqlite_engine):
    """Why writers say so at their beginning: SQLite cannot wait for this one."""
    with Session(sqlite_engine) as session:
        cast.write(session)
    update = text("UPDATE organizations SET name = 'x'")
    with sqlite_engine.connect() as late:
        late.execute(text("SELECT * FROM organizations")).all()
        with sqlite_engine.connect().execution_options(writes=True) as other, other.begin():
            other.execute(update)
        with pytest.raises(OperationalError):
            late.execute(update)

    writer = sqlite_engine.connect().execution_options(writes=True)
    hurried = sqlite_engine.connect().execution_options(writes=True, waits=False)
    with writer, hurried:
        with writer.begin(), pytest.raises(OperationalError, match="locked"):
            hurried.begin()
        timeout = hurried.connection.dbapi_connection.execute("PRAGMA busy_timeout").fetchone()
    assert timeout == (database_engine.BUSY_MILLISECONDS,)
