"""Checks the machine before `flask serve`, and warns of problems."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app import peers
from app.config import KEY_FILES, Settings
from app.database import engine

NETWORK_FILE_SYSTEMS = frozenset(
    [
        *("9p", "afs", "ceph", "cifs", "davfs", "fakeowner", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"),
        *("prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "fuse.ceph", "fuse.davfs", "fuse.gcsfuse"),
        *("fuse.glusterfs", "fuse.goofys", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs"),
        "fuse.vmhgfs-fuse",
    ]
)
"""Types of network file systems, including those that mount a host's folder in a virtual machine."""
MOUNTS = Path("/proc/mounts")
OURS = re.compile(r"patchbay\.db(-(wal|shm|journal))?|metrics|\.(migrating|serving)|.*\.log")
"""Files of a data folder that only Patchbay uses, apart from the key files."""


@dataclass(frozen=True)
class Finding:
    """A warning: its code, and a sentence with the consequence and the remedy."""

    code: str
    message: str


def warnings(settings: Settings, mounts: str | None = None) -> list[Finding]:
    """Returns all warnings. `mounts` is in the format of /proc/mounts, which is the default."""
    findings = [*_folder(settings.data), *_address(settings)]
    if settings.is_sqlite:
        findings += _sqlite(engine.SQLITE_VERSION)
        findings += _network(Path(settings.sqlite_file).parent, _mounts() if mounts is None else mounts)
    return findings


def _address(settings: Settings) -> Iterator[Finding]:
    if settings.trusted_proxies or settings.host == "localhost" or peers.is_loopback(settings.host):
        return
    yield Finding(
        "http.unencrypted",
        f"Other machines reach {settings.host}:{settings.port} over plain HTTP: passwords and tokens can be "
        "read on their way. Listen on 127.0.0.1, put a proxy with TLS in front, and set "
        "PATCHBAY_TRUSTED_PROXIES=1.",
    )


def _folder(data: Path) -> Iterator[Finding]:
    """Removes other users' permissions from the data folder, or yields a warning.

    It changes a folder only if all files in it are Patchbay's: it may be a home directory, or even /tmp.
    """
    mode = stat.S_IMODE(data.stat().st_mode)
    if not mode & 0o077:
        return
    if data.stat().st_uid == os.geteuid() and all(map(_is_ours, data.iterdir())):
        data.chmod(0o700)
        return
    yield Finding(
        "data_folder.open",
        f"Other users of this machine can enter the data folder {data} (mode {mode:04o}). "
        "Use a folder for Patchbay alone, with: chmod 700",
    )


def _is_ours(path: Path) -> bool:
    return path.name in KEY_FILES.values() or OURS.fullmatch(path.name) is not None


def _sqlite(version: tuple[int, int, int]) -> Iterator[Finding]:
    if not engine.has_wal_bug(version):
        return
    yield Finding(
        "sqlite.wal_bug",
        f"SQLite {'.'.join(map(str, version))} can corrupt its database in rare cases, when two processes "
        "write at the same moment; version 3.51.3 is the first without this bug. Use a Python whose SQLite "
        "is newer, or PostgreSQL by DATABASE_URL, and keep backups.",
    )


def _network(folder: Path, mounts: str) -> Iterator[Finding]:
    kind = _file_system(folder.resolve(), mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        yield Finding(
            "sqlite.network",
            f"The database is on a network file system ({kind}, at {folder}), where SQLite's locks do not "
            "work reliably: what is saved can be lost. Use a local disk, or PostgreSQL by DATABASE_URL.",
        )


def _mounts() -> str:
    """Returns the system's mounts; "" without /proc."""
    return MOUNTS.read_text(errors="surrogateescape") if MOUNTS.exists() else ""


def _file_system(path: Path, mounts: str) -> str:
    """Returns the type of the file system of a path. Of two mounts at one point, the later counts."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        point = Path(_unescaped(fields[1]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def _unescaped(point: str) -> str:
    r"""Returns a mount point without octal escapes: the kernel writes a space as \040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
