"""Every route of the portal: who may see it, what it needs, and what it leaves alone."""

from __future__ import annotations

import json
import re
from io import StringIO

from flask import Flask
from sqlalchemy import QueuePool

from app import web
from app.extensions import db
from app.web.shell import messages
from app.web.shell.guard import Who
from devtools.scopes import PASSWORD
from tests.support.full_organization import Furnished
from tests.support.pages import Portal
from tests.support.routes import FILES, everything, portal_pages, portal_rules


def test_addresses_are_in_kebab_case_and_of_a_page_or_a_file(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        plain = [part for part in rule.rule.split("/") if part and not part.startswith("<")]
        for part in plain:
            assert part == part.lower(), rule.rule
            assert "_" not in part, rule.rule
    titled = {page.rule for blueprint in web.blueprints() for page in blueprint.registered}
    untitled = {rule.rule for rule, *_ in portal_rules(app, unsafe=False)} - titled
    assert {rule for rule in untitled if not rule.endswith(FILES)} == set()


def test_without_a_session_forms_and_htmx_lead_to_sign_in_and_back(
    app: Flask, dana: Portal, here: Furnished
) -> None:
    """htmx is redirected, so that no page is swapped into another. Where something was sent, it stays on
    the page that has it."""
    page = dana.get("/o/acme-support/settings")
    submitted = {"csrf_token": dana.token(), "name": "Typed for long"}
    Portal(app, dana.cookie).sign_out()
    for portal in (dana, Portal(app)):
        referer = {"Referer": f"https://localhost{page.path}"}
        answer = portal.raw("POST", page.path, data=submitted, headers=referer)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?next={page.path}")
        form = portal.get(answer.headers["Location"])
        assert messages.SIGNED_OUT in form.notes
        there = form.press("Sign in", email="dana@acme.example", password=PASSWORD)
        assert there.title == "Settings"
    gone = Portal(app)
    answer = gone.raw("POST", "/sign-out")
    assert answer.status_code == 303
    assert messages.SIGNED_OUT not in gone.get(answer.headers["Location"]).notes

    ended_token = dana.token()
    Portal(app, dana.cookie).sign_out()
    anonymous = Portal(app)
    table = "/o/acme-support/endpoints"
    for portal, token in ((dana, ended_token), (anonymous, anonymous.token())):
        headers = {"HX-Request": "true", "HX-Target": "endpoints"}
        headers["HX-Current-URL"] = f"https://localhost{table}?q=1"
        answer = portal.raw("GET", f"{table}?q=2&edit=1", headers=headers)
        assert (answer.status_code, answer.data) == (401, b"")
        assert answer.headers["HX-Redirect"] == "/sign-in?next=/o/acme-support/endpoints?q%3D1"
        headers["HX-Current-URL"] = "https://elsewhere.example//elsewhere.example/"
        answer = portal.raw("GET", table, headers=headers)
        assert portal.get(answer.headers["HX-Redirect"]).root.one("input", name="next")["value"] == ""
        path = f"{table}/{here.ids['endpoint_id']}/active"
        answer = portal.raw("POST", path, headers=headers, data=everything(token))
        assert (answer.status_code, answer.data) == (401, b"")
        assert "HX-Redirect" not in answer.headers


def test_every_page_passes_the_page_checks(
    app: Flask, here: Furnished, dana: Portal, mo: Portal, anonymous: Portal, *, thorough: bool
) -> None:
    """What `Portal.get` finds fault with, on every page there is: furnished, and thorough also empty."""
    own = {"endpoint_id", "import_id", "job_id", "user_id", "switch_id", "number", "event_id"}
    own |= {"destination_id", "call_id", "view_id"}
    for page in portal_pages():
        dana.get(here.page(page))
        if page.who is Who.USER:
            mo.get(here.page(page))
        if thorough and "<slug>" in page.rule and not any(f"<{name}>" in page.rule for name in own):
            dana.get(here.page(page).replace(here.ids["slug"], "globex"))
    dana.get("/setup", 404)
    assert "/api/settings/endpoints" in anonymous.get("/api/docs").text
    for provider in ("sinch", "exotel", "vobiz", "elevenlabs", "sinch_est") if thorough else ("sinch",):
        dana.get(f"/o/acme-support/providers/{provider}")
    dana.get(f"/o/acme-support/endpoints?edit={here.ids['endpoint_id']}")


def test_file_response_returns_its_connection(app: Flask, here: Furnished, dana: Portal) -> None:
    with app.app_context():
        pool = db.engine.pool
    assert isinstance(pool, QueuePool)
    count = 0
    for rule, _, _ in portal_rules(app, unsafe=False):
        if rule.rule.endswith(FILES):
            assert dana.raw("GET", here.address(rule)).status_code == 200
            assert pool.checkedout() == 0, rule.rule
            count += 1
    assert count > 4


def test_a_refusal_is_in_the_log_with_the_id_of_its_request(dana: Portal, logged: StringIO) -> None:
    assert dana.raw("POST", "/o/acme-support/settings", data={"name": "x"}).status_code == 400
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["route"], line["status"]) == ("/o/<slug>/settings", 400)
    assert re.fullmatch("[0-9a-f]{16}", line["request_id"])
