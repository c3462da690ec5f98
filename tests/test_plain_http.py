"""Warnings about plain HTTP from another machine: on the sign-in page, in the API and in the log."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.config import Settings
from app.plain_http import HEADER

LAN = "192.0.2.9"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def warnings(client: FlaskClient, peer: str, host: str, **headers: str) -> tuple[bool, bool]:
    """Of the sign-in page, and of the API."""
    all_headers = {name.replace("_", "-"): value for name, value in headers.items()} | {"Host": host}
    page = client.get("/sign-in", headers=all_headers, environ_base={"REMOTE_ADDR": peer})
    answer = client.get("/api/calls/providers", headers=all_headers, environ_base={"REMOTE_ADDR": peer})
    return 'id="plain-http"' in page.text, HEADER in answer.headers


def test_warning_is_for_other_machines_and_hosts(
    client: FlaskClient, subtests: pytest.Subtests, environment: dict[str, str]
) -> None:
    for host in ["localhost:2212", "127.0.0.1:2212", "127.0.0.1", "[::1]:2212", "[::1]"]:
        with subtests.test(host=host):
            assert warnings(client, "127.0.0.1", host) == (False, False)

    for host in ["192.0.2.1:2212", "portal.example", "localhost"]:
        with subtests.test(host=host):
            assert warnings(client, LAN, host) == (True, True)

    assert warnings(client, "127.0.0.1", "portal.example", X_Forwarded_Proto="https") == (True, True)

    app = create_app(Settings.from_environment(environment | {"PATCHBAY_TRUSTED_PROXIES": "1"}))
    client = app.test_client()
    for proto, expected in (("https", (False, False)), ("http", (True, True))):
        assert warnings(client, LAN, "portal.example", X_Forwarded_Proto=proto) == expected


def test_warning_is_logged_once(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        headers = {"Authorization": "Bearer x", "Host": "portal.example"}
        client.get("/api/calls/providers", headers=headers, environ_base={"REMOTE_ADDR": LAN})
    assert len([record for record in caplog.records if "http.unencrypted" in record.getMessage()]) == 1
