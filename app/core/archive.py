"""A backup as one file: a zip archive of a manifest, the database, and the keys if they are included.

An archive is written next to its destination and renamed when it is complete. When it is read, it is not
trusted: it may contain known regular files only, of the sizes that its manifest and the disk allow.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FORMAT: Literal[1] = 1
MANIFEST = "manifest.json"
DATABASE = "patchbay.db"
KEYS = "keys/"
LARGEST_TEXT = 1_000_000
"""Bytes of the manifest, and of a file of keys."""
LARGEST_COUNT = 2**62
SPARE_BYTES = 10_000_000
"""Bytes that must stay free on a disk that an archive is unpacked to."""
_CHUNK = 1 << 20
_SQLITE_HEADER = b"SQLite format 3\0"

Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]


class ArchiveError(Exception):
    """The archive cannot be written, or cannot be trusted. The message is a sentence for the operator."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class Database(_Part):
    """The database as the manifest describes it. PostgreSQL's is not in the archive, and has no size."""

    kind: Literal["sqlite", "postgresql"]
    rows: dict[str, Count]
    size: Count | None = None
    sha256: str | None = None


class Secrets(_Part):
    """How many sealed values there are, and how many of them the keys could not open then."""

    stored: Count
    unopened: Count


class KeyNames(_Part):
    """The fingerprints of the keys that the installation had, newest first."""

    included: bool
    fernet: list[str]
    jwt: list[str]
    session: list[str]


class Manifest(_Part):
    format: Literal[1]
    product: Literal["patchbay"]
    version: str
    created_at: str
    migration: str
    database: Database
    secrets: Secrets
    keys: KeyNames
    settings: dict[str, str]


@contextmanager
def atomic_write(path: Path, *, replaces: bool) -> Iterator[IO[bytes]]:
    """Yields a new file, mode 0600, that is renamed to `path` when it is complete.

    The unfinished file of a killed process is overwritten. Raises ArchiveError if the file cannot be written,
    if another process is writing it, or if `path` exists and `replaces` is false.
    """
    _refuse_existing(path, replaces=replaces)
    draft = draft_of(path)
    try:
        with _locked_draft(draft) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                _refuse_existing(path, replaces=replaces)
                draft.replace(path)
            except BaseException:
                draft.unlink()
                raise
        sync_folder(path.parent)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {error.strerror or error}.") from None


def draft_of(path: Path) -> Path:
    """Returns the path of the unfinished file that becomes `path`."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def _locked_draft(draft: Path) -> Iterator[IO[bytes]]:
    """Yields the empty draft, locked. Raises ArchiveError if another process is writing it."""
    while True:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ArchiveError(
                    f"Another process is writing {draft}. Try again when it is done."
                ) from None
            if not _is_at(file, draft):
                continue
            file.truncate()
            yield file
            return


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Whether the path still names the file: another process may have replaced it before the lock."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _refuse_existing(path: Path, *, replaces: bool) -> None:
    if path.is_dir():
        raise ArchiveError(f"{path} is a folder. Name a file.")
    if not replaces and os.path.lexists(path):
        raise ArchiveError(f"{path} exists already. Name another file, or add --replace.")


def sync_folder(folder: Path) -> None:
    """Flushes a folder to disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(file: IO[bytes], manifest: Manifest, database: Path | None, keys: Mapping[str, str]) -> None:
    """Fills the archive; `keys` is the content of each file of keys by name."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_member(MANIFEST), manifest.model_dump_json(indent=2) + "\n")
        for name, content in keys.items():
            archive.writestr(_member(KEYS + name), content)
        if database:
            with (
                database.open("rb") as source,
                archive.open(_member(DATABASE), "w", force_zip64=True) as target,
            ):
                shutil.copyfileobj(source, target, _CHUNK)


def size_and_digest(path: Path) -> tuple[int, str]:
    """Returns the size and the SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


@dataclass(frozen=True)
class Archive:
    """An opened archive, of which only the manifest has been read."""

    manifest: Manifest
    _file: zipfile.ZipFile

    def keys(self) -> dict[str, str]:
        """Returns the content of each file of keys, by name."""
        names = [name for name in self._file.namelist() if name.startswith(KEYS)]
        return {name.removeprefix(KEYS): _read_text(self._file, name) for name in names}

    def unpack_database(self, target: Path) -> None:
        """Writes the database to a new file, mode 0600. Raises ArchiveError if it is damaged."""
        stated = self.manifest.database
        size, digest = 0, hashlib.sha256()
        self._expect_space(target.parent)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, _read_errors(), self._file.open(DATABASE) as source:
            while chunk := source.read(_CHUNK):
                if not size and not chunk.startswith(_SQLITE_HEADER):
                    raise ArchiveError(f"{DATABASE} in the archive is not a SQLite database.")
                size += len(chunk)
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if (size, digest.hexdigest()) != (stated.size, stated.sha256):
            raise ArchiveError("The database in the archive is not the one that its manifest describes.")

    def _expect_space(self, folder: Path) -> None:
        free = shutil.disk_usage(folder).free - SPARE_BYTES
        needed = self.manifest.database.size or 0
        if needed > free:
            raise ArchiveError(
                f"The database in the archive takes {needed:,} bytes, and {folder} has {max(free, 0):,} left."
            )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Yields the archive. Raises ArchiveError unless it is whole and of a supported format."""
    with _read_errors():
        try:
            file = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise ArchiveError(f"There is no file {path}.") from None
        except OSError as error:
            raise ArchiveError(f"{path} cannot be read: {error.strerror}.") from None
    with file:
        manifest = _read_manifest(file)
        _expect_members(file, manifest)
        yield Archive(manifest, file)


@contextmanager
def _read_errors() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise ArchiveError(
            "This is not a whole backup of Patchbay: it was cut off, damaged or altered."
        ) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ArchiveError("The disk is full.") from None


def _read_manifest(file: zipfile.ZipFile) -> Manifest:
    if MANIFEST not in file.namelist():
        raise ArchiveError(f"This is not a backup of Patchbay: it has no {MANIFEST}.")
    text = _read_text(file, MANIFEST)
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "JSON"
        if place == "format":
            raise ArchiveError(
                "This backup has a format that this version does not read. Restore it with a newer Patchbay."
            ) from None
        raise ArchiveError(f"The manifest of the backup cannot be used: {place}: {first['msg']}.") from None


def _expect_members(file: zipfile.ZipFile, manifest: Manifest) -> None:
    expected = {MANIFEST}
    if manifest.database.kind == "sqlite":
        expected.add(DATABASE)
    names: set[str] = set()
    for member in file.infolist():
        shown = repr(member.filename[:80])
        mode = member.external_attr >> 16
        is_key = member.filename.startswith(KEYS) and manifest.keys.included
        if member.filename not in expected and not (
            is_key and _is_key_file(member.filename.removeprefix(KEYS))
        ):
            raise ArchiveError(f"The backup has a file {shown} in it, which does not belong there.")
        if member.filename in names:
            raise ArchiveError(f"The backup has two files {shown} in it.")
        if member.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
            raise ArchiveError(f"{shown} in the backup is not a regular file.")
        if member.filename != DATABASE and member.file_size > LARGEST_TEXT:
            raise ArchiveError(f"{shown} in the backup is too large: {member.file_size:,} bytes.")
        if member.filename == DATABASE and member.file_size != manifest.database.size:
            raise ArchiveError("The database in the archive is not the one that its manifest describes.")
        names.add(member.filename)
    if missing := expected - names:
        raise ArchiveError(f"The backup lacks {', '.join(sorted(missing))}.")


def _is_key_file(name: str) -> bool:
    return name in ("secret.key", "jwt.keys", "fernet.keys")


def _read_text(file: zipfile.ZipFile, name: str) -> str:
    info = file.getinfo(name)
    if info.file_size > LARGEST_TEXT:
        raise ArchiveError(f"{name} in the backup is too large: {info.file_size:,} bytes.")
    with _read_errors(), file.open(info) as member:
        return member.read(LARGEST_TEXT + 1).decode()
