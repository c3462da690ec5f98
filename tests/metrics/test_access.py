"""Who may read the counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.config import Settings, SettingsError

TOKEN = "a-token-for-prometheus"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def guarded(environment: dict[str, str]) -> FlaskClient:
    """Of an application that has a token."""
    return create_app(
        Settings.from_environment(environment | {"PATCHBAY_METRICS_TOKEN": TOKEN})
    ).test_client()


def status(client: FlaskClient, peer: str, **headers: str) -> int:
    all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/metrics", headers=all_headers, environ_base={"REMOTE_ADDR": peer}).status_code


def test_metrics_are_open_to_loopback_that_nothing_forwards(
    client: FlaskClient, environment: dict[str, str], subtests: pytest.Subtests
) -> None:
    """Not even a proxy that is trusted."""
    behind = create_app(Settings.from_environment(environment | {"PATCHBAY_TRUSTED_PROXIES": "1"}))
    for peer in ("192.0.2.1", "127.0.0.1"):
        assert status(behind.test_client(), peer, X_Forwarded_For="127.0.0.1") == 403
    for peer in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]:
        with subtests.test(peer=peer):
            assert status(client, peer) == 200

    for peer in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", ""]:
        with subtests.test(peer=peer):
            assert status(client, peer) == 403
            assert status(client, peer, X_Forwarded_For="127.0.0.1", Host="localhost") == 403

    for header in ["X_Forwarded_For", "Forwarded", "X_Real_IP", "Via"]:
        with subtests.test(header=header):
            assert status(client, "127.0.0.1", **{header: "127.0.0.1"}) == 403


def test_metrics_token_is_required_everywhere_and_read_from_a_file(
    guarded: FlaskClient, environment: dict[str, str], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for peer in ("127.0.0.1", "192.0.2.1"):
        assert status(guarded, peer) == 401
        assert status(guarded, peer, Authorization=f"Bearer {TOKEN}x") == 401
        assert status(guarded, peer, Authorization=f"Basic {TOKEN}") == 401
        assert status(guarded, peer, Authorization="Bearer \xe9") == 401
        assert status(guarded, peer, Authorization=f"Bearer {TOKEN}") == 200

    file = tmp_path / "metrics.token"
    file.write_text(f"{TOKEN}\n")
    settings = Settings.from_environment(environment | {"PATCHBAY_METRICS_TOKEN_FILE": str(file)})
    assert settings.metrics_token == TOKEN
    assert TOKEN not in repr(settings)

    for token in ["short", "with a\ttab in the middle of it", "é" * 30]:
        with subtests.test(token=token):
            with pytest.raises(SettingsError) as refused:
                Settings.from_environment(environment | {"PATCHBAY_METRICS_TOKEN": token})
            assert token not in str(refused.value)
