"""Checks and restores an archive, also on a machine whose installation does not start.

Existing data is touched only after everything in the archive has been checked, and is not deleted.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from app import config, serving, startup
from app.config import KEY_FILES, Settings
from app.core import archive, clock, sealing
from app.core.archive import DATABASE, Archive, ArchiveError, Manifest
from app.database import migrate
from app.database.engine import sqlite
from app.extensions import db
from app.services.audit import integrity
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.installation import setup
from app.services.installation.keys import KeyMismatch

log = structlog.get_logger(__name__)

TEMPORARY = ".restore-"
BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Findings:
    """The result of checking an archive. `problems` prevent a restore, `unopened` secrets do not."""

    manifest: Manifest
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unopened: int = 0


@dataclass(frozen=True)
class Restored:
    """A restored archive. `aside`: the folder with the replaced files, if there were any."""

    findings: Findings
    aside: Path | None


def check(path: Path, environ: Mapping[str, str]) -> Findings:
    """Restores the archive to a temporary folder and checks it. Raises ArchiveError, SettingsError."""
    with archive.open_archive(path) as backup, _folder(None) as folder:
        return _examine(backup, folder, _keys(backup, environ), path.name)


def restore(path: Path, environ: Mapping[str, str], *, replaces: bool) -> Restored:
    """Restores database and keys. Raises ArchiveError, SettingsError.

    Raises serving.InUse if a server is running.
    """
    data, url = config.location(environ)
    with archive.open_archive(path) as backup, serving.alone(data):
        keys = _keys(backup, environ)
        target = _target(backup.manifest, url)
        to_write = _key_files_to_write(backup, environ, data, replaces=replaces)
        if target and os.path.lexists(target) and not replaces:
            raise ArchiveError(
                f"{target} exists already. Add --replace to restore over it: it is kept aside."
            )
        for leftover in data.glob(f"{TEMPORARY}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with _folder(target.parent if target else data) as folder:
            findings = _examine(backup, folder, keys, path.name)
            if findings.problems:
                raise ArchiveError("\n".join([*findings.problems, "Nothing was restored."]))
            if target:
                _checkpoint(target)
            aside = _Aside()
            _write_keys(data, to_write, aside)
            if target:
                _replace_database(folder / DATABASE, target, aside)
    return Restored(findings, aside.used)


@contextmanager
def _folder(parent: Path | None) -> Iterator[Path]:
    """Yields a temporary folder, mode 0700, in `parent` if it must be on the same disk."""
    try:
        if parent:
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=parent) as name:
            yield Path(name)
    except OSError as error:
        raise ArchiveError(f"The backup cannot be unpacked: {error.strerror or error}.") from None


def _target(manifest: Manifest, url: str) -> Path | None:
    """Returns the path to restore the database to; None if the archive has no database."""
    if manifest.database.kind == "postgresql":
        return None
    if not url.startswith("sqlite:///"):
        raise ArchiveError(
            "This is a backup of a SQLite database, and DATABASE_URL names another kind. Restore it without "
            "DATABASE_URL, then move it: flask --app wsgi move-database"
        )
    return Path(url.removeprefix("sqlite:///"))


def _keys(backup: Archive, environ: Mapping[str, str]) -> dict[str, str]:
    """Returns each setting's keys: from the environment, else the archive, else the data folder."""
    data, _ = config.location(environ)
    inside = backup.keys()
    keys: dict[str, str] = {}
    for setting, name in KEY_FILES.items():
        key = config.given_key(environ, setting) or inside.get(name) or _content(data / name)
        if not key:
            raise ArchiveError(
                f"The backup has no keys in it, and {setting} is not set here. Set it, or put the key of the "
                f"installation at {data / name}."
            )
        keys[setting] = key.strip()
    return keys


def _content(path: Path) -> str | None:
    with suppress(FileNotFoundError):
        return path.read_text()
    return None


def _key_files_to_write(
    backup: Archive, environ: Mapping[str, str], data: Path, *, replaces: bool
) -> dict[str, str]:
    """Returns the archive's key files that differ from the existing ones.

    Files of keys that the environment sets are left out. Raises ArchiveError if one exists and `replaces` is
    false.
    """
    inside, changed = backup.keys(), {}
    for setting, name in KEY_FILES.items():
        here = _content(data / name)
        if name not in inside or config.given_key(environ, setting) or here == inside[name]:
            continue
        if here is not None and not replaces:
            raise ArchiveError(
                f"{data / name} exists already. Add --replace to restore over it: it is kept aside."
            )
        changed[name] = inside[name]
    return changed


def _examine(backup: Archive, folder: Path, keys: Mapping[str, str], name: str) -> Findings:
    """Unpacks the database, migrates it, starts an installation on it, and returns the findings.

    The restore is recorded in the audit of the unpacked database, which then may replace the existing one.
    """
    from app import create_app

    manifest = backup.manifest
    notes = _notes(manifest, keys)
    if manifest.database.kind == "postgresql":
        return Findings(manifest, _foreign_keys(manifest, keys), notes)
    backup.unpack_database(folder / DATABASE)
    if problems := _file_problems(folder / DATABASE, manifest):
        return Findings(manifest, problems, notes)
    try:
        settings = Settings.from_environment(dict(keys) | {"PATCHBAY_DATA": str(folder)})
        app = create_app(settings)
    except KeyMismatch:
        return Findings(
            manifest, _foreign_keys(manifest, keys) or ["The keys do not open this backup."], notes
        )
    with app.app_context():
        try:
            startup.prepare()
            scope = startup.console()
            stored, unopened = setup.sealed_counts(scope)
            problems = integrity.problems(scope.session, scope.keys.sealer)
            with scope.transaction():
                details = {"created_at": [None, manifest.created_at], "version": [None, manifest.version]}
                audit_log.note(scope, Action.BACKUP_RESTORED, name, details)
        except SQLAlchemyError as error:
            return Findings(manifest, [f"The database in the backup cannot be used: {type(error).__name__}."])
        finally:
            db.session.remove()
            db.engine.dispose()
    if unopened > manifest.secrets.unopened:
        problems.append(f"{unopened} of {stored} secrets do not open with these keys.")
    return Findings(manifest, problems, notes, unopened)


def _notes(manifest: Manifest, keys: Mapping[str, str]) -> list[str]:
    """Returns a note for each key that is not the backup's: what it makes invalid."""
    names = {"PATCHBAY_JWT_KEYS": manifest.keys.jwt, "PATCHBAY_SECRET_KEY": manifest.keys.session}
    return [
        f"{setting} is not the one of this backup: this will {config.CONSEQUENCE_OF_LOSS[setting]}."
        for setting, fingerprints in names.items()
        if not set(fingerprints) & set(_fingerprints(keys[setting]))
    ]


def _foreign_keys(manifest: Manifest, keys: Mapping[str, str]) -> list[str]:
    here = _fingerprints(keys["PATCHBAY_FERNET_KEYS"])
    if set(here) & set(manifest.keys.fernet):
        return []
    return [
        f"PATCHBAY_FERNET_KEYS ({', '.join(here)}) is not the one that this backup was sealed with "
        f"({', '.join(manifest.keys.fernet)})."
    ]


def _fingerprints(text: str) -> list[str]:
    return [sealing.fingerprint(key) for key in config.key_list(text)]


def _file_problems(path: Path, manifest: Manifest) -> list[str]:
    """Returns the problems of the unpacked database file."""
    try:
        with closing(sqlite.connect(str(path))) as connection:
            if damage := _damage(connection):
                return [f"The database in the backup is damaged: {'; '.join(damage[:3])}."]
            counts = {
                table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608
                for table in manifest.database.rows
                if table.isidentifier()
            }
            (migration,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite.Error as error:
        return [f"The database in the backup is damaged: {error}."]
    if counts != manifest.database.rows or migration != manifest.migration:
        return ["The database in the backup is not the one that its manifest describes."]
    return [] if _is_known(migration) else [NEWER.format(version=manifest.version, migration=migration)]


def _damage(connection: Any) -> list[str]:
    """Returns the damage of the database, and objects in it that are not Patchbay's.

    These are triggers and views: Patchbay has none, and they would run by themselves.
    """
    foreign = "SELECT type || ' ' || name FROM sqlite_schema WHERE type NOT IN ('table', 'index')"
    damage = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    damage = [row for row in damage if row != "ok"]
    damage += [
        f"a row of {row[0]} refers to nothing" for row in connection.execute("PRAGMA foreign_key_check")
    ]
    return damage + [f"{row[0]!r} does not belong there" for row in connection.execute(foreign)]


NEWER = (
    "This backup is of Patchbay {version} (migration {migration}), which this version does not know. "
    "Restore it with that version or a newer one."
)


def _is_known(migration: str) -> bool:
    try:
        return ScriptDirectory(str(migrate.MIGRATIONS)).get_revision(migration) is not None
    except CommandError:
        return False


class _Aside:
    """Moves replaced files to a new folder beside them."""

    def __init__(self) -> None:
        self._name = f"replaced-{clock.now():%Y%m%dT%H%M%S}"
        self.used: Path | None = None

    def move_aside(self, path: Path) -> None:
        """Moves the file to the folder, if it exists."""
        if os.path.lexists(path):
            path.rename(self._place(path))

    def replace_with(self, path: Path, new: Path) -> None:
        """Replaces the file with `new` in one step, so that the path always exists."""
        if os.path.lexists(path):
            try:
                os.link(path, self._place(path), follow_symlinks=False)
            except OSError:
                self.move_aside(path)
        new.replace(path)
        archive.sync_folder(path.parent)

    def _place(self, path: Path) -> Path:
        self.used = path.parent / self._name
        self.used.mkdir(exist_ok=True, mode=0o700)
        return self.used / path.name


def _write_keys(data: Path, files: Mapping[str, str], aside: _Aside) -> None:
    for name, content in files.items():
        draft = data / f".{name}.restored"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace_with(data / name, draft)


def _checkpoint(target: Path) -> None:
    """Checkpoints the WAL of the previous database. Raises ArchiveError if a program uses it."""
    if target.exists():
        try:
            with closing(sqlite.connect(str(target), timeout=0)) as former:
                former.execute("PRAGMA journal_mode=DELETE").close()
        except sqlite.OperationalError:
            raise ArchiveError(f"{target} is in use by another program. Stop that first.") from None
        except sqlite.DatabaseError:
            log.warning("restore.former_database_damaged")


def _replace_database(new: Path, target: Path, aside: _Aside) -> None:
    """Replaces the database, and moves the WAL of the former one away from it."""
    for end in BESIDE:
        aside.move_aside(target.with_name(target.name + end))
    aside.replace_with(target, new)
