"""Machines that share a database sign with the same keys, or say that they are not ready."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from app import context, create_app
from app.config import Settings
from app.extensions import db
from app.services.installation import signing_keys
from app.services.installation.keys import KeyMismatch
from app.services.scope import Actor
from tests.support.cast import assemble
from tests.support.cli import serve

JWT, SESSION = "PATCHBAY_JWT_KEYS", "PATCHBAY_SECRET_KEY"
NEW = secrets.token_urlsafe(48)


@contextmanager
def _machine(environment: dict[str, str], **keys: str) -> Iterator[Flask]:
    """Another machine on the same database."""
    app = create_app(Settings.from_environment(environment | keys))
    yield app
    with app.app_context():
        db.engine.dispose()


def _starts(app: Flask, *, replace: bool = False) -> None:
    with app.app_context():
        signing_keys.adopt(context.scope(Actor(name="tests")), replace=replace)


def _ready(app: Flask) -> tuple[int, str]:
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.text


def test_readyz_fails_on_a_machine_with_another_key(app: Flask, environment: dict[str, str]) -> None:
    assert _ready(app)[0] == 200, "nothing has signed yet"
    for setting in (JWT, SESSION):
        _starts(app, replace=True)
        _expect_another_key_refused(app, environment, setting)


def _expect_another_key_refused(app: Flask, environment: dict[str, str], setting: str) -> None:
    with _machine(environment, **{setting: NEW}) as other:
        status, text = _ready(other)
        assert (status, text.split()[0]) == (503, setting)
        assert NEW not in text
        with pytest.raises(KeyMismatch, match=setting):
            _starts(other)
        assert _ready(app)[0] == 200
        _starts(other, replace=True)
        assert (_ready(other)[0], _ready(app)[0]) == (200, 503)


def test_token_key_rotates_machine_by_machine(app: Flask, environment: dict[str, str]) -> None:
    old = environment[JWT]
    _starts(app)
    with (
        _machine(environment, **{JWT: f"{NEW},{old}"}) as first,
        _machine(environment, **{JWT: f"{old},{NEW}"}) as in_another_order,
        _machine(environment, **{JWT: NEW}) as without_the_old,
    ):
        _starts(first)
        assert [_ready(machine)[0] for machine in (first, in_another_order, app)] == [200, 200, 503]
        _starts(without_the_old)
        assert _ready(first)[0] == 200


def test_accept_keys_command(app: Flask, environment: dict[str, str]) -> None:
    _starts(app)
    email = assemble(app).dana.email
    with _machine(environment, **{JWT: NEW}) as other, other.app_context():
        run = other.test_cli_runner().invoke
        done = run(args=["tokens", "create", "--email", email])
        assert (done.exit_code, JWT in done.stderr, done.stdout) == (1, True, "")
        assert run(args=["keys", "accept"]).exit_code == 0
        assert _ready(other)[0] == 200
    assert _ready(app)[0] == 503


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_serve_with_a_replaced_key(environment: dict[str, str]) -> None:
    """On SQLite there is no other machine; on PostgreSQL it takes a command to say so."""
    assert serve(environment).code == 0
    done = serve(environment | {SESSION: NEW})
    if "sqlite" in environment["DATABASE_URL"]:
        assert done.code == 0
        return
    assert done.code != 0
    assert SESSION in done.err
    assert "keys accept" in done.err
