"""Saved views of the endpoints table, without JavaScript."""

from __future__ import annotations

from flask import Flask

from app.services.endpoints import crud, messages, saved_views
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

PATH = "/o/acme-support/endpoints"
CROSSING = ("audit_chains", "audit_events", "throttles")
"""What changes when a superadmin opens another organization."""


def tabs(page: Page) -> dict[str, str]:
    """The addresses of the views by name; the one that is shown has a star."""
    (nav,) = page.root.all("nav", **{"aria-label": "Views"})
    return {f"{tab.text}{'*' if 'aria-current' in tab.attrs else ''}": tab["href"] for tab in nav.all("a")}


def saved(portal: Portal, query: str, name: str, status: int = 200) -> Page:
    return portal.get(f"{PATH}?{query}").follow("Save view").press("Save view", status, name=name)


def test_a_view_is_saved_shown_renamed_and_deleted(app: Flask, dana: Portal, cast: Cast) -> None:
    with scope_as(app, cast.dana) as scope:
        crud.create(scope, {"phone_number": "+15551234567", "provider": "twilio"})
    assert "hidden" in dana.get(PATH).root.by_id("views").attrs
    page = saved(dana, "q=5&provider=twilio&sort=-number&cursor=", " Mine ")
    assert page.path == f"{PATH}?q=5&provider=twilio&sort=-number"
    assert tabs(page) == {"All": PATH, "Mine*": page.path}
    saved(dana, "sync=drifted", "Other")
    assert [*tabs(dana.get(PATH))] == ["All*", "Mine", "Other"]
    page = page.press("Rename", name="Two")
    assert [*tabs(page)] == ["All", "Two*", "Other"]
    page = page.press("Delete view")
    assert [*tabs(page)] == ["All", "Other"]
    (undo,) = page.root.all("a", **{"data-undo": ""})
    assert dana.get(undo["href"]).value("name") == "Two"
    again = dana.post(undo["hx-post"], {"csrf_token": dana.token()}, htmx="endpoints")
    assert [*tabs(again)] == ["All", "Other", "Two*"]


def test_a_view_is_its_users_with_a_filter_and_a_name_of_its_own(
    app: Flask, dana: Portal, gus: Portal, cast: Cast
) -> None:
    """And its organization's."""
    with scope_as(app, cast.dana) as scope:
        view_id = saved_views.save(scope, "Mine", "provider=twilio").id
    assert not gus.get(f"{PATH}?provider=twilio").has_link("Mine")
    with unchanged(app, but=CROSSING):
        for path in (f"{PATH}/views/{view_id}", f"/o/globex/endpoints/views/{view_id}"):
            gus.get(path, 404)
            gus.post(path, {"csrf_token": gus.token(), "name": "Theirs"}, 404)
            gus.post(f"{path}/delete", {"csrf_token": gus.token()}, 404)
        dana.get(f"/o/globex/endpoints/views/{view_id}", 404)

    with unchanged(app):
        form = dana.get(f"{PATH}?sync=drifted").follow("Save view")
        for name in ("", "x" * 61, "a\tb"):
            assert form.press("Save view", 422, name=name).error("name"), name
        page = form.press("Save view", 409, name="Mine")
        assert page.error("name") == messages.view_exists("Mine")
        assert page.follow("Cancel").path == f"{PATH}?sync=drifted"
        assert dana.get(f"{PATH}/views/new").press("Save view", 422, name="All").error("name")
    with scope_as(app, cast.dana) as scope:
        for n in range(saved_views.MOST - 1):
            saved_views.save(scope, f"No. {n}", f"q={n}")
    with unchanged(app):
        assert form.press("Save view", 422, name="Last").error("name")
