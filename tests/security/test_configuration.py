"""What the production server refuses to start with, and what it never serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.services.installation import messages
from devtools.server import clean_environment
from tests.security.conftest import Installation
from tests.support.commands import Commands
from tests.support.keys import shared_keys
from tests.test_serving import get

UNUSABLE = {
    "PATCHBAY_SECRET_KEY": "changeme" * 8,
    "PATCHBAY_JWT_KEYS": "secret" * 10,
    "PATCHBAY_FERNET_KEYS": "A" * 44,
    "DATABASE_URL": "mysql://x",
    "PATCHBAY_BIND": "nowhere",
    "PATCHBAY_TRUSTED_PROXIES": "many",
}
"""One value of each; tests/test_config.py has default, short, repeated and malformed ones."""


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """Starts `flask serve`, in a process of its own."""
    return Commands(tmp_path_factory.mktemp("commands"))


@pytest.mark.thorough(
    "test_no_command_runs_with_another_key_or_makes_one_over_existing_data",
    "test_unusable_setting_is_named",
)
@pytest.mark.asvs("13.4.2")
def test_serve_with_an_unusable_setting_exits_and_names_it(serve: Commands, tmp_path: Path) -> None:
    """Or without the key of the database that is there."""
    working = clean_environment() | {"PATCHBAY_DATA": str(tmp_path), **shared_keys(tmp_path)}
    wrong = []
    for setting, value in UNUSABLE.items():
        done = serve.run("serve", environment=working | {setting: value})
        is_key = setting.endswith(("KEY", "KEYS"))
        is_named = "Patchbay cannot start: " in done.err and setting in done.err
        if done.code == 0 or not is_named or "Traceback" in done.err or (is_key and value in done.err):
            wrong.append(f"{setting}={value}: {done.code} {done.err}")
    assert wrong == []
    assert serve.run("prepare", environment=working).code == 0
    done = serve.run("serve", environment=working | {"PATCHBAY_FERNET_KEYS": Fernet.generate_key().decode()})
    assert done.code != 0
    assert messages.KEY_MISMATCH in done.err
    del working["PATCHBAY_FERNET_KEYS"]
    done = serve.run("serve", environment=working)
    assert "PATCHBAY_FERNET_KEYS is missing, and the database already has data" in done.err
    assert not (tmp_path / "fernet.keys").exists()


@pytest.mark.asvs("13.4.2")
def test_debugger_and_source_addresses_are_404(installation: Installation) -> None:
    """The server runs with `DEBUGGING`."""
    for path in (
        *("/console", "/nowhere?__debugger__=yes&cmd=resource&f=debugger.js", "/_debug_toolbar/"),
        *("/.env", "/.git/config", "/static/../app/config.py", "/server-status", "/debug/default/view"),
    ):
        status, text = get(f"{installation.server.url}{path}")
        assert status == 404, path
        assert not [word for word in ("werkzeug", "traceback", "debugger") if word in text.lower()], path
