"""Moving a filled installation from SQLite to PostgreSQL, for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text, update

from app import context, create_app, serving
from app.backup import move
from app.backup.move import MoveError
from app.config import Settings
from app.core import clock
from app.extensions import db
from app.models import (
    Base,
    CallbackTest,
    Check,
    CheckDay,
    CheckRun,
    DriftCheck,
    Endpoint,
    Favorite,
    Installation,
    JobResult,
    LastCall,
    PasswordLink,
    ProviderWrite,
    RecoveryCode,
    Throttle,
    WebhookReceipt,
    WebhookTest,
)
from app.services.audit import integrity, log
from app.services.audit.actions import Action
from app.services.endpoints import crud
from devtools.postgres import Postgres
from devtools.server import clean_environment
from tests.support.caller import Caller
from tests.support.cast import issue
from tests.support.commands import Commands, Done
from tests.support.full_organization import Furnished, scope_as
from tests.support.rows import dump

TELEPHONY = "/api/settings/telephony"
PASSWORD = "not-for-anybodys-eyes"


@pytest.fixture
def target(postgres: Postgres, worker_id: str) -> Iterator[str]:
    """An empty database."""
    name = f"moved_{worker_id}"
    postgres.create(name)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def there(environment: dict[str, str], target: str) -> Iterator[Flask]:
    app = create_app(Settings.from_environment(environment | {"DATABASE_URL": target}))
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def run_move(starting: Commands, environment: dict[str, str], target: str) -> Callable[[], Done]:
    settings = clean_environment() | environment | {"TARGET_DATABASE_URL": target}
    return lambda: starting.run("move-database", environment=settings)


def _moved(app: Flask, url: str) -> tuple[move.Contents, move.State]:
    with app.app_context():
        try:
            return move.move(context.settings(), url)
        finally:
            db.session.remove()


def _rows_in_every_table(app: Flask, here: Furnished) -> None:
    """Beside what there is already."""
    cast, now = here.cast, clock.now()
    own = {"organization_id": cast.acme, "provider": "twilio"}
    tested = {"url": "https://voice.example.com/", "is_proof": False, "results": {}, "actor_name": "x"}
    changed = {"phone_number": "+15550000001", "code": "in_sync", "reason": "x"}
    linked = {"token_hash": "x", "purpose": "reset", "email": "x", "creator_name": "x"}
    with scope_as(app, cast.dana) as scope:
        with scope.transaction():
            numbers = [(f"+1555{n:07}", {"label": ["a", "b"]}) for n in range(1500)]
            log.record(scope, Action.ENDPOINTS_SAVED, "many", numbers=numbers)
        scope.session.add_all(
            [
                ProviderWrite(**own, action="x", subject="x"),
                RecoveryCode(user_id=cast.mo.id, code_hash="x"),
                Throttle(key="x", window_started_at=now),
                Check(**own, ok=True, code="ok", reason="ünïcødé ☎", actor_name="x"),
                DriftCheck(**own, phone_number="+15550000001", verdict="unhealthy", since=now),
                CheckRun(**own),
                CheckDay(**own, phone_number="+15550000001", day=now.date(), healthy=1),
                LastCall(**own, phone_number="+15550000001", checked_at=now, outcome="answered"),
                CallbackTest(**own, **tested),
                WebhookTest(**own, **tested, endpoint_id=here.ids["endpoint_id"]),
                JobResult(**own, **changed, job_id=here.ids["job_id"], endpoint_id=here.ids["endpoint_id"]),
                Favorite(user_id=cast.mo.id, organization_id=cast.acme),
                PasswordLink(**linked, user_id=cast.mo.id, expires_at=now),
                WebhookReceipt(organization_id=cast.acme, digest="x"),
            ]
        )
        scope.session.commit()
        empty = [t.name for t in Base.metadata.sorted_tables if not scope.session.scalar(_count(t))]
        assert empty == [], "a new table needs a row here"


def _count(table: object) -> object:
    return select(func.count()).select_from(table)  # type: ignore[arg-type]


def test_move_copies_every_row(
    app: Flask, here: Furnished, there: Flask, run_move: Callable[[], Done]
) -> None:
    _rows_in_every_table(app, here)
    token = issue(app, here.cast.dana, secrets=True).jwt
    before = dump(app)
    done = run_move()
    assert (done.code, done.err) == (0, ""), done.err
    assert f"{sum(map(len, before.values())):,} rows" in done.out
    assert dump(app) == before
    assert dump(there) == before

    assert there.test_client().get("/readyz").status_code == 200
    answers = [Caller(each, token).get(TELEPHONY).get_json() for each in (app, there)]
    assert answers[0] == answers[1]
    with scope_as(there, here.cast.dana) as scope:
        crud.create(scope, {"phone_number": "+15557770000", "provider": "twilio"})
        assert integrity.problems(scope.session, scope.keys.sealer) == []

    again = run_move()
    assert (again.code, again.out) == (1, "")
    assert "has data" in again.err


def test_move_that_fails_can_be_repeated(
    app: Flask, here: Furnished, target: str, there: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        db.session.execute(update(Endpoint).values(label="x" * 300))
        db.session.commit()
    with pytest.raises(MoveError, match="refused a row"):
        _moved(app, target)
    with app.app_context():
        db.session.execute(update(Endpoint).values(label="x"))
        db.session.commit()
    with monkeypatch.context() as patch:
        batches = move._batches
        patch.setattr(move, "_copy", lambda *_arguments: None)
        with pytest.raises(MoveError, match="differ"):
            _moved(app, target)
        patch.setattr(move, "_batches", batches)
    assert not any(dump(there).values())
    _moved(app, target)
    assert dump(there) == dump(app)


def test_the_digest_differs_by_row(app: Flask, here: Furnished) -> None:
    with app.app_context(), db.engine.connect() as connection:
        before = move._contents(connection)
        connection.execute(update(Installation).values(setup_token_hash="other"))
        after = move._contents(connection)
        connection.rollback()
    changed = {name for name, counted in before.tables.items() if after.tables[name] != counted}
    assert changed == {"installation"}


def test_move_requires_sqlite_and_an_empty_postgresql_database(
    app: Flask, here: Furnished, target: str, there: Flask, tmp_path: Path
) -> None:
    with pytest.raises(MoveError, match="already"):
        _moved(there, target)
    with there.app_context():
        db.session.execute(text("CREATE TABLE theirs (id int)"))
        db.session.commit()
    for url, word in (
        ("", "TARGET_DATABASE_URL"),
        (f"sqlite:///{tmp_path / 'other.db'}", "TARGET_DATABASE_URL"),
        (target, "theirs"),
        (f"postgresql://someone:{PASSWORD}@127.0.0.1:9/nothing", "cannot be reached"),
    ):
        with pytest.raises(MoveError, match=word) as refused:
            _moved(app, url)
        assert PASSWORD not in str(refused.value)
    with there.app_context():
        assert inspect(db.engine).get_table_names() == ["theirs"]
    with app.app_context(), serving.alone(context.settings().data), pytest.raises(serving.InUse):
        _moved(app, target)
