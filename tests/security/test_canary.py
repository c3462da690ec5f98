"""No secret gets out: a marker in every one, every route driven, everything searched.

Stored secrets may leave by two documents of the API, for a token that may read them, and nowhere else.
"""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.config import KEY_FILES
from app.extensions import db
from app.models import Endpoint
from devtools.html import parse
from devtools.scopes import PASSWORD
from tests.security.conftest import Clients, Installation
from tests.support.caller import Caller
from tests.support.canary import found_in, found_in_files
from tests.support.cast import Cast
from tests.support.full_organization import Furnished, scope_as
from tests.support.page_checks import ADDRESSES
from tests.support.pages import Portal
from tests.support.routes import FILES, everything, portal_rules

RAW = {"/api/calls/providers/config", "/api/settings/telephony"}
ENDING = ("sign-out", "disabled", "sessions/end", "password", "/disconnect", "revoke")
"""Routes that end a session, or delete what others show: driven last."""
SAFE = {"GET", "HEAD", "OPTIONS"}
TABLES = ("endpoints", "audit_events", "secrets")

Log = Callable[[], str]


@pytest.fixture
def secrets(installation: Installation) -> dict[str, str]:
    """Those stored, those of the installation, and those of the people signed in."""
    keys = {name: (installation.server.data / file).read_text().strip() for name, file in KEY_FILES.items()}
    tokens = {f"token of {name}": token for name, token in installation.tokens.items()}
    cookies = {f"cookie {place}": value for place, value in enumerate(installation.cookies.values())}
    return {**installation.here.secrets, **keys, **tokens, **cookies, "a password": PASSWORD}


def drive(
    app: Flask, here: Furnished, portal: Portal, jwt: str, *, thorough: bool
) -> Iterator[tuple[str, bytes]]:
    """Every response to every method of every route, with and without what it needs.

    Unless thorough, one of them in turn, of every other route, and of every fourth that only reads.
    """
    token = portal.token()
    bearer = {"Authorization": f"Bearer {jwt}"}
    for place, rule in enumerate(sorted(app.url_map.iter_rules(), key=_harmless_first)):
        if not thorough and place % (4 if (rule.methods or set()) <= SAFE else 2):
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            for provider in _providers(rule):
                path = here.address(rule, key=provider)
                requests = _requests(method, token, is_api=path.startswith("/api/"))
                for request in requests if thorough else [requests[place % len(requests)]]:
                    headers = request.pop("headers", {}) | (bearer if path.startswith("/api/") else {})
                    answer = portal.raw(method, path, headers=headers, **request)
                    yield f"{method} {path} {answer.status_code}", content(answer)


def _providers(rule: Rule) -> tuple[str, ...]:
    if rule.endpoint.startswith("callback."):
        return ("sinch",)
    return ("twilio", "elevenlabs") if "<key>" in rule.rule else ("twilio",)


def _harmless_first(rule: Rule) -> tuple[bool, bool, str]:
    unsafe = bool((rule.methods or set()) - SAFE)
    return unsafe, any(part in rule.rule for part in ENDING), rule.rule


def _requests(method: str, token: str, *, is_api: bool) -> list[dict[str, Any]]:
    if method == "GET":
        query = {"provider": "vobiz", "q": "1", "edit": "x", "list": "1"}
        return [{}, {"query_string": query, "headers": {"HX-Request": "true", "HX-Target": "endpoints"}}]
    if is_api:
        return [
            {"data": "{", "headers": {"Content-Type": "application/json"}},
            {"json": {"wrong": ["kind"], "provider": 7}},
            {"json": everything(token)},
        ]
    return [{"data": {"csrf_token": token, "version": "0"}}, {"data": everything(token)}]


def content(answer: TestResponse) -> bytes:
    return str(answer.headers).encode() + answer.data


@pytest.mark.asvs("16.2.5")
def test_no_secret_is_in_any_response_log_or_file(
    installation: Installation,
    secrets: dict[str, str],
    dana: Portal,
    log: Log,
    *,
    thorough: bool,
    tmp_path: Path,
) -> None:
    app, here, answers = installation.app, installation.here, 0
    for request, response in drive(app, here, dana, installation.tokens["careful"], thorough=thorough):
        assert found_in(response, secrets) == [], request
        answers += 1
    assert answers > (450 if thorough else 90)
    logged = log()
    assert logged.count("\n") > 100
    assert found_in(logged.encode(), secrets) == []
    data = installation.server.data
    kept_keys = {data / file for file in KEY_FILES.values()}
    files = [path for path in data.rglob("*") if path.is_file() and path not in kept_keys]
    assert {path.name for path in files} >= {"patchbay.db", "patchbay.db-wal", "output.log"}
    assert found_in_files(files, secrets) == []
    backup = tmp_path / "backup.zip"
    installation.server.flask("backup", str(backup))
    with zipfile.ZipFile(backup) as archive:
        assert len(archive.namelist()) > 1
        for name in archive.namelist():
            assert found_in(archive.read(name), secrets) == [], name
    for process in [installation.server.process.pid, *installation.server.workers()]:
        for name in ("cmdline", "environ"):
            assert found_in(Path(f"/proc/{process}/{name}").read_bytes(), secrets) == [], name


@contextmanager
def without(app: Flask, table: str) -> Iterator[None]:
    """What reads the table fails meanwhile, as no test of ours could make it fail from outside."""
    for old, new in ((table, f"{table}_away"), (f"{table}_away", table)):
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
        if old == table:
            yield


@pytest.mark.asvs("16.2.5")
def test_no_secret_is_in_a_failure(
    installation: Installation, secrets: dict[str, str], dana: Portal, log: Log, thorough: bool
) -> None:
    """Saves that fail when secrets were just opened or sealed, and reads that fail at any point.

    Each third page reads one of the tables that are away, in turn; thorough, every page each.
    """
    app, here = installation.app, installation.here
    careful = Caller(app, installation.tokens["careful"])
    form = {"twilio_auth_token": here.secrets["twilio.auth_token"] + "x", "csrf_token": dana.token()}
    json_body = {"twilio_auth_token": here.secrets["twilio.auth_token"] + "y"}
    typed = secrets | {"typed": form["twilio_auth_token"], "sent": json_body["twilio_auth_token"]}
    pages = [rule for rule, _, _ in portal_rules(app, unsafe=False) if not rule.rule.endswith(FILES)]
    answers = []
    for place, table in enumerate(TABLES):
        with without(app, table):
            for rule in pages if thorough else pages[place :: 3 * len(TABLES)]:
                answers.append(dana.raw("GET", here.address(rule)))
            answers.append(dana.raw("POST", "/o/acme-support/providers/twilio", data=form | {"version": "1"}))
            answers.append(careful.put("/api/settings/telephony", json_body))
            answers.append(careful.get("/api/settings/endpoints?limit=5"))
        assert answers[-2].status_code == 500, table
    failures = [answer for answer in answers if answer.status_code == 500]
    for answer in answers:
        assert found_in(content(answer), typed) == []
    logged = log()
    assert logged.count("Traceback") >= len(failures)
    assert found_in(logged.encode(), typed) == []


@pytest.mark.asvs("16.2.5")
def test_stored_secrets_leave_by_two_documents_and_with_the_scope_only(
    app: Flask, here: Furnished, installation: Installation, thorough: bool
) -> None:
    """Every third path is read by Dana with the scope, and fewer by others; thorough, every one by all."""
    client = app.test_client(use_cookies=False)
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())]
    paths = [here.address(rule) for rule in rules if rule.rule.startswith("/api/")]
    assert set(paths) >= RAW
    leaks: dict[str, set[str]] = {}
    for place, (name, token) in enumerate(installation.tokens.items()):
        headers = {"Authorization": f"Bearer {token}"}
        some = paths if thorough else [*paths[place :: 3 if name == "dana" else 8], *RAW]
        leaks[name] = {
            path for path in some if found_in(content(client.get(path, headers=headers)), here.secrets)
        }
    assert leaks == {"dana": RAW, "careful": set(), "mo": set(), "gus": set()}


LEAKS: list[Callable[[str], str]] = [
    lambda secret: secret,
    lambda secret: json.dumps({"a": secret}),
    lambda secret: quote(f"?a={secret}&b"),
    lambda secret: base64.b64encode(f"{secret}:x".encode()).decode(),
    lambda secret: base64.b64encode(f"u:{secret}".encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(f"me:{secret}!".encode()).decode(),
    lambda secret: secret.encode().hex(),
]


@pytest.mark.asvs("16.2.5")
def test_a_planted_leak_is_found(app: Flask, here: Furnished, cast: Cast, dana: Portal) -> None:
    """On a page, in each spelling."""
    planted = {"planted": here.secrets["twilio.auth_token"]}
    path = f"/o/acme-support/endpoints/{here.ids['endpoint_id']}"
    assert found_in(content(dana.raw("GET", path)), planted) == []
    for leak in LEAKS:
        with scope_as(app, cast.dana) as scope, scope.transaction():
            scope.session.get_one(Endpoint, here.ids["endpoint_id"]).label = leak(planted["planted"])
        assert found_in(content(dana.raw("GET", path)), planted) == ["planted"], leak("secret")


@pytest.mark.asvs("14.2.1")
def test_no_secret_is_in_an_address_and_one_there_counts_for_nothing(
    dana: Portal, api: Clients, log: Log, secrets: dict[str, str], visited: Mapping[str, TestResponse]
) -> None:
    """Of a link, a form or a redirect; what a form sends in an address holds no secret. No address is
    logged."""
    for name in ("access_token", "token", "jwt", "authorization"):
        path = f"/api/calls/providers?{name}={api.dana.token}"
        assert api.anonymous.get(path).status_code in (401, 422)
    dana.raw("GET", "/setup?key=a-key-that-was-typed-wrong")
    dana.raw("GET", "/o/acme-support/people/typed-in-an-address?q=typed-in-a-search")
    assert "typed" not in log()
    assert str(api.dana.token) not in log()

    for rule, answer in visited.items():
        assert found_in(answer.headers.get("Location", "").encode(), secrets) == [], rule
        if answer.mimetype == "text/html" and answer.status_code == 200:
            page = parse(answer.text)
            token = json.loads(page.one("body")["hx-headers"])["X-CSRFToken"]
            addresses = [element.get(name) for element in page.walk() for name in ADDRESSES]
            shown = "\n".join(addresses).encode()
            assert found_in(shown, secrets | {"the CSRF token": token}) == [], rule
            for form in page.all("form", method="get"):
                for control in form.all("input"):
                    assert control.get("type") != "password", rule
                    assert control.get("name") != "csrf_token", rule
