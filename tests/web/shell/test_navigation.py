"""Finding the way: breadcrumbs, shortcuts, and the organization of a page."""

from __future__ import annotations

import pytest
from flask import Flask

from devtools.html import Element
from tests.support.cast import Cast
from tests.support.full_organization import Furnished
from tests.support.pages import Page, Portal


def crumbs(page: Page) -> list[tuple[str, str]]:
    """The text and address of each page above this one."""
    navs = page.root.all("nav", css="pb-crumbs")
    return [(crumb.text, _href(crumb)) for nav in navs for crumb in nav.all("li")]


def _href(crumb: Element) -> str:
    return next((link["href"] for link in crumb.all("a")), "")


def test_missing_or_refused_page_keeps_the_navigation(dana: Portal, gus: Portal, mo: Portal) -> None:
    """It is no recent one. One for superadmins leads a member to their account."""
    here = dana.get("/o/acme-support/providers/twilio")
    assert "data-recent" in here.root.by_id("main").attrs
    links = [link["href"] for link in here.navigation.all("a")]
    for path in ("nonsense", "providers/nope", "endpoints/no-such"):
        page = dana.get(f"/o/acme-support/{path}", 404)
        assert [link["href"] for link in page.navigation.all("a")] == links
        assert crumbs(page)[0] == ("Acme Support", "/o/acme-support/")
        assert (page.has_link("Endpoints"), page.has_link("Find")) == (True, True)
    page = dana.get("/o/acme-support/providers/nope", 404)
    assert page.root.one("div", **{"data-error": "404"}).one("h2").text == "Provider 'nope' not found."
    below = [f"/o/nowhere/{path}" for path in ("people/1", "providers/sinch/callback", "endpoints/1/delete")]
    other_case = "/o/ACME-SUPPORT/people"
    for path in ("/no/such/page", "/o/nowhere/people", *below, other_case, "/o/acme-support%00/people"):
        page = dana.get(path, 404)
        assert crumbs(page) == []
        assert "data-recent" not in page.root.by_id("main").attrs
        assert (page.has_link("Organizations"), page.has_link("Find")) == (True, True)
    assert crumbs(mo.get("/o/acme-support/nonsense", 404)) == []

    account = mo.get("/account").navigation
    for path in ("/o/acme-support/endpoints", "/audit"):
        page = mo.get(path, 403)
        assert [link["href"] for link in page.navigation.all("a")] == [
            link["href"] for link in account.all("a")
        ]
        (link,) = page.root.one("div", **{"data-error": "403"}).all("a")
        assert (link["href"], "member" in page.root.by_id("main").text) == ("/account", True)


def test_refused_form_or_failed_page_is_a_page_of_the_portal(
    dana: Portal, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed page can be requested again. A failed form cannot: part of it may be done."""
    page = dana.post("/help", {"csrf_token": dana.token()}, 405)
    assert page.root.one("div", **{"data-error": "405"}).one("h2").text == "This address receives no forms."
    provider = "/o/acme-support/providers/vobiz"
    for path in (f"{provider}/verify", f"{provider}/enabled"):
        assert dana.get(path).path == provider, "an address that only takes a form leads to its page"
    page = dana.get("/sign-out", 405)
    assert page.root.one("div", **{"data-error": "405"}).one("h2").text == "This address only receives forms."
    for path, submitted, status in (
        ("/o/acme-support/settings", {"csrf_token": "old"}, 400),
        ("/o/acme-support/endpoints/new/x", {"csrf_token": dana.token()}, 404),
    ):
        assert crumbs(dana.post(path, submitted, status))[0] == ("Acme Support", "/o/acme-support/")

    def fail(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    for endpoint in ("guides.table", "settings.save"):
        monkeypatch.setitem(app.view_functions, endpoint, fail)
    assert dana.get("/help", 500).link("Try again")["href"] == ""
    assert not dana.post("/o/acme-support/settings", {"csrf_token": dana.token()}, 500).has_link("Try again")


def test_breadcrumbs_lead_to_the_pages_above_and_each_has_its_own_key(
    here: Furnished, cast: Cast, dana: Portal
) -> None:
    home, endpoints = ("Acme Support", "/o/acme-support/"), ("Endpoints", "/o/acme-support/endpoints")
    endpoint = ("+1 555-123-4567", f"/o/acme-support/endpoints/{here.ids['endpoint_id']}")
    people, mo = ("People", "/o/acme-support/people"), f"/o/acme-support/people/{cast.mo.id}"
    twilio = ("Twilio", "/o/acme-support/providers/twilio")
    expected = {
        home[1]: [("Acme Support", "")],
        endpoints[1]: [home],
        endpoint[1]: [home, endpoints],
        f"{endpoint[1]}/delete": [home, endpoints, endpoint],
        f"{endpoint[1]}/last-call": [home, endpoints, endpoint],
        f"{twilio[1]}/disable": [home, twilio],
        f"{mo}/link": [home, people, ("Mo", mo)],
        "/notifications/new": [("Notifications", "/notifications")],
        "/": [],
    }
    assert {path: crumbs(dana.get(path)) for path in expected} == expected

    for path in ("/", "/o/acme-support/endpoints"):
        page = dana.get(path)
        keys = [link["data-go"] for link in page.root.all("a") if "data-go" in link.attrs]
        assert len(keys) == len(set(keys)) > 2, path
        shown = [key.text for key in page.root.one("dialog", id="keys").all("kbd")]
        assert [key for place, key in enumerate(shown) if place and shown[place - 1] == "g"] == keys, path
