"""The setup link: the only way into a fresh install, and only once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app import context
from app.services import installation, organizations, people
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
    """Nobody is in it."""
    return sqlite_url


@pytest.fixture
def link(app: Flask) -> str:
    return new_link(app)


def new_link(app: Flask) -> str:
    """As the console prints it."""
    with app.app_context():
        scope = Scope(context.session(), None, Actor(name="command line"), context.keys())
        return f"/setup?key={installation.new_setup_token(scope)}"


def set_up(portal: Portal, link: str, status: int = 200, **changed: str) -> Page:
    return portal.get(link).press("Create and sign in", status, **(DRAFT | changed))


def test_it_leads_to_the_checklist_of_a_new_organization(app: Flask, nobody: Portal, link: str) -> None:
    page = set_up(nobody, link)
    assert page.path == "/o/blue-harbour/"
    assert page.title == "Checklist"
    assert "Welcome" in page.notes
    assert [event.action for event in audit(app)] == ["organization.created", "user.created", "signed-in"]
    assert {event.actor_name for event in audit(app)} == {"ines@harbour.example"}
    assert "Ines" in Portal(app).sign_in("ines@harbour.example", PASSWORD).source


def test_a_newer_link_replaces_it(app: Flask, nobody: Portal, link: str) -> None:
    newer = new_link(app)
    nobody.get(link, 404)
    assert set_up(nobody, newer).title == "Checklist"


@pytest.mark.parametrize("key", ["", "?key=", "?key=wrong", "?key=%F0%9F%94%91"])
def test_no_other_key_opens_it(nobody: Portal, link: str, key: str) -> None:
    assert "setup link" in nobody.get(f"/setup{key}", 404).text


def test_it_is_never_made_while_there_is_a_superadmin(app: Flask, nobody: Portal, link: str) -> None:
    set_up(nobody, link)
    assert new_link(app) == "/setup?key=None"


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("organization", " ", "required"),
        ("name", "", "required"),
        ("email", "ines", "email address"),
        ("password", "too short", "15 characters"),
        ("password", "passwordpassword", "easy to guess"),
        ("password", "ines@harbour.example", "easy to guess"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    nobody: Portal, link: str, field: str, typed: str, said: str
) -> None:
    with unchanged(nobody.app):
        page = set_up(nobody, link, 422, **{field: typed})
    assert said in page.error(field)
    assert page.value("email") == (typed if field == "email" else DRAFT["email"])
    assert page.value("password") == ""
    assert page.press("Create and sign in", **DRAFT).title == "Checklist"


def test_an_email_that_is_a_users_already_is_told_beside_its_field(
    app: Flask, nobody: Portal, link: str
) -> None:
    with app.app_context():
        scope = Scope(context.session(), None, Actor(name="command line"), context.keys())
        person = {"email": "ines@harbour.example", "name": "Ines", "role": "member", "password": PASSWORD}
        organization = organizations.create(scope, {"name": "Harbour"})
        people.create(scope.into(organization), person)
    with unchanged(app):
        page = nobody.get(link).press("Create and sign in", 409, **DRAFT)
    assert "is a user already" in page.error("email")
