"""What pages promise about safety: headers, cookies, escaping, limits, failures."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import create_app
from app.config import Settings
from app.models import Organization
from devtools.html import parse
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import HOME, Portal
from tests.support.rows import audit


def test_caches_keep_no_page_or_file_of_another_request(dana: Portal) -> None:
    """An old machine that is asked for new bytes must not have its own kept for a year."""
    answer = dana.raw("GET", "/static/of-tomorrow/css/base.css")
    assert answer.headers["Cache-Control"] == "no-cache"
    for htmx in (None, "endpoints"):
        answer = dana.get("/o/acme-support/endpoints", htmx=htmx).answer
        assert {"HX-Request", "Cookie"} <= {part.strip() for part in answer.headers["Vary"].split(",")}


def test_trusted_proxies_decide_the_client_address(environment: dict[str, str], cast: Cast) -> None:
    app = create_app(Settings.from_environment(environment | {"PATCHBAY_TRUSTED_PROXIES": "1"}))
    client = app.test_client()
    page = parse(client.get("/sign-in", base_url=HOME).text)
    client.post(
        "/sign-in",
        base_url=HOME,
        data={
            "csrf_token": page.one("input", name="csrf_token")["value"],
            "email": "x@y.example",
            "password": "no",
        },
        headers={"X-Forwarded-For": "198.51.100.66, 203.0.113.9"},
    )
    assert audit(app)[-1].ip == "203.0.113.9"


def test_the_organization_of_a_page_is_in_its_address(app: Flask, dana: Portal, cast: Cast) -> None:
    """Two tabs on two organizations never mix."""
    acme, globex = (dana.get(f"/o/{slug}/settings") for slug in ("acme-support", "globex"))
    acme.send("Save", country="IN")
    globex.send("Save", country="US")
    with scope_as(app, cast.dana) as scope:
        countries = {row.slug: row.country for row in scope.session.scalars(select(Organization))}
    assert countries == {"acme-support": "IN", "globex": "US"}


def test_pages_without_a_database_are_503(
    app: Flask, dana: Portal, anonymous: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user cannot be known then."""

    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(Session, "execute", away)
    monkeypatch.setattr(Session, "scalar", away)
    monkeypatch.setattr(Session, "scalars", away)
    for path in ("/", "/account", "/o/acme-support/endpoints"):
        page = dana.get(path, 503)
        assert page.title == "Temporarily unavailable"
    page = dana.get("/o/acme-support/endpoints", 503, htmx="endpoints")
    assert "unavailable" in page.notes
    for portal in (anonymous, dana):
        assert portal.get("/nowhere", 404).title == "Not found"
