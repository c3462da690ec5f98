"""The examples of the reference, run in curl, Python and Node against a server that has their ids."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import delete

from app import context, create_app
from app.api import examples, snippets
from app.api.operations import OPERATIONS, Operation
from app.config import Settings
from app.extensions import db
from app.models import Endpoint, Organization, Role, User, VoicePhoneNumber
from app.services.access import passwords
from devtools import node
from devtools.server import Server, served
from tests.conftest import NOWHERE
from tests.support.cast import Person, issue

INVALID = {
    "MALFORMED_REQUEST",
    "REPEATED_PARAMETER",
    "VALIDATION_FAILED",
    "UNSUPPORTED_MEDIA_TYPE",
    "NO_TOKEN",
}
ORDER = ("GET", "PUT", "POST", "DELETE")
RUN = sorted((one for one in OPERATIONS if one.raw_body is None), key=lambda one: ORDER.index(one.method))
OK = "ok"

Outcomes = dict[str, str]
Run = Callable[[Mapping[str, str], Mapping[str, str]], Outcomes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server"), {"PATCHBAY_UPSTREAMS": NOWHERE}) as server:
        yield server


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Flask]:
    """An app on the server's database, which has the users of the examples."""
    app = create_app(Settings.from_environment(server.environment))
    with app.app_context():
        home = Organization(
            id=examples.ORGANIZATION_ID, name="Acme Support", slug="acme-support", country="US"
        )
        user = User(
            id=examples.USER_ID,
            organization_id=home.id,
            email=examples.CREDENTIALS["email"],
            name="Alex Rep",
            role=Role.SUPERADMIN.value,
            password_hash=passwords.hash_password(examples.CREDENTIALS["password"]),
        )
        for row in (home, user):
            context.session().add(row)
            context.session().flush()
        context.session().commit()
    yield app
    with app.app_context():
        db.engine.dispose()


def _reset(app: Flask) -> None:
    """Restores the endpoint and the voice number of the examples."""
    with app.app_context():
        session = context.session()
        for model in (Endpoint, VoicePhoneNumber):
            session.execute(delete(model))
        home = {"organization_id": examples.ORGANIZATION_ID}
        session.add(Endpoint(id=examples.ENDPOINT_ID, **home, **examples.NEW_ENDPOINT))
        number = {"provider": "sinch", "phone_number": examples.VOICE_NUMBER, "is_default": True}
        session.add(VoicePhoneNumber(user_id=examples.USER_ID, **home, **number))
        session.commit()


def _id(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _code(text: str) -> str:
    """The code of an error, `ok` for any other response."""
    with contextlib.suppress(ValueError):
        body = json.loads(text)
        if isinstance(body, dict) and body.get("success") is False:
            return str(body["code"])
    return OK


def _curl(texts: Mapping[str, str], environment: Mapping[str, str]) -> Outcomes:
    outcomes = {}
    for name, text in texts.items():
        done = subprocess.run(
            ["bash", "-c", text], env={**environment}, capture_output=True, text=True, timeout=60, check=True
        )
        outcomes[name] = _code(done.stdout)
    return outcomes


def _python(texts: Mapping[str, str], environment: Mapping[str, str]) -> Outcomes:
    outcomes = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        for name, text in texts.items():
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(text, name, "exec"), {})  # noqa: S102
                outcomes[name] = OK
            except requests.HTTPError as error:
                outcomes[name] = _code(error.response.text)
    return outcomes


def _javascript(texts: Mapping[str, str], environment: Mapping[str, str]) -> Outcomes:
    """All in one process, each in a function of its own; what they print is left out."""
    parts = [
        f"try {{ await (async (console) => {{ {text} }})({{ log() {{}} }});"
        f" found[{json.dumps(name)}] = ''; }}"
        f" catch (error) {{ found[{json.dumps(name)}] = error.message; }}"
        for name, text in texts.items()
    ]
    program = Path(environment["FOLDER"]) / "examples.mjs"
    program.write_text("\n".join(["const found = {};", *parts, "console.log(JSON.stringify(found));"]))
    printed = json.loads(node.run(program, environment=environment))
    return {name: _code(text) for name, text in printed.items()}


def _one_of_each_shape() -> list[Operation]:
    """Of the operations whose examples have the same parts, the first."""
    by_shape: dict[tuple[object, ...], Operation] = {}
    for one in RUN:
        has_query = any(parameter.required for parameter in one.parameters)
        shape = (one.method, one.needs_token, one.body is None, one.status == 204, one.media, has_query)
        by_shape.setdefault(shape, one)
    return list(by_shape.values())


DATED = "/quiet-periods"
"""Its example has a moment that is over by now."""

LANGUAGES: dict[str, tuple[Run, Callable[[], str | None]]] = {
    "curl": (_curl, lambda: None if shutil.which("curl") else "curl is not installed."),
    "Python": (_python, lambda: None),
    "JavaScript": (_javascript, node.reason_missing),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_examples_are_accepted(
    language: str, server: Server, filled: Flask, tmp_path: Path, *, thorough: bool
) -> None:
    """No request is called invalid, and what reads our own data succeeds.

    Thorough, all of each language; else one of each shape. That the examples of all operations match their
    schemas, `test_operations_have_examples_that_match_their_schemas` tests.
    """
    run, missing = LANGUAGES[language]
    if reason := missing():
        assert not node.is_required(), reason
        pytest.skip(reason)
    _reset(filled)
    who = Person(examples.USER_ID, examples.CREDENTIALS["email"], "Alex Rep", examples.ORGANIZATION_ID)
    environment = {
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "FOLDER": str(tmp_path),
        snippets.URL: server.url,
        snippets.TOKEN: issue(filled, who, secrets=True).jwt,
    }
    tried = RUN if thorough else _one_of_each_shape()
    outcomes = run({_id(one): snippets.of(one)[language] for one in tried}, environment)
    declared = {_id(one): {OK, *(error.code for error in one.error_codes)} for one in tried}
    wrong: dict[str, Any] = {
        name: code
        for name, code in outcomes.items()
        if (code in INVALID and not name.endswith(DATED)) or code not in declared[name]
    }
    own = [
        _id(one)
        for one in tried
        if one.method == "GET" and not one.path.endswith(("/observe", "/numbers")) and "token" not in one.path
    ]
    wrong |= {name: outcomes[name] for name in own if outcomes[name] not in (OK, "NOT_FOUND")}
    assert wrong == {}
    assert list(outcomes.values()).count(OK) >= len(tried) / 2
    quoted = [_id(one) for one in RUN if "'" in json.dumps(snippets.body(one), ensure_ascii=False)]
    assert quoted == [], "an apostrophe would end the body of a curl example"
