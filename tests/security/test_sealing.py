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
    found: Secret = scope.session.scalars(query).one()
    return found


def expect_shut(here: Furnished, dana: Portal, api: Clients) -> None:
    """It is not given out, needs to be entered again, and breaks nothing else."""
    document = api.dana.get(SETTINGS)
    assert document.status_code == 200
    assert document.get_json().get(NAME) is None
    assert document.get_json()["vobiz_auth_token"] == here.secrets["vobiz.auth_token"]
    for page in ("providers/twilio", "", "endpoints", "providers/vobiz"):
        dana.get(f"/o/acme-support/{page}")
    answer = api.dana.post("/api/settings/providers/twilio/verify")
    assert (answer.status_code, answer.get_json()["ok"]) == (200, False)
    assert api.dana.put(SETTINGS, {NAME: "a-new-made-up-token-0001"}).status_code == 200
    assert api.dana.get(SETTINGS).get_json()[NAME] == "a-new-made-up-token-0001"


@pytest.mark.asvs("11.3.3")
@pytest.mark.parametrize("part", ["first", "middle", "last", "version"])
def test_a_secret_with_a_flipped_byte_does_not_open(
    app: Flask, here: Furnished, dana: Portal, api: Clients, part: str
) -> None:
    with scope_as(app, here.cast.dana) as scope, scope.transaction():
        row = stored(scope, "twilio", "auth_token")
        raw = bytearray(base64.urlsafe_b64decode(row.sealed))
        raw[{"version": 0, "first": 1, "middle": len(raw) // 2, "last": -1}[part]] ^= 1
        row.sealed = base64.urlsafe_b64encode(bytes(raw)).decode()
    expect_shut(here, dana, api)


@pytest.mark.asvs("11.3.3")
@pytest.mark.parametrize(("provider", "field"), [("vobiz", "auth_token"), ("twilio", "api_key_secret")])
def test_a_secret_of_another_place_does_not_open(
    here: Furnished, dana: Portal, api: Clients, provider: str, field: str
) -> None:
    with scope_as(dana.app, here.cast.dana) as scope, scope.transaction():
        stored(scope, "twilio", "auth_token").sealed = stored(scope, provider, field).sealed
    expect_shut(here, dana, api)


@pytest.mark.asvs("11.3.3")
def test_a_secret_of_another_organization_does_not_open(
    app: Flask, here: Furnished, dana: Portal, api: Clients, cast: Cast
) -> None:
    token = {"twilio_auth_token": "a-made-up-token-of-globex"}
    base = {"public_base_url": "https://voice.globex.example"}
    assert api.gus.put(SETTINGS, base | token).status_code == 200
    with scope_as(app, cast.dana) as scope, scope.transaction():
        theirs = select(Secret.sealed).where(Secret.organization_id == cast.globex)
        stored(scope, "twilio", "auth_token").sealed = scope.session.scalars(theirs).one()
    expect_shut(here, dana, api)
