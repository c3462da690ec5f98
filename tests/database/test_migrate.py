from __future__ import annotations

import shutil
from datetime import datetime
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, UniqueConstraint, func, inspect, select, text
from sqlalchemy.orm import Session

from app import context
from app.core import clock
from app.database import migrate
from app.extensions import db
from app.models import (
    AuditChain,
    AuditEvent,
    AuditNumbers,
    Base,
    Call,
    CallbackTest,
    Check,
    CheckDay,
    CheckRun,
    Connection,
    DriftCheck,
    Endpoint,
    EndpointImport,
    Favorite,
    HealthTransition,
    Installation,
    Job,
    JobResult,
    LastCall,
    Organization,
    PasswordLink,
    ProviderSwitch,
    ProviderWrite,
    RecoveryCode,
    Role,
    SavedView,
    Throttle,
    User,
    VoicePhoneNumber,
    WebhookReceipt,
    WebhookSetup,
    WebhookTest,
)
from app.models.access import ApiToken, WebSession
from app.models.connection import Secret
from app.models.notification import (
    Delivery,
    DeliveryAttempt,
    Destination,
    Notification,
    NotificationOutbox,
    NotificationSettings,
    QuietPeriod,
)
from app.services.audit import integrity, log
from app.services.audit.actions import Action
from app.services.scope import Actor
from devtools import databases
from tests.support import cast as support_cast

pytestmark = pytest.mark.both_databases

RESULT = {"endpoint_id": "x", "code": "x", "reason": "x"}
LINK = {"token_hash": "x", "purpose": "reset", "email": "x", "creator_name": "x"}
IMPORT = {"actor_name": "x", "file_name": "x", "shown": {}, "plan": b"x", "source": b"x"}


@pytest.fixture
def engine(app):
    with app.app_context():
        yield db.engine


def _fill(engine):
    """A row in every table."""
    now = clock.now()
    with Session(engine) as session:
        cast = support_cast.write(session)
        own = {"organization_id": cast.acme.id, "provider": "twilio"}
        session.add_all(
            [
                Connection(**own, values={"account_sid": "x"}),
                Secret(**own, field="auth_token", sealed="x", key_fingerprint="x"),
                ProviderSwitch(organization_id=cast.acme.id, family="voice", actor_name="x"),
                ProviderWrite(**own, action="x", subject="x"),
                Endpoint(**own, id="x", phone_number="+15551234567"),
                WebhookTest(**own, endpoint_id="x", url="x"),
                CallbackTest(**own, url="x"),
                VoicePhoneNumber(**own, user_id=cast.mo.id, phone_number="+15551234567"),
                Favorite(user_id=cast.mo.id, organization_id=cast.acme.id),
                SavedView(organization_id=cast.acme.id, user_id=cast.mo.id, name="x", query="x"),
                ApiToken(user_id=cast.mo.id, name="x", expires_at=now),
                WebSession(id="x", user_id=cast.mo.id),
                RecoveryCode(user_id=cast.mo.id, code_hash="x"),
                PasswordLink(**LINK, user_id=cast.mo.id, expires_at=now),
                Throttle(key="x", window_started_at=now),
                AuditEvent(
                    organization_id=cast.acme.id,
                    actor_name="x",
                    action="x",
                    subject="x",
                    numbers=[AuditNumbers(first=1, last=2, packed=b"x")],
                ),
                AuditChain(chain=cast.acme.id, count=1, head="x", seal="x"),
                Check(**own, ok=True, code="ok", reason="x", actor_name="x"),
                DriftCheck(**own, phone_number="+15551234567"),
                CheckDay(**own, phone_number="+15551234567", day=now.date()),
                HealthTransition(**own, phone_number="+15551234567", was="off", now="unknown", at=now),
                LastCall(**own, phone_number="+15551234567"),
                CheckRun(**own, started_at=now, leased_until=now),
                Call(organization_id=cast.acme.id, conversation_id="x", kind="x", agent_id="x"),
                WebhookReceipt(organization_id=cast.acme.id, digest="x"),
                WebhookSetup(**own, state="x"),
                EndpointImport(**IMPORT, organization_id=cast.acme.id),
                job := Job(
                    organization_id=cast.acme.id,
                    kind="x",
                    state="x",
                    actor_name="x",
                    step="x",
                    back_url="x",
                ),
            ]
        )
        session.flush()
        session.add(JobResult(**own, job_id=job.id, phone_number="+15551234567", **RESULT))
        if session.get(Installation, 1) is None:
            session.add(Installation(id=1, key_check="x"))
        for row in _notifications(cast.acme.id, session.scalar(select(AuditEvent.id)), now):
            session.add(row)
            session.flush()
        session.commit()
        _leave_nothing_empty(session)


def _notifications(own, event_id, now):
    """Each refers to earlier ones."""
    yield Destination(id="d", organization_id=own, kind="x", values={"url": "x"}, events=["*"])
    yield Notification(id=1, organization_id=own, event="x", lane="x", subjects=["x"])
    yield Delivery(id="y", notification_id=1, destination_id="d", lane="x", state="waiting", due_at=now)
    yield DeliveryAttempt(delivery_id="y", milliseconds=1, ok=False)
    yield QuietPeriod(organization_id=own, starts_at=now, ends_at=now, actor_name="x")
    yield NotificationSettings(owner=own)
    yield NotificationOutbox(audit_event_id=event_id)


def _leave_nothing_empty(session):
    """A value in every column that may have none, so that a migration which loses it is found."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.nullable and not column.foreign_keys:
                value = clock.now() if column.type.python_type is datetime else column.type.python_type(1)
                session.execute(table.update().where(column.is_(None)).values({column: value}))
    session.commit()


def _dump(engine):
    """Every row of every table as a dictionary. The key of the audit chains is sealed again meanwhile."""
    with engine.connect() as connection:
        rows = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in Base.metadata.sorted_tables
        }
    for row in rows["installation"]:
        del row["key_check"]
    return rows


def _shared(rows, columns):
    """What of the rows stands in these columns, in a stable order."""
    return {
        table: sorted(repr([row.get(name) for name in names]) for row in rows[table])
        for table, names in columns.items()
    }


def _columns(engine):
    """What is there now, by table, of the columns that the models know."""
    inspector = inspect(engine)
    return {
        name: [column["name"] for column in inspector.get_columns(name) if column["name"] in table.c]
        for name, table in Base.metadata.tables.items()
        if inspector.has_table(name)
    }


def _counts(engine):
    with Session(engine) as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
        }


def _differences(engine):
    """On SQLite without indexes of expressions, which it does not report."""
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, Base.metadata)


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_match_the_models_and_keep_rows_of_recreated_tables(engine, tmp_path):
    """SQLite copies a table to change it; what refers to its rows must survive that."""
    assert _differences(engine) == []
    assert migrate.are_current(engine)
    _fill(engine)
    before = _counts(engine)
    migrate.upgrade(engine, tmp_path)
    assert _counts(engine) == before

    (head,) = ScriptDirectory(str(migrate.MIGRATIONS)).get_heads()
    folder = shutil.copytree(migrate.MIGRATIONS, tmp_path / "migrations")
    (folder / "versions" / "9999_wider.py").write_text(WIDER.replace("HEAD", repr(head)))
    flask_migrate.upgrade(directory=str(folder))
    assert _counts(engine) == before
    with engine.connect() as connection:
        columns = {column["name"]: column for column in inspect(connection).get_columns("organizations")}
    assert columns["name"]["type"].length == 240


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_downgrade_and_upgrade_keep_every_row(engine, thorough):
    """What an older revision has is there again afterwards, to the letter; what it lacks goes.

    Thorough, from every revision; else from the last one.
    """
    _fill(engine)
    assert all(_counts(engine).values()), "a new table needs a row here"
    before = _dump(engine)
    older = [script.revision for script in ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions()][1:]
    for revision in older if thorough else older[:1]:
        flask_migrate.downgrade(revision=revision)
        columns = _columns(engine)
        flask_migrate.upgrade()
        assert _differences(engine) == []
        assert _shared(_dump(engine), columns) == _shared(before, columns), revision
    assert len(older) >= 7

    flask_migrate.downgrade(revision="base")
    assert inspect(engine).get_table_names() in ([], ["alembic_version"])
    assert not migrate.are_current(engine)

    flask_migrate.upgrade()
    assert _differences(engine) == []
    assert migrate.are_current(engine)
    assert not any(_counts(engine).values())
    _fill(engine)


def test_prepare_upgrades_an_older_version_and_its_audit_verifies(engine, environment, thorough):
    _fill(engine)
    scope = context.scope(Actor(name="tests"))
    organization = scope.session.scalars(select(Organization).where(Organization.slug == "globex")).one()
    with scope.transaction():
        log.note(scope.for_organization(organization), Action.CONNECTION_TESTED, "one")
    for revision in ("0008", "0007") if thorough else ("0007",):
        flask_migrate.downgrade(revision=revision)
        _prepare(engine, environment)
        verdict = integrity.verify(scope.session, scope.keys.sealer, organization.id)
        scope.end_read()
        assert (verdict.head.count, verdict.unchained, verdict.fault) == (1, 0, None), revision
    if thorough:
        flask_migrate.downgrade(revision="0001")
        _prepare(engine, environment)


def _prepare(engine, environment):
    databases.migrate(environment)
    assert migrate.are_current(engine)


EMAILS = {
    "\uff44ana@acme.example": "dana@acme.example",
    "m\uff4f@acme.example": "m\uff4f@acme.example",
    "\uff47us@globex.example": "gus@globex.example",
    "mo@acme.example": "mo@acme.example",
}
"""Before and after, with one that would become another user's."""
START, END = "2026-03-01 09:00:00", "2026-03-01 12:00:00"
OUTAGE = [
    ("off", "unknown", None, START),
    ("unknown", "unhealthy", START, START),
    ("unhealthy", "unknown", START, START),
    ("unknown", "healthy", None, END),
    ("healthy", "off", None, END),
]
CALL = (
    "INSERT INTO calls (id, organization_id, conversation_id, kind, agent_id, started_at, received_at)"
    " VALUES (:id, :own, :id, 'x', 'x', :started, '2026-03-01 12:00:00')"
)
TRANSITION = (
    "INSERT INTO health_transitions (organization_id, provider, phone_number, was, now, since, at)"
    " VALUES (:own, 'twilio', :number, :was, :now, :since, :at)"
)


def test_upgrade_converts_the_rows_of_earlier_versions(engine):
    """Each row is written into the last version that has it as it was."""
    with Session(engine) as session:
        people = support_cast.write(session)
        session.add(support_cast.user(people.acme, "ned@acme.example", "Ned", Role.MEMBER))
        own, ids = people.acme.id, [people.dana.id, people.mo.id, people.gus.id]
        session.commit()
        ids.append(session.scalars(select(User.id).where(User.name == "Ned")).one())
    calls = (("a", "2026-03-01 11:00:00"), ("b", None), ("c", "2026-03-02 11:00:00"))
    steps = [(number, *step) for step in OUTAGE for number in ("", "+15551234567")]
    outage = [dict(zip(("number", "was", "now", "since", "at"), step, strict=True)) for step in steps]
    written: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "0006": (CALL, [{"id": name, "own": own, "started": started} for name, started in calls]),
        "0009": (
            "UPDATE users SET email = :email WHERE id = :id",
            [{"id": row_id, "email": email} for row_id, email in zip(ids, EMAILS, strict=True)],
        ),
        "0014": (
            "UPDATE organizations SET active_voice_ai = :key WHERE slug = :slug",
            [{"slug": "acme-support", "key": "sinch_est"}, {"slug": "globex", "key": "elevenlabs"}],
        ),
        "0031": (TRANSITION, [row | {"own": own} for row in outage]),
    }
    flask_migrate.downgrade(revision="0006")
    for revision, (statement, rows) in written.items():
        flask_migrate.upgrade(revision=revision)
        with Session(engine) as session:
            for row in rows:
                session.execute(text(statement), row)
            session.commit()
    flask_migrate.upgrade()
    with Session(engine) as session:
        start_times = session.execute(select(Call.id, Call.at).order_by(Call.id)).all()
        emails = {user.id: user.email for user in session.scalars(select(User))}
        chosen = {one.slug: one.active_voice_ai for one in session.scalars(select(Organization))}
        ended = session.scalars(select(HealthTransition.ended_since).order_by(HealthTransition.id)).all()
    # A call is sorted by its start, but not after its event was received.
    assert [(name, at.hour, at.day) for name, at in start_times] == [("a", 11, 1), ("b", 12, 1), ("c", 12, 1)]
    assert [emails[row_id] for row_id in ids] == list(EMAILS.values())
    assert chosen == {"acme-support": None, "globex": "elevenlabs"}
    assert ended == [None] * 6 + [datetime.fromisoformat(START)] * 2 + [None] * 2


def test_constraints_have_names_and_foreign_keys_an_index():
    """Deleting a row looks for those that refer to it."""
    for table in Base.metadata.sorted_tables:
        assert table.primary_key.name == f"pk_{table.name}"
        unique = [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
        indexed = [table.primary_key.columns, *unique, *(index.columns for index in table.indexes)]
        leading = {next(iter(columns)).name for columns in indexed}
        for key in table.foreign_key_constraints:
            columns = "_".join(column.name for column in key.columns)
            assert key.name == f"fk_{table.name}_{columns}"
            assert key.ondelete in ("CASCADE", "SET NULL"), key.name
            assert {column.name for column in key.columns} <= leading, key.name
        for index in table.indexes:
            assert str(index.name).startswith(f"ix_{table.name}_")
        for constraint in table.constraints:
            assert constraint.name, table
            assert not isinstance(constraint, CheckConstraint) or str(constraint.name).startswith("ck_")
        assert all(len(name) <= 63 for name in [table.name, *[column.name for column in table.columns]])


WIDER = '''"""wider names"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = HEAD


def upgrade():
    with op.batch_alter_table("organizations") as batch:
        batch.alter_column("name", type_=sa.String(240), existing_type=sa.String(120))
'''
