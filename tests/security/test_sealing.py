"""Stored secrets: sealed for one place, and worth nothing when they were altered or moved."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.models import Secret
from tests.security.conftest import Clients
from tests.support.cast import Cast
from tests.support.full_organization import Furnished, scope_as
from tests.support.pages import Portal

SETTINGS = "/api/settings/telephony"
NAME = "twilio_auth_token"


def stored(scope: Any, provider: str, field: str) -> Secret:
    query = scope.select(Secret).where(Secret.provider == provider, Secret.field == field)
    secret: Secret = scope.session.scalars(query).one()
    return secret


def expect_shut(here: Furnished, api: Clients) -> None:
    """It is not shown, and cannot be used."""
    document = api.dana.get(SETTINGS)
    assert document.status_code == 200
    assert document.get_json().get(NAME) is None
    assert document.get_json()["vobiz_auth_token"] == here.secrets["vobiz.auth_token"]
    answer = api.dana.post("/api/settings/providers/twilio/verify")
    assert (answer.status_code, answer.get_json()["ok"]) == (200, False)


def expect_replaceable(dana: Portal, api: Clients) -> None:
    """It breaks nothing else, and is replaced by saving a new one."""
    for page in ("providers/twilio", "", "endpoints", "providers/vobiz"):
        dana.get(f"/o/acme-support/{page}")
    assert api.dana.put(SETTINGS, {NAME: "a-new-sample-token-0001"}).status_code == 200
    assert api.dana.get(SETTINGS).get_json()[NAME] == "a-new-sample-token-0001"


@pytest.mark.asvs("11.3.3")
def test_a_secret_that_was_altered_or_moved_does_not_open(
    app: Flask, here: Furnished, dana: Portal, api: Clients, cast: Cast
) -> None:
    """A byte of it is flipped; it is of another provider, field or organization."""
    token = {"twilio_auth_token": "a-sample-token-of-globex"}
    base = {"public_base_url": "https://voice.globex.example"}
    assert api.gus.put(SETTINGS, base | token).status_code == 200
    with scope_as(app, cast.dana) as scope:
        sealed = stored(scope, "twilio", "auth_token").sealed
        foreign_query = select(Secret.sealed).where(Secret.organization_id == cast.globex)
        moved = [
            stored(scope, "vobiz", "auth_token").sealed,
            stored(scope, "twilio", "api_key_secret").sealed,
            scope.session.scalars(foreign_query).one(),
        ]
    for place in (0, 1, len(base64.urlsafe_b64decode(sealed)) // 2, -1):
        raw = bytearray(base64.urlsafe_b64decode(sealed))
        raw[place] ^= 1
        moved.append(base64.urlsafe_b64encode(bytes(raw)).decode())
    for other in moved:
        with scope_as(app, cast.dana) as scope, scope.transaction():
            stored(scope, "twilio", "auth_token").sealed = other
        expect_shut(here, api)
    expect_replaceable(dana, api)
