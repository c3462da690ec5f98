"""Archives that are damaged, altered, or made to do harm: each is refused, and nothing is written."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.core import archive
from app.core.archive import ArchiveError, Manifest

CONTENT = b"SQLite format 3\0" + bytes(range(256)) * 40

Change = Callable[[zipfile.ZipFile], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    return folder


def _manifest(path: Path, changed: dict[str, Any] | None = None) -> dict[str, Any]:
    size, digest = archive.size_and_digest(path)
    return {
        "format": 1,
        "product": "patchbay",
        "version": "0.1.0",
        "created_at": "2026-01-01T00:00:00",
        "migration": "0001",
        "database": {"kind": "sqlite", "rows": {"users": 1}, "size": size, "sha256": digest},
        "secrets": {"stored": 1, "unopened": 0},
        "keys": {"included": True, "fernet": ["a"], "jwt": ["b"], "session": ["c"]},
        "settings": {},
    } | (changed or {})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "database"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def good(tmp_path: Path, database: Path) -> Path:
    path = tmp_path / "backup.zip"
    manifest = Manifest.model_validate(_manifest(database))
    with archive.atomic_write(path, replaces=False) as file:
        archive.write(file, manifest, database, {"fernet.keys": "the key\n"})
    return path


def _read(path: Path, folder: Path) -> None:
    with archive.open_archive(path) as opened_backup:
        opened_backup.keys()
        opened_backup.unpack_database(folder / "patchbay.db")


def test_archive_round_trip(good: Path, folder: Path) -> None:
    assert good.stat().st_mode & 0o777 == 0o600
    _read(good, folder)
    assert (folder / "patchbay.db").read_bytes() == CONTENT
    assert (folder / "patchbay.db").stat().st_mode & 0o777 == 0o600
    with archive.open_archive(good) as opened_backup:
        assert opened_backup.keys() == {"fernet.keys": "the key\n"}


def _member(name: str, mode: int = stat.S_IFREG | 0o600) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def _adds(info: zipfile.ZipInfo | str, content: bytes = b"x") -> Change:
    return lambda file: file.writestr(info, content)


def _says(name: str, size: int) -> Change:
    def change(file: zipfile.ZipFile) -> None:
        file.getinfo(name).file_size = size
        file._didModify = True  # type: ignore[attr-defined]

    return change


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_opened_rejects_hostile_members(good: Path, folder: Path, subtests: pytest.Subtests) -> None:
    whole = good.read_bytes()
    changes = [
        _adds("../evil"),
        _adds("/etc/passwd"),
        _adds("keys/../../evil"),
        _adds("keys/evil"),
        _adds("keys/"),
        _adds("C:\\evil"),
        _adds("patchbay.db-wal"),
        _adds(_member("keys/jwt.keys", stat.S_IFLNK | 0o777), b"/etc/shadow"),
        _adds(_member("keys/jwt.keys", stat.S_IFIFO | 0o600)),
        _adds("keys/jwt.keys", b"x" * (archive.LARGEST_TEXT + 1)),
        _adds("keys/fernet.keys"),
        _adds("manifest.json"),
        _says("patchbay.db", 2**50),
        _says("manifest.json", 2**50),
        _says("keys/fernet.keys", 2**50),
    ]
    for number, change in enumerate(changes):
        with subtests.test(number=number):
            good.write_bytes(whole)
            with zipfile.ZipFile(good, "a") as file:
                change(file)
            with pytest.raises(ArchiveError):
                _read(good, folder)
            assert list(folder.iterdir()) == []


def _rewrite(
    good: Path, database: Path, *, without: str = "", content: bytes = CONTENT, manifest: Any = None
) -> None:
    """Writes the archive with any manifest, as an attacker can."""
    members = {
        "manifest.json": json.dumps(_manifest(database, manifest)).encode(),
        "patchbay.db": content,
        "keys/fernet.keys": b"the key\n",
    }
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as file:
        for name, written in members.items():
            if name != without:
                file.writestr(_member(name), written)


HUGE = 2**60


def test_opened_rejects_a_wrong_manifest(
    good: Path, database: Path, folder: Path, subtests: pytest.Subtests
) -> None:
    cases: list[dict[str, Any]] = [
        {"without": "manifest.json"},
        {"without": "patchbay.db"},
        {"content": CONTENT[:-1]},
        {"content": CONTENT[:-1] + b"\0"},
        {"manifest": {"format": 2}},
        {"manifest": {"format": "1"}},
        {"manifest": {"product": "another"}},
        {"manifest": {"migration": None}},
        {"manifest": {"database": {"kind": "oracle", "rows": {}}}},
        {"manifest": {"database": {"kind": "sqlite", "rows": {}, "size": -1, "sha256": "x"}}},
        {"manifest": {"keys": {"included": False, "fernet": [], "jwt": [], "session": []}}},
    ]
    for number, case in enumerate(cases):
        with subtests.test(case=case):
            _rewrite(good, database, **case)
            target = folder / str(number)
            target.mkdir()
            with pytest.raises(ArchiveError):
                _read(good, target)


def test_unpack_rejects_what_is_no_database_or_larger_than_the_disk(
    good: Path, database: Path, folder: Path, tmp_path: Path
) -> None:
    _rewrite(
        good, database, manifest={"database": {"kind": "sqlite", "rows": {}, "size": HUGE, "sha256": "x"}}
    )
    with zipfile.ZipFile(good, "a") as file:
        _says("patchbay.db", HUGE)(file)
    with pytest.raises(ArchiveError, match="left"):
        _read(good, folder)
    assert list(folder.iterdir()) == []

    zeros = tmp_path / "zeros"
    zeros.write_bytes(bytes(5_000_000))
    _rewrite(good, zeros, content=zeros.read_bytes())
    with pytest.raises(ArchiveError, match="SQLite"):
        _read(good, folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) == 0


def test_opened_rejects_damaged_archives(good: Path, folder: Path) -> None:
    whole = good.read_bytes()
    damaged = [whole[: len(whole) * part // 20] for part in range(20)]
    with zipfile.ZipFile(good) as file:
        begins = {
            info.header_offset + 30 + len(info.filename): info.compress_size for info in file.infolist()
        }
    damaged += [
        whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        for begin, size in begins.items()
        for place in (begin + size // 2, begin + size * 3 // 4)
    ]
    for number, content in enumerate([b"", b"x", *damaged]):
        good.write_bytes(content)
        target = folder / str(number)
        target.mkdir()
        with pytest.raises(ArchiveError):
            _read(good, target)


def test_written_whole_replaces_on_request_only(good: Path, tmp_path: Path) -> None:
    before = good.read_bytes()
    with pytest.raises(ArchiveError), archive.atomic_write(good, replaces=False):
        pytest.fail("nothing is written")
    with pytest.raises(TypeError), archive.atomic_write(good, replaces=True) as file:
        file.writelines([b"half of it", "a mistake"])  # type: ignore[list-item]
    assert good.read_bytes() == before
    with archive.atomic_write(good, replaces=True) as file:
        file.write(b"new")
    assert good.read_bytes() == b"new"
    with pytest.raises(ArchiveError), archive.atomic_write(tmp_path / "no" / "file", replaces=True):
        pytest.fail("the folder does not exist")
    with pytest.raises(ArchiveError), archive.atomic_write(tmp_path, replaces=True):
        pytest.fail("it is a folder")
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []
