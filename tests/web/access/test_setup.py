"""The setup key: the only way into a fresh install, and only once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app import context
from app.services.access import messages, users
from app.services.installation import setup
from app.services.organizations import directory
from app.services.scope import Actor, Scope
from app.web.access.messages import WELCOME
from tests.support.pages import Portal
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


def new_key(app: Flask) -> str:
    """As the console prints it, at the end of the link."""
    with app.app_context():
        scope = Scope(context.session(), None, Actor(name="command line"), context.keys())
        return str(setup.new_setup_token(scope))


def test_setup_from_no_key_to_the_home_of_the_organization(app: Flask, anonymous: Portal) -> None:
    anonymous.get("/setup", 404)
    key = new_key(app)
    for path in ("/", "/sign-in", "/o/any/endpoints"):
        page = anonymous.get(path)
        assert page.path.startswith("/sign-in")
        assert not page.has_button("Sign in")
        assert key not in page.source
    form = page.follow("enter the key")
    for wrong in ["", "wrong", "\U0001f511"]:
        with unchanged(app, but=("throttles",)):
            page = form.press("Create and sign in", 422, **(DRAFT | {"key": wrong}))
        assert page.error("key"), wrong
        assert page.value("organization") == DRAFT["organization"], wrong
    page = page.press("Create and sign in", **(DRAFT | {"key": key}))
    assert (page.path, page.title) == ("/o/blue-harbour/", "Home")
    assert WELCOME in page.notes
    assert [event.action for event in audit(app)] == ["organization.created", "user.created", "signed-in"]
    assert {event.actor_name for event in audit(app)} == {"ines@harbour.example"}
    assert Portal(app).get("/").has_button("Sign in")
    assert "Ines" in Portal(app).sign_in("ines@harbour.example", PASSWORD).source


def test_setup_shows_each_error_beside_its_field(app: Flask, anonymous: Portal) -> None:
    key = new_key(app)
    form = anonymous.get("/setup")
    for field, typed in [
        ("organization", " "),
        ("name", ""),
        ("email", "ines"),
        ("password", "too short"),
        ("password", "passwordpassword"),
        ("password", "ines@harbour.example"),
    ]:
        with unchanged(app):
            page = form.press("Create and sign in", 422, **(DRAFT | {"key": key, field: typed}))
        assert page.source.count(page.error(field) or "no error") == 1, (field, typed)
        links = [link["href"] for link in page.root.one("div", css="pb-summary").all("a")]
        assert links == [f"#{page.control(field)['id']}"], (field, typed)
        assert page.value("email") == (typed if field == "email" else DRAFT["email"]), (field, typed)
        assert page.value("password") == "", (field, typed)
    page = form.press("Create and sign in", 422, **(dict.fromkeys(DRAFT, "") | {"key": key}))
    assert [name for name in DRAFT if not page.error(name)] == [], "all of them together"
    with app.app_context():
        scope = Scope(context.session(), None, Actor(name="command line"), context.keys())
        person = {"email": "ines@harbour.example", "name": "Ines", "role": "member", "password": PASSWORD}
        organization = directory.create(scope, {"name": "Harbour"})
        users.create(scope.for_organization(organization), person)
    with unchanged(app):
        page = form.press("Create and sign in", 409, **(DRAFT | {"key": key}))
    assert page.error("email") == messages.email_in_use("ines@harbour.example")
