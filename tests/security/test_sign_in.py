"""Signing in: credentials, codes and setup keys that work once, and identical refusals."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask import Flask
from sqlalchemy import delete
from werkzeug.test import TestResponse

from app import context
from app.core import clock
from app.models import Base, User
from app.services.access import password_links, recovery_codes
from app.services.installation import setup
from app.services.scope import Actor
from app.web.shell.guard import Who
from devtools.scopes import PASSWORD
from tests.security.conftest import ON_BOTH, Clients
from tests.support.cast import Cast, Person
from tests.support.full_organization import Furnished, scope_as
from tests.support.pages import Portal
from tests.support.routes import portal_rules
from tests.support.rows import audit, dump, unchanged

PARALLEL = 8
LOGIN = "/api/auth/login"
MISTYPED = "not the password at all"
DRAFT = {
    "organization": "Blue Harbour",
    "name": "Ines",
    "email": "ines@harbour.example",
    "password": "a lamp in the north window",
}


@pytest.fixture
def empty(app: Flask) -> Flask:
    """A new installation: no organization, no user."""
    with app.app_context(), context.session() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != "installation":
                session.execute(delete(table))
        session.commit()
    return app


def setup_key(app: Flask) -> str:
    """As the server prints it when it starts."""
    with app.app_context():
        scope = context.scope(Actor(name="command line"))
        return str(setup.new_setup_token(scope))


@pytest.mark.asvs("6.3.2", "14.2.1")
def test_a_new_installation_has_no_account(empty: Flask, anonymous: Portal, api: Clients) -> None:
    """It has one by its setup key, which is typed or comes after the #, and is ignored elsewhere."""
    for email in ("admin", "admin@example.com", "root@localhost", "patchbay@patchbay.example"):
        for password in ("admin", "password", "patchbay"):
            body = {"email": email, "password": password}
            assert api.anonymous.post(LOGIN, body).status_code == 401
    typed = {"csrf_token": anonymous.token(), "email": "admin", "password": "admin"}
    anonymous.post("/sign-in", typed, 401)
    assert dump(empty)["users"] == []
    page = anonymous.get("/setup").press("Create and sign in", 422, **(DRAFT | {"key": "a guess"}))
    assert page.error("key")
    key = setup_key(empty)
    page = anonymous.get(f"/setup?key={key}")
    assert key not in page.source
    assert page.press("Create and sign in", 422, **DRAFT).error("key")
    assert dump(empty)["users"] == []


@ON_BOTH
@pytest.mark.asvs("6.4.1")
def test_a_setup_key_works_once_in_parallel_requests(empty: Flask) -> None:
    key = setup_key(empty)
    pages = [Portal(empty).get("/setup") for _ in range(PARALLEL)]

    def use(number: int) -> int:
        page, email = pages[number], f"ines{number}@harbour.example"
        submitted = DRAFT | {"email": email, "csrf_token": page.value("csrf_token"), "key": key}
        return page.portal.raw("POST", "/setup", data=submitted).status_code

    with ThreadPoolExecutor(PARALLEL) as pool:
        statuses = list(pool.map(use, range(PARALLEL)))
    assert statuses.count(303) == 1, statuses
    assert set(statuses) <= {303, 404, 503}
    rows = dump(empty)
    assert (len(rows["users"]), len(rows["organizations"])) == (1, 1)
    with unchanged(empty):
        for portal in (pages[0].portal, Portal(empty)):
            assert portal.raw("GET", "/setup").status_code == 404
        loser = next(number for number, status in enumerate(statuses) if status != 303)
        assert use(loser) == 404


@ON_BOTH
@pytest.mark.asvs("6.4.1")
def test_a_password_link_works_once_in_parallel_requests(app: Flask, cast: Cast) -> None:
    with scope_as(app, cast.dana) as scope:
        link = password_links.create(scope, scope.session.get_one(User, cast.mo.id))
    pages = [Portal(app).get("/choose-password") for _ in range(PARALLEL)]

    def use(number: int) -> int:
        page = pages[number]
        submitted = {
            "csrf_token": page.value("csrf_token"),
            "key": link.token,
            "new_password": DRAFT["password"],
        }
        return page.portal.raw("POST", "/choose-password", data=submitted).status_code

    with ThreadPoolExecutor(PARALLEL) as pool:
        statuses = list(pool.map(use, range(PARALLEL)))
    assert statuses.count(303) == 1, statuses
    assert set(statuses) <= {303, 404, 503}
    assert dump(app)["password_links"] == []


@pytest.mark.asvs("6.3.3", "6.5.1")
def test_the_password_alone_reaches_nothing(
    app: Flask, here: Furnished, anonymous: Portal, api: Clients, secret: str
) -> None:
    """A code that was used in the portal is worth nothing at the API, which needs one as well."""
    body = {"email": here.cast.dana.email, "password": PASSWORD}
    refused = api.anonymous.post(LOGIN, body)
    assert (refused.status_code, refused.get_json()["code"]) == (401, "TOTP_REQUIRED")
    page = anonymous.sign_in(here.cast.dana.email)
    assert page.title == "Enter the code"
    for rule, method, guard in portal_rules(app, unsafe=False):
        if guard is not Who.ANYONE:
            answer = anonymous.raw(method, here.address(rule))
            got = (answer.status_code, answer.headers["Location"].split("?")[0])
            assert got == (303, "/sign-in"), rule.rule
    code, next_code = (pyotp.TOTP(secret).at(time.time() + seconds) for seconds in (0, 30))
    assert page.press("Continue", code=code).title == "Organizations"
    assert api.anonymous.post(LOGIN, body | {"totp": code}).status_code == 401
    assert api.anonymous.post(LOGIN, body | {"totp": next_code}).status_code == 200


@ON_BOTH
@pytest.mark.asvs("6.5.1")
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_a_code_works_once_in_parallel_requests(app: Flask, cast: Cast, secret: str, kind: str) -> None:
    code = pyotp.TOTP(secret).now() if kind == "app" else _recovery_code(app, cast.dana)
    pages = [Portal(app).sign_in(cast.dana.email) for _ in range(PARALLEL)]

    def send(number: int) -> int:
        page = pages[number]
        submitted = {"csrf_token": page.value("csrf_token"), "code": code, "next": ""}
        return page.portal.raw("POST", "/sign-in/code?recovery=1", data=submitted).status_code

    with ThreadPoolExecutor(PARALLEL) as pool:
        statuses = list(pool.map(send, range(PARALLEL)))
    assert sorted(statuses) == [303] + [401] * (PARALLEL - 1)
    assert [page.portal.is_signed_in() for page in pages].count(True) == 1


def _recovery_code(app: Flask, person: Person) -> str:
    with scope_as(app, person) as scope, scope.transaction():
        user = scope.session.get_one(User, person.id)
        return recovery_codes.renew(scope, user)[0]


@pytest.mark.asvs("6.3.8")
def test_known_unknown_and_disabled_users_get_the_same_response(
    app: Flask, anonymous: Portal, api: Clients, cast: Cast
) -> None:
    with scope_as(app, cast.gus) as scope, scope.transaction():
        scope.session.get_one(User, cast.gus.id).disabled_at = clock.now()
    attempts = [(cast.mo.email, MISTYPED), ("unknown@acme.example", MISTYPED), (cast.gus.email, PASSWORD)]
    answers = [api.anonymous.post(LOGIN, {"email": email, "password": word}) for email, word in attempts]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert len({frozenset(_shared(answer)) for answer in answers}) == 1
    pages = [
        anonymous.get("/sign-in").press("Sign in", 401, email=email, password=word)
        for email, word in attempts
    ]
    assert len({page.text for page in pages}) == 1
    assert len({page.notes for page in pages}) == 1


def _shared(answer: TestResponse) -> dict[tuple[str, str], None]:
    """Its headers, without those that differ between any two answers."""
    own = {"x-request-id", "date"}
    return dict.fromkeys((name.lower(), value) for name, value in answer.headers if name.lower() not in own)


@pytest.mark.asvs("16.3.1")
def test_sign_ins_are_audited_with_address_and_without_password(
    app: Flask, anonymous: Portal, api: Clients, cast: Cast
) -> None:
    before = len(audit(app))
    anonymous.get("/sign-in").press("Sign in", 401, email=cast.dana.email, password=MISTYPED)
    anonymous.sign_in(cast.dana.email)
    anonymous.sign_out()
    api.anonymous.post(LOGIN, {"email": cast.mo.email, "password": MISTYPED})
    api.anonymous.post(LOGIN, {"email": cast.mo.email, "password": PASSWORD})
    events = audit(app)[before:]
    dana, mo = cast.dana.email, cast.mo.email
    assert [(event.action, event.subject) for event in events] == [
        ("sign-in.refused", dana),
        ("signed-in", dana),
        ("signed-out", dana),
        ("sign-in.refused", mo),
        ("signed-in", mo),
    ]
    assert {event.ip for event in events} == {"127.0.0.1"}
    for event in events:
        assert MISTYPED not in f"{event.changes}{event.subject}{event.actor_name}"
