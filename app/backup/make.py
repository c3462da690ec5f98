"""Makes one consistent archive of an installation while the portal serves."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from sqlalchemy import Connection, create_engine, func, inspect, make_url, select, text

from app import context
from app.config import KEY_FILES, Settings
from app.core import archive, clock, sealing
from app.core.archive import ArchiveError, Manifest
from app.database import engine as database_engine
from app.database import migrate
from app.database.engine import sqlite
from app.models import Base, Installation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.installation import setup
from app.services.scope import Scope

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def make(scope: Scope, path: Path, *, with_keys: bool, replaces: bool) -> Manifest:
    """Writes the archive, records that in the audit, and returns the manifest.

    A PostgreSQL database is not in the archive. If the schema is not this version's, nothing is recorded.
    Raises ArchiveError, and leaves no file.
    """
    settings = context.settings()
    _refuse_own_file(path, settings)
    if not inspect(context.engine()).has_table(Installation.__tablename__):
        raise ArchiveError("There is no installation here yet.")
    with archive.atomic_write(path, replaces=replaces) as file, _snapshot(path, settings) as copy:
        with _connected(copy, settings) as connection:
            rows, migration = _row_counts(connection), _migration(connection)
        stored, unopened = setup.sealed_counts(scope)
        scope.end_read()
        size, digest = archive.size_and_digest(copy) if copy else (None, None)
        manifest = Manifest(
            format=archive.FORMAT,
            product="patchbay",
            version=tomllib.loads(PYPROJECT.read_text())["project"]["version"],
            created_at=clock.iso(clock.now()) or "",
            migration=migration,
            database=archive.Database(
                kind="sqlite" if copy else "postgresql", rows=rows, size=size, sha256=digest
            ),
            secrets=archive.Secrets(stored=stored, unopened=unopened),
            keys=_key_names(settings, included=with_keys),
            settings=_plain_settings(settings),
        )
        archive.write(file, manifest, copy, key_files(settings) if with_keys else {})
    if migrate.are_current(context.engine()):
        _record(scope, path, manifest)
    return manifest


def _refuse_own_file(path: Path, settings: Settings) -> None:
    """Raises ArchiveError if the path is a file of the installation.

    It opens none of them: closing a descriptor of the database would drop the locks on it.
    """
    own = [settings.data / name for name in KEY_FILES.values()]
    if settings.is_sqlite:
        stem = settings.database_url.removeprefix("sqlite:///")
        own += [Path(stem + end) for end in ("", "-wal", "-shm", "-journal")]
    if any(path.exists() and each.exists() and path.samefile(each) for each in own):
        raise ArchiveError(f"{path} is a file of the installation itself. Name another file.")


def key_files(settings: Settings) -> dict[str, str]:
    """Returns the content of each key file, by name, also for keys from the environment."""
    lists = {
        "PATCHBAY_SECRET_KEY": (settings.secret_key,),
        "PATCHBAY_JWT_KEYS": settings.jwt_keys,
        "PATCHBAY_FERNET_KEYS": settings.fernet_keys,
    }
    return {file: "\n".join(lists[name]) + "\n" for name, file in KEY_FILES.items()}


def _key_names(settings: Settings, *, included: bool) -> archive.KeyNames:
    return archive.KeyNames(
        included=included,
        fernet=[sealing.fingerprint(key) for key in settings.fernet_keys],
        jwt=[sealing.fingerprint(key) for key in settings.jwt_keys],
        session=[sealing.fingerprint(settings.secret_key)],
    )


@contextmanager
def _snapshot(path: Path, settings: Settings) -> Iterator[Path | None]:
    """Yields a copy of the SQLite database beside the archive, and deletes it; None for PostgreSQL."""
    if not settings.is_sqlite:
        yield None
        return
    copy = archive.draft_of(path).with_suffix(".db")
    copy.unlink(missing_ok=True)
    try:
        database_engine.copy_sqlite(context.engine(), copy)
        yield copy
    except sqlite.Error as error:
        raise ArchiveError(f"The database cannot be copied to {path.parent}: {error}.") from None
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def _connected(copy: Path | None, settings: Settings) -> Iterator[Connection]:
    engine = context.engine()
    if copy:
        url = f"sqlite:///{copy}"
        engine = create_engine(url, **database_engine.engine_options(url))
    with engine.connect() as connection:
        yield connection
    if copy:
        engine.dispose()


def _row_counts(connection: Connection) -> dict[str, int]:
    """Returns the number of rows of each existing table."""
    names = set(inspect(connection).get_table_names())
    return {
        table.name: connection.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
        if table.name in names
    }


def _migration(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def _plain_settings(settings: Settings) -> dict[str, str]:
    """Returns the settings that are not secret, to set up another machine like this one."""
    plain = {each.name: str(getattr(settings, each.name)) for each in fields(settings) if each.repr}
    return plain | {"database_url": make_url(settings.database_url).render_as_string(hide_password=True)}


def dump_command(settings: Settings) -> str:
    """Returns the command of PostgreSQL's own tool that copies the database, without the password."""
    url = make_url(settings.database_url).set(drivername="postgresql", password=None)
    url = url.difference_update_query([name for name in url.query if "password" in name])
    return f"pg_dump --format=custom --file=patchbay.dump '{url.render_as_string()}'"


def _record(scope: Scope, path: Path, manifest: Manifest) -> None:
    with scope.transaction():
        if manifest.database.kind == "sqlite":
            scope.session.get_one(Installation, 1).backed_up_at = clock.now()
        contents = ["database"] * (manifest.database.kind == "sqlite") + ["keys"] * manifest.keys.included
        log.note(scope, Action.BACKUP_MADE, path.name, {"contents": [None, ", ".join(contents)]})
