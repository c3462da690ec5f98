"""The setup key: the only way into a fresh install, and only once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app import context
from app.services.access import messages, passwords, users
from app.services.installation import setup
from app.services.organizations import directory
from app.services.scope import Actor, Scope
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged

PASSWORD = "a lamp in the north window"
DRAFT: dict[str, Any] = {
    "organization": "Blue Harbour",
    "name": "Ines",
    "email": "Ines@Harbour.example",
    "password": PASSWORD,
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """An installation without users."""
    return sqlite_url


@pytest.fixture
def key(app: Flask) -> str:
    return str(new_key(app))


def new_key(app: Flask) -> str | None:
    """As the console prints it, at the end of the link."""
    with app.app_context():
        scope = Scope(context.session(), None, Actor(name="command line"), context.keys())
        return setup.new_setup_token(scope)


def set_up(portal: Portal, key: str, status: int = 200, **changed: str) -> Page:
    return portal.get("/setup").press("Create and sign in", status, **(DRAFT | {"key": key} | changed))


def test_setup_creates_the_organization_and_opens_its_home(app: Flask, anonymous: Portal, key: str) -> None:
    page = set_up(anonymous, key)
    assert page.path == "/o/blue-harbour/"
    assert page.title == "Home"
    assert "Welcome" in page.notes
    assert [event.action for event in audit(app)] == ["organization.created", "user.created", "signed-in"]
    assert {event.actor_name for event in audit(app)} == {"ines@harbour.example"}
    assert "Ines" in Portal(app).sign_in("ines@harbour.example", PASSWORD).source


def test_without_users_home_and_sign_in_lead_to_the_setup_link(anonymous: Portal, key: str) -> None:
    for path in ("/", "/sign-in", "/o/any/endpoints"):
        page = anonymous.get(path)
        assert page.path.startswith("/sign-in")
        assert not page.has_button("Sign in")
        assert key not in page.source
    page = page.follow("enter the key").press("Create and sign in", **(DRAFT | {"key": key}))
    assert Portal(anonymous.app).get("/").has_button("Sign in")


def test_setup_with_a_wrong_key_keeps_the_typed_values(anonymous: Portal, key: str) -> None:
    for wrong in ["", "wrong", "\U0001f511"]:
        with unchanged(anonymous.app, but=("throttles",)):
            page = set_up(anonymous, wrong, 422)
        assert "latest" in page.error("key"), wrong
        assert page.value("organization") == DRAFT["organization"], wrong
    assert page.press("Create and sign in", **(DRAFT | {"key": key})).title == "Home"


def test_setup_page_is_404_without_a_pending_key(app: Flask, anonymous: Portal) -> None:
    anonymous.get("/setup", 404)


def test_setup_shows_each_error_beside_its_field(anonymous: Portal, key: str) -> None:
    for field, typed, said in [
        ("organization", " ", "required"),
        ("name", "", "required"),
        ("email", "ines", messages.EMAIL_WITHOUT_AT),
        ("password", "too short", "15 characters"),
        ("password", "passwordpassword", "easy to guess"),
        ("password", "ines@harbour.example", "easy to guess"),
    ]:
        with unchanged(anonymous.app):
            page = set_up(anonymous, key, 422, **{field: typed})
        assert said in page.error(field), (field, typed, said)
        assert page.value("email") == (typed if field == "email" else DRAFT["email"]), (field, typed, said)
        assert page.value("password") == "", (field, typed, said)
    assert page.press("Create and sign in", **DRAFT).title == "Home"


def test_create_with_a_taken_email_shows_the_error_beside_it(app: Flask, anonymous: Portal, key: str) -> None:
    with app.app_context():
        scope = Scope(context.session(), None, Actor(name="command line"), context.keys())
        person = {"email": "ines@harbour.example", "name": "Ines", "role": "member", "password": PASSWORD}
        organization = directory.create(scope, {"name": "Harbour"})
        users.create(scope.for_organization(organization), person)
    with unchanged(app):
        page = set_up(anonymous, key, 409)
    assert "is a user already" in page.error("email")


def test_each_error_is_said_once(anonymous: Portal, key: str) -> None:
    page = set_up(anonymous, key, 422, password="short")
    assert page.source.count(messages.password_too_short(passwords.SHORTEST)) == 1
    assert [link["href"] for link in page.root.one("div", css="pb-summary").all("a")] == ["#setup-password"]
