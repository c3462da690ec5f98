"""What pages promise about safety: headers, cookies, escaping, limits, failures."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from flask import Flask
from sqlalchemy import String, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import create_app
from app.config import Settings
from app.models import Base, Endpoint, Organization, User
from app.services import people
from tests.support.cast import Cast
from tests.support.furnished import Furnished, furnish, scope_as
from tests.support.html import Element, parse
from tests.support.pages import HOME, Portal
from tests.support.routes import FILES, portal_rules
from tests.support.rows import audit, unchanged

HOSTILE = '"><b hx-get=//x>'
ANSWERS = ["/sign-in", "/nowhere", "/account", "/healthz", "/static/x/css/base.css", "/readyz", "/o/x/people"]


@pytest.fixture
def here(app: Flask, cast: Cast) -> Furnished:
    return furnish(app, cast)


@pytest.mark.asvs("1.2.1")
@pytest.mark.parametrize("text", [HOSTILE, "{{7*7}}{%x%}", "<script>alert(1)</script>", "'-alert(1)-'"])
def test_what_is_stored_stays_text_on_every_page(
    app: Flask, here: Furnished, cast: Cast, dana: Portal, text: str
) -> None:
    """Written past the rules for input, into every column that pages show."""
    with scope_as(app, cast.dana) as scope, scope.transaction():
        scope.organization.name = text
        for row in scope.session.scalars(select(Endpoint)):
            row.label = row.inbound_agent_name = row.outbound_agent_name = text
        for user in scope.session.scalars(select(User)):
            user.name = text
        for table in (
            "voice_phone_numbers",
            "api_tokens",
            "connections",
            "provider_switches",
            "audit_events",
        ):
            _fill(scope.session, table, text)
        scope.organization.public_base_url = f"https://voice.example/{text}"
    shown = 0
    for rule, _, _ in portal_rules(app, unsafe=False):
        if rule.endpoint in ("setup.form", "sign_in.form", "sign_in.code") or rule.rule.endswith(FILES):
            continue
        path = here.address(rule) + ("?provider=vobiz" if "active" in rule.rule else "")
        shown += _harmless(dana.get(path).source, text)
    shown += _harmless(dana.get(f"/o/acme-support/endpoints?edit={here.ids['endpoint_id']}").source, text)
    assert shown > 40


def _fill(session: Session, table: str, text: str) -> None:
    columns = {"label", "name", "reason", "actor_name", "subject", "hint", "ai_agent_id"}
    found = Base.metadata.tables[table]
    values: dict[str, object] = {
        column.name: text
        for column in found.columns
        if column.name in columns and isinstance(column.type, String)
    }
    if table == "connections":
        values = {
            "values": dict.fromkeys(["account_sid", "phone_number", "project_id", "application_key"], text)
        }
    if table == "audit_events":
        values |= {"changes": {text: [text, text]}, "ip": text[:45]}
    session.execute(update(found).values(values))


def _harmless(source: str, text: str) -> int:
    """How often the text is there; as an element or an attribute never."""
    root = parse(source)
    for element in root.walk():
        assert element.get("hx-get") != "//x", element
        assert "alert(1)" not in element.get("href"), element
        for name in element.attrs:
            assert name.isascii(), element
            assert '"' not in name, element
        if element.tag == "script":
            assert "alert" not in "".join(map(str, element.children))
    whole = "\n".join(_strings(root))
    return whole.count(text)


def _strings(root: Element) -> list[str]:
    found = []
    for element in root.walk():
        found += [child for child in element.children if isinstance(child, str)]
        found += list(element.attrs.values())
    return found


@pytest.mark.asvs("1.2.1")
def test_what_is_typed_wrong_is_escaped_too(dana: Portal, cast: Cast) -> None:
    forms = [
        ("/o/acme-support/endpoints/new", "Add endpoint", "phone_number"),
        ("/o/acme-support/providers/twilio", "Save", "twilio_account_sid"),
        ("/o/acme-support/settings", "Save", "public_base_url"),
        ("/o/acme-support/people/new", "Add person", "email"),
        (f"/o/acme-support/people/{cast.mo.id}", "Give number", "phone_number"),
    ]
    for path, button, name in forms:
        page = dana.get(path).press(button, 422, **{name: HOSTILE})
        assert page.value(name) == HOSTILE
        assert _harmless(page.source, HOSTILE)
    page = dana.get("/o/acme-support/endpoints?q=%22%3E%3Cb%20hx-get%3D//x%3E")
    assert page.value("q") == HOSTILE
    for path in ("/o/%22%3E%3Cb%20hx-get=x%3E/", "/o/acme-support/providers/%3Cscript%3E", "/%3Cscript%3E"):
        assert "<script>" not in dana.get(path, 404).source.replace('<script src="', "")


@pytest.mark.asvs("1.3.7")
def test_templates_in_texts_are_not_run(dana: Portal) -> None:
    page = dana.get("/o/acme-support/settings").press("Save", name="{{7*7}} {{config}}")
    assert page.value("name") == "{{7*7}} {{config}}"
    for path in ("/", "/o/acme-support/", "/o/acme-support/audit"):
        assert "{{7*7}} {{config}}" in dana.get(path).source
        assert "SECRET_KEY" not in dana.get(path).source


def test_htmx_and_browsers_do_not_share_cached_pages(dana: Portal) -> None:
    for htmx in (None, "endpoints"):
        answer = dana.get("/o/acme-support/endpoints", htmx=htmx).answer
        assert {"HX-Request", "Cookie"} <= {part.strip() for part in answer.headers["Vary"].split(",")}


def test_they_are_behind_as_many_proxies_as_are_named(environment: dict[str, str], cast: Cast) -> None:
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


def test_a_body_that_is_too_large_is_refused(app: Flask, dana: Portal) -> None:
    with unchanged(app):
        answer = dana.raw("POST", "/o/acme-support/settings", data={"name": "x" * 1_100_000})
        assert answer.status_code == 413
        assert "Too large" in answer.text


@pytest.mark.asvs("16.4.1")
def test_nobody_forges_a_line_of_the_log(dana: Portal, cast: Cast, nobody: Portal, logged: StringIO) -> None:
    forged = 'x\r\n{"event": "forged", "level": "info"}\r\n'
    nobody.get("/sign-in").press("Sign in", 401, email=f"{forged}@a.example", password=forged)
    nobody.raw("GET", "/nowhere%0d%0aforged", headers={"User-Agent": "forged"})
    dana.get("/o/acme-support/settings").press("Save", 422, name=forged)
    lines = logged.getvalue().splitlines()
    assert len(lines) > 2
    for line in lines:
        assert json.loads(line)["event"] != "forged"


@pytest.mark.asvs("16.5.1")
@pytest.mark.parametrize("htmx", [None, "endpoints"])
def test_a_failure_shows_an_id_and_nothing_else(
    app: Flask,
    dana: Portal,
    monkeypatch: pytest.MonkeyPatch,
    logged: StringIO,
    htmx: str | None,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the private reason")

    app.testing = False
    monkeypatch.setattr(people, "page", fail)
    page = dana.get("/o/acme-support/people", 500, htmx=htmx)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    (failure,) = [line for line in lines if line["event"] == "request.failed"]
    assert failure["request_id"] in page.source
    assert "the private reason" in failure["exception"]
    for hidden in ("private", "RuntimeError", "Traceback", "people.py", "/work"):
        assert hidden not in page.source
    assert "Something went wrong" in page.source


@pytest.mark.asvs("13.4.2")
def test_there_is_no_debugger(app: Flask, nobody: Portal) -> None:
    assert not app.debug
    for path in (
        "/console",
        "/?__debugger__=yes&cmd=resource&f=debugger.js",
        "/_debug_toolbar/",
        "/.env",
        "/.git/config",
    ):
        answer = nobody.raw("GET", path)
        assert answer.status_code in (303, 404)
        assert "debugger" not in answer.text.lower() or answer.status_code == 303


def test_a_page_that_was_signed_out_is_not_found_in_its_parts(dana: Portal, cast: Cast) -> None:
    """What was refused for want of a session tells nothing of what is there."""
    known = f"/o/acme-support/people/{cast.mo.id}"
    dana.sign_out()
    for path in (known, "/o/acme-support/people/nobody", "/o/nowhere/"):
        answer = dana.raw("GET", path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in?next=")


def test_the_organization_of_a_page_is_in_its_address(app: Flask, dana: Portal, cast: Cast) -> None:
    """Two tabs on two organizations never mix."""
    acme, globex = (dana.get(f"/o/{slug}/settings") for slug in ("acme-support", "globex"))
    acme.press("Save", country="IN")
    globex.press("Save", country="US")
    with scope_as(app, cast.dana) as scope:
        countries = {row.slug: row.country for row in scope.session.scalars(select(Organization))}
    assert countries == {"acme-support": "IN", "globex": "US"}


def test_a_database_that_is_away_is_told_on_a_page(
    app: Flask, dana: Portal, nobody: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even who asks can be known then."""

    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(Session, "execute", away)
    monkeypatch.setattr(Session, "scalar", away)
    monkeypatch.setattr(Session, "scalars", away)
    for path in ("/", "/account", "/o/acme-support/endpoints"):
        page = dana.get(path, 503)
        assert page.title == "Not available right now"
        assert "The database cannot be reached right now." in page.text
    page = dana.get("/o/acme-support/endpoints", 503, htmx="endpoints")
    assert "cannot be reached" in page.notes
    for portal in (nobody, dana):
        assert portal.get("/nowhere", 404).title == "Not found"


@pytest.mark.parametrize("path", ["/setup?key=%00", "/o/acme-support/endpoints?q=%00", "/sign-in?next=/%00"])
def test_a_nul_in_the_address_does_no_harm(app: Flask, dana: Portal, path: str) -> None:
    with unchanged(app):
        assert dana.raw("GET", path).status_code in {303, 400, 404}


@pytest.mark.asvs("1.2.4")
def test_sql_in_an_address_changes_nothing(app: Flask, here: Furnished, dana: Portal) -> None:
    injected = "'; DROP TABLE endpoints; --"
    with unchanged(app, but=("sessions",)):
        for name in ("q", "provider", "active", "agent", "before", "key", "next"):
            for path in ("/o/acme-support/endpoints", "/o/acme-support/audit", "/sign-in"):
                answer = dana.raw("GET", path, query_string={name: injected})
                assert answer.status_code < 400, (path, name)
        for path in (f"/o/{injected}/", f"/o/acme-support/people/{injected}"):
            dana.get(path, 404)


def test_a_file_of_another_version_is_not_kept(nobody: Portal) -> None:
    """An old machine that is asked for new bytes must not have its own kept for a year."""
    answer = nobody.raw("GET", "/static/of-tomorrow/css/base.css")
    assert answer.headers["Cache-Control"] == "no-cache"
