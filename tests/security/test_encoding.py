"""Whatever is typed or sent stays what it is: text, not markup, SQL, a formula or a template."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import String, select, update
from sqlalchemy.orm import Session

from app.models import Base, Endpoint, User
from app.providers import PROVIDERS
from app.services.providers import credentials
from devtools.html import Element, parse
from tests.security.conftest import ON_BOTH, SECURE_HOST, Clients, World, nothing_pending
from tests.support.caller import fields
from tests.support.cast import Cast
from tests.support.full_organization import Furnished, scope_as
from tests.support.pages import HOME, Portal
from tests.support.routes import FILES, portal_rules
from tests.support.rows import unchanged

ACME = "/o/acme-support"
HOSTILE = """"><b hx-get=//x><script>alert(1)</script>'-alert(1)-'{{7*7}}{%x%}${7*7}"""
SQL = ["x'; DROP TABLE endpoints; --", "' OR '1'='1", "%", "_", "\\", '"', "1) UNION SELECT 1--"]
TYPED = {"label", "name", "reason", "actor_name", "subject", "hint", "ai_agent_id", "agent_name"}
"""Columns whose text was typed by a user, or written by a provider."""
FORMULA = tuple("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")
NEEDED = {
    "providers.confirm_active": "provider=vobiz",
    "settings.confirm_base_url": "url=https://other.example.com",
}


def harmless(source: str) -> int:
    """How often the hostile text is on a page: as text, never as an element or an attribute.

    A link to a page of the portal may have it in its query, where it is percent-encoded.
    """
    root = parse(source)
    for element in root.walk():
        assert element.get("hx-get") != "//x", element
        page, _, query = element.get("href").partition("?")
        assert "alert(1)" not in page, element
        assert "alert(1)" not in query or page.startswith("/o/"), element
        for name in element.attrs:
            assert name.isascii(), element
            assert '"' not in name, element
        if element.tag == "script":
            assert "alert" not in "".join(map(str, element.children))
    whole = re.sub(r'<span class="pb-whole">([^<]*)</span>', r"\1", source.replace("<wbr>", ""))
    joined = root if whole == source else parse(whole)  # where a URL may be broken, and where it may not
    return "\n".join(_strings(joined)).count(HOSTILE)


def _strings(root: Element) -> list[str]:
    strings = []
    for element in root.walk():
        strings += [child for child in element.children if isinstance(child, str)]
        strings += list(element.attrs.values())
    return strings


MARKUP = [
    f"<p>{HOSTILE}</p></b>",
    '<p><a href="javascript:alert(1)">x</a></p>',
    '<p><a href="javascript:x?alert(1)">x</a></p>',
]
"""Pages that `harmless` has to refuse."""


@pytest.mark.asvs("1.2.1", "1.3.7")
def test_what_is_stored_stays_text_on_every_page(
    app: Flask, here: Furnished, dana: Portal, mo: Portal, thorough: bool
) -> None:
    """Written past the rules for input, into every column that pages show. A third; thorough, each."""
    for page in MARKUP:
        with pytest.raises(AssertionError):
            harmless(page)
    with scope_as(app, here.cast.dana) as scope, scope.transaction():
        scope.organization.name = HOSTILE
        scope.organization.public_base_url = f"https://voice.example/{HOSTILE}"
        for row in scope.session.scalars(select(Endpoint)):
            row.label = row.inbound_agent_name = row.outbound_agent_name = HOSTILE
        for user in scope.session.scalars(select(User)):
            user.name = HOSTILE
        for table in ("voice_phone_numbers", "api_tokens", "provider_switches", "audit_events", "calls"):
            _fill(scope.session, table)
        _fill(scope.session, "connections")
    shown = 0
    for rule, _, _ in [*portal_rules(app, unsafe=False)][:: 1 if thorough else 3]:
        if rule.endpoint in ("setup.form", "sign_in.form", "sign_in.code") or rule.rule.endswith(FILES):
            continue
        query = NEEDED.get(rule.endpoint)
        shown += harmless(dana.get(here.address(rule) + (f"?{query}" if query else "")).source)
    shown += harmless(dana.get(f"{ACME}/endpoints?edit={here.ids['endpoint_id']}").source)
    shown += harmless(mo.get("/account").source)
    assert shown > 40


def _fill(session: Session, table: str) -> None:
    model_table = Base.metadata.tables[table]
    values: dict[str, object] = {
        column.name: HOSTILE
        for column in model_table.columns
        if column.name in TYPED and isinstance(column.type, String)
    }
    if table == "connections":
        names = ["account_sid", "phone_number", "project_id", "application_key"]
        values = {"values": dict.fromkeys(names, HOSTILE)}
    if table == "audit_events":
        values |= {"changes": {HOSTILE: [HOSTILE, HOSTILE]}, "ip": HOSTILE[:45]}
    assert values, table
    session.execute(update(model_table).values(values))


@pytest.mark.asvs("1.2.1")
def test_what_a_provider_wrote_stays_text(app: Flask, cast: Cast, dana: Portal, world: World) -> None:
    simulators: dict[str, Any] = world.simulators
    with scope_as(app, cast.dana) as scope:
        for key, one in simulators.items():
            credentials.save(scope, PROVIDERS[key], one.values)
    nothing_pending(app)
    for number in simulators["twilio"].numbers.values():
        number.friendly_name, number.voice_url = HOSTILE, f"https://x.example/{HOSTILE}"
    for number in simulators["exotel"].numbers.values():
        number.friendly_name = HOSTILE
    for application in simulators["vobiz"].applications.values():
        application.app_name, application.answer_url = HOSTILE, f"https://x.example/{HOSTILE}"
    simulators["exotel"].region = SECURE_HOST
    simulators["sinch"].urls = {"primary": f"https://x.example/{HOSTILE}"}
    simulators["elevenlabs"].convai.agents = {"agent-1": HOSTILE}
    shown = [
        harmless(dana.get(f"{ACME}/providers/{key}/{page}").source)
        for key, page in (
            ("twilio", "numbers?list=1"),
            ("exotel", "numbers?list=1"),
            ("vobiz", "numbers?list=1"),
            ("sinch", "callback"),
        )
    ]
    assert all(shown), shown


@pytest.mark.asvs("1.2.1", "1.3.7")
def test_what_is_typed_stays_text(dana: Portal, cast: Cast) -> None:
    """Refused, it is in its field; a name that looks like a template is stored, and not run."""
    forms = [
        ("endpoints/new", "Add endpoint", "phone_number"),
        ("providers/twilio", "Save", "twilio_account_sid"),
        ("settings", "Save", "public_base_url"),
        ("people/new", "Create invitation", "email"),
        (f"people/{cast.mo.id}", "Assign number", "phone_number"),
    ]
    for path, button, name in forms:
        page = dana.get(f"{ACME}/{path}").press(button, 422, **{name: HOSTILE})
        assert page.value(name) == HOSTILE
        assert harmless(page.source)
    page = dana.get(f"{ACME}/endpoints").press("Apply", q=HOSTILE)
    assert page.value("q") == HOSTILE
    assert harmless(page.source)
    for path in ("/o/%22%3E%3Cb%20hx-get=x%3E/", f"{ACME}/providers/%3Cscript%3E", "/%3Cscript%3E"):
        assert "<script>" not in dana.get(path, 404).source.replace('<script src="', "")
    text = "{{7*7}} {{config}} {%include '/etc/passwd'%}"
    page = dana.get(f"{ACME}/settings").press("Save", name=text)
    assert page.value("name") == text
    for path in ("/", f"{ACME}/", f"{ACME}/audit"):
        source = dana.get(path).source
        assert "{{7*7}} {{config}}" in source
        assert "SECRET_KEY" not in source


AGENTS = {
    "sales agent": "sales%20agent",
    "100% sure?": "100%25%20sure%3F",
    "a#b;c=d+e&f": "a%23b%3Bc%3Dd%2Be%26f",
    "Zoë": "Zo%C3%AB",
    "\u05d0\u05d1": "%D7%90%D7%91",
    "...": "...",
    '"><b hx-get=!!x>': "%22%3E%3Cb%20hx-get%3D%21%21x%3E",
    "{{7*7}}": "%7B%7B7%2A7%7D%7D",
}
NO_SEGMENTS = ["a/b", "..", ".", "a\nb", "", "x" * 101]
NO_BASES = [
    *["javascript:alert(1)", "JavaScript://voice.example.com/%0aalert(1)", "data:text/html,x"],
    *["http://voice.example.com", "ftp://voice.example.com", "//voice.example.com", "file:///etc"],
    *["https://localhost", "https://10.0.0.1", "https://[::1]", "https://2130706433", "https://0x7f.1"],
    *["https://ann:word@voice.example.com", "https://voice.example.com#x", "https://voice.example.com?x"],
    *["https://voice.example.com/../x", "https://voice.example.com/a\nb", "https://box.local"],
]


@pytest.mark.asvs("1.2.2")
def test_a_webhook_url_has_a_public_host_and_one_encoded_segment(
    app: Flask, dana: Portal, api: Clients, thorough: bool, here: Furnished
) -> None:
    """Bases each by the API, and one in ten on the page; one in four agents. Thorough, each on both."""
    wrong: list[Any] = []
    with unchanged(app):
        for place, url in enumerate(NO_BASES):
            refused = api.dana.put("/api/settings/telephony", {"public_base_url": url})
            if fields(refused) != {"public_base_url"}:
                wrong.append(url)
            if thorough or place % 10 == 0:
                page = dana.get(f"{ACME}/settings").press("Save", 422, public_base_url=url)
                if not page.error("public_base_url"):
                    wrong.append(f"{url}, page")
    assert wrong == []

    path, wrong = f"endpoints/{here.ids['endpoint_id']}", []
    for place, (agent, encoded) in enumerate(AGENTS.items()):
        url = f"https://voice.acme.example/telephony/twilio/inbound/{encoded}"
        saved = api.dana.put(f"/api/settings/{path}", {"inbound_agent_name": agent}).get_json()
        if (saved["inbound_agent_name"], saved["inbound_webhook_url"]) != (agent, url):
            wrong.append((agent, saved))
        if (thorough or place % 4 == 0) and url not in dana.get(f"{ACME}/{path}").text:
            wrong.append((agent, "page"))
    # The agents saved above queued a check, which the server may be running.
    with unchanged(app, but=("check_runs", "drift_checks")):
        for agent in NO_SEGMENTS:
            refused = api.dana.put(f"/api/settings/{path}", {"inbound_agent_name": agent})
            if fields(refused) != {"inbound_agent_name"}:
                wrong.append((agent, refused.text))
    assert wrong == []


@ON_BOTH
@pytest.mark.asvs("1.2.4")
def test_sql_in_a_parameter_is_text(
    app: Flask, here: Furnished, dana: Portal, api: Clients, thorough: bool
) -> None:
    """A search finds it; other parameters take all of it together, on a page in turn; thorough, on each."""
    for text in SQL:
        with scope_as(app, here.cast.dana) as scope, scope.transaction():
            row = scope.session.get_one(Endpoint, here.ids["endpoint_id"])
            row.label = row.inbound_agent_name = text
        rows = api.careful.get("/api/settings/endpoints", query_string={"q": text}).get_json()
        assert [row["label"] for row in rows] == [text]
    text = " ".join(SQL)
    with unchanged(app, but=("sessions",)):
        names = ("q", "provider", "active", "agent", "before", "cursor", "sort", "key", "next")
        paths = [f"{ACME}/endpoints", f"{ACME}/audit", f"{ACME}/people", "/find", "/sign-in"]
        for place, name in enumerate(names):
            for path in paths if thorough else [paths[0], paths[place % 5]]:
                answer = dana.raw("GET", path, query_string={name: text})
                assert answer.status_code in (200, 303, 302, 400, 404), (path, name)
        for path in ("settings/endpoints", "settings/endpoints/resolve", "calls/providers/config"):
            for name in ("q", "cursor", "provider", "agent", "phone_number", "organizationId"):
                assert api.careful.get(f"/api/{path}", query_string={name: text}).status_code < 500
        for path in (f"/o/{text}/", f"{ACME}/people/{text}"):
            assert dana.raw("GET", path).status_code == 404


@pytest.mark.asvs("1.2.10")
def test_no_cell_of_an_export_is_a_formula_and_each_comes_back(
    app: Flask, here: Furnished, cast: Cast, dana: Portal
) -> None:
    """Every number begins with a plus; labels and names are typed by users."""
    cells = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "'=1", '="x"', "\uff1d1", 'a "b"; c, d', "'", "Café 🔔"]
    with scope_as(app, cast.dana) as scope, scope.transaction():
        organization = scope.organization.id
        for place, cell in enumerate(cells):
            number, agent = f"+1555000{4000 + place}", cell.replace("/", "")
            scope.session.add(
                Endpoint(
                    organization_id=organization,
                    phone_number=number,
                    provider="twilio",
                    label=cell,
                    inbound_agent_name=agent,
                )
            )
        for user in scope.session.scalars(select(User)):
            user.name = "=1+1"
        _fill_with(scope.session, "audit_events", "=cmd|' /C calc'!A0")
    files = 0
    for rule, _, _ in portal_rules(app, unsafe=False):
        if rule.rule.endswith(".csv"):
            answer = dana.raw("GET", here.address(rule))
            assert answer.status_code == 200, rule.rule
            rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
            wrong = [cell for row in rows for cell in row if cell.startswith(FORMULA)]
            assert wrong == [], rule.rule
            files += 1
    assert files >= 5
    export = dana.raw("GET", f"{ACME}/endpoints.csv").data
    with unchanged(app, but=("endpoint_imports", "organizations", "audit_events", "sessions")):
        submitted = {"csrf_token": dana.token(), "rows": "", "file": (io.BytesIO(export), "endpoints.csv")}
        answer = dana.client.post(f"{ACME}/endpoints/import", data=submitted, base_url=HOME)
        page = dana.get(answer.headers["Location"])
    assert f"Unchanged {len(cells) + 1}" in page.text


def _fill_with(session: Session, table: str, text: str) -> None:
    model_table = Base.metadata.tables[table]
    session.execute(update(model_table).values(subject=text, actor_name=text, changes={text: [text, text]}))
