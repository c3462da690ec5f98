"""What the production server refuses to start with, and what it never serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from devtools.server import Server, clean_environment, served
from tests.security.conftest import WORKERS
from tests.support.commands import Commands, commands
from tests.support.keys import shared_keys
from tests.test_serving import get

UNUSABLE = {
    "PATCHBAY_SECRET_KEY": ["changeme", "a" * 64, "changeme" * 8],
    "PATCHBAY_JWT_KEYS": ["secret", "secret" * 10],
    "PATCHBAY_FERNET_KEYS": ["not-a-key", "A" * 44],
    "DATABASE_URL": ["mysql://x"],
    "PATCHBAY_BIND": ["nowhere"],
    "PATCHBAY_TRUSTED_PROXIES": ["many"],
}
"""Default, short, repeated and malformed values."""


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Starts `flask serve`, in a process of its own."""
    with commands(tmp_path_factory.mktemp("commands")) as found:
        yield found


@pytest.mark.asvs("13.4.2")
@pytest.mark.parametrize("setting", UNUSABLE)
def test_an_unusable_setting_stops_the_boot_by_name(serve: Commands, tmp_path: Path, setting: str) -> None:
    for value in UNUSABLE[setting]:
        settings = {"PATCHBAY_DATA": str(tmp_path), **shared_keys(tmp_path), setting: value}
        done = serve.run("serve", environment=clean_environment() | settings)
        assert done.code != 0, value
        assert "Patchbay cannot start: " in done.err
        assert setting in done.err
        assert "Traceback" not in done.err
        is_key = setting.endswith(("KEY", "KEYS")) and len(value) > 20
        assert not (is_key and value in done.err), "a key is not repeated"


@pytest.mark.asvs("13.4.2")
def test_another_key_than_the_databases_stops_the_boot(serve: Commands, tmp_path: Path) -> None:
    settings = {"PATCHBAY_DATA": str(tmp_path), **shared_keys(tmp_path)}
    assert serve.run("prepare", environment=clean_environment() | settings).code == 0
    other = settings | {"PATCHBAY_FERNET_KEYS": Fernet.generate_key().decode()}
    done = serve.run("serve", environment=clean_environment() | other)
    assert done.code != 0
    assert "PATCHBAY_FERNET_KEYS does not open this database" in done.err
    del settings["PATCHBAY_FERNET_KEYS"]
    done = serve.run("serve", environment=clean_environment() | settings)
    assert "PATCHBAY_FERNET_KEYS is missing, and the database already has data" in done.err
    assert not (tmp_path / "fernet.keys").exists()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With Flask's own switches for debugging set, as a careless operator may have them."""
    debugging = {"FLASK_DEBUG": "1", "FLASK_ENV": "development", "WERKZEUG_DEBUG_PIN": "off"}
    with served(tmp_path_factory.mktemp("debugging"), WORKERS | debugging) as server:
        yield server


@pytest.mark.asvs("13.4.2")
@pytest.mark.parametrize(
    "path",
    [
        *["/console", "/nowhere?__debugger__=yes&cmd=resource&f=debugger.js", "/_debug_toolbar/"],
        *["/.env", "/.git/config", "/static/../app/config.py", "/server-status", "/debug/default/view"],
    ],
)
def test_no_debugger_and_no_source_is_served(server: Server, path: str) -> None:
    status, text = get(f"{server.url}{path}")
    assert status == 404
    assert "Werkzeug" not in text
    assert "Traceback" not in text
    assert "debugger" not in text.lower()
