from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from app import preflight
from app.config import Settings
from app.database import engine

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
nas:/export /srv nfs4 rw,vers=4.2 0 0
/dev/sdb1 /srv/local xfs rw 0 0
dana@nas:/ /mnt/over\\040ssh fuse.sshfs rw 0 0
overlay /mnt/twice overlay rw 0 0
//nas/share /mnt/twice cifs rw 0 0
C:\\134 /mnt/c 9p rw 0 0
fuse-overlayfs /var/container fuse.fuse-overlayfs rw 0 0
"""


@pytest.fixture
def settings(tmp_path: Path, shared_keys: dict[str, str]) -> Settings:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    return _settings(data, shared_keys)


def _settings(data: Path, keys: dict[str, str], url: str = "") -> Settings:
    return Settings.from_environment({"PATCHBAY_DATA": str(data), "DATABASE_URL": url, **keys})


def _codes(settings: Settings, mounts: str = "") -> list[str]:
    codes = [finding.code for finding in preflight.warnings(settings, mounts)]
    return [code for code in codes if code != "sqlite.wal_bug"]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_data_folder_open_to_others_is_closed_unless_others_have_files(settings: Settings) -> None:
    assert _codes(settings, MOUNTS) == []

    for name in ("patchbay.db", "patchbay.db-wal", "jwt.keys", ".serving", "output.log"):
        (settings.data / name).touch()
    settings.data.chmod(0o755)
    assert _codes(settings) == []
    assert _mode(settings.data) == 0o700

    (settings.data / "holidays.jpg").touch()
    settings.data.chmod(0o755)
    assert _codes(settings) == ["data_folder.open"]
    assert _mode(settings.data) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_data_folder_of_another_user_is_unchanged(settings: Settings) -> None:
    os.chown(settings.data, 12345, 12345)
    settings.data.chmod(0o755)
    assert _codes(settings) == ["data_folder.open"]
    assert _mode(settings.data) == 0o755


def test_sqlite_on_a_network_file_system_is_found(
    settings: Settings, shared_keys: dict[str, str], subtests: pytest.Subtests
) -> None:
    for folder, is_network in [
        ("/srv/patchbay", True),
        ("/srv/local/patchbay", False),
        ("/srvelse", False),
        ("/mnt/over ssh/patchbay", True),
        ("/mnt/twice", True),
        ("/mnt/c/patchbay", True),
        ("/var/container/data", False),
        ("/var/lib/patchbay", False),
    ]:
        with subtests.test(folder=folder, is_network=is_network):
            there = _settings(settings.data, shared_keys, f"sqlite:///{folder}/patchbay.db")
            assert _codes(there, MOUNTS) == ["sqlite.network"] * is_network
            if is_network:
                assert folder in preflight.warnings(there, MOUNTS)[-1].message

    url = "postgresql+psycopg://127.0.0.1:1/patchbay"
    everywhere = f"nas:/ {settings.data} nfs rw 0 0"
    assert _codes(settings, everywhere) == ["sqlite.network"]
    assert preflight.warnings(_settings(settings.data, shared_keys, url), everywhere) == []


def test_has_wal_bug_by_version(subtests: pytest.Subtests) -> None:
    for version, has_bug in [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ]:
        with subtests.test(version=version, has_bug=has_bug):
            assert engine.has_wal_bug(version) is has_bug


def test_warning_for_an_address_without_tls(environment: dict[str, str], subtests: pytest.Subtests) -> None:
    for bind, proxies, codes in [
        ("127.0.0.1:2212", 0, []),
        ("[::1]:2212", 0, []),
        ("localhost:2212", 0, []),
        ("0.0.0.0:2212", 0, ["http.unencrypted"]),
        ("192.0.2.1:2212", 0, ["http.unencrypted"]),
        ("0.0.0.0:2212", 1, []),
    ]:
        with subtests.test(bind=bind, proxies=proxies, codes=codes):
            chosen = environment | {"PATCHBAY_BIND": bind, "PATCHBAY_TRUSTED_PROXIES": str(proxies)}
            findings = preflight.warnings(Settings.from_environment(chosen))
            assert [finding.code for finding in findings if finding.code.startswith("http")] == codes
