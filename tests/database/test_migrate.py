from __future__ import annotations

import shutil
from datetime import datetime

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, UniqueConstraint, func, inspect, select, text
from sqlalchemy.orm import Session

from app import context, create_app
from app.config import Settings
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
from app.services.installation import keys
from app.services.scope import Actor
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
    found = inspect(engine)
    return {
        name: [column["name"] for column in found.get_columns(name) if column["name"] in table.c]
        for name, table in Base.metadata.tables.items()
        if found.has_table(name)
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
def test_migrations_match_the_models(engine):
    assert _differences(engine) == []
    assert migrate.are_current(engine)


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_downgrade_and_upgrade_keep_every_row(engine, thorough):
    """What an older revision has is there again afterwards, to the letter; what it lacks goes.

    Thorough, from every revision; else from the last one, and every fourth before it.
    """
    _fill(engine)
    assert all(_counts(engine).values()), "a new table needs a row here"
    before = _dump(engine)
    older = [script.revision for script in ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions()][1:]
    for revision in older if thorough else older[::4]:
        flask_migrate.downgrade(revision=revision)
        kept = _columns(engine)
        flask_migrate.upgrade()
        assert _differences(engine) == []
        assert _shared(_dump(engine), kept) == _shared(before, kept), revision
    assert len(older) >= 7

    flask_migrate.downgrade(revision="base")
    assert inspect(engine).get_table_names() in ([], ["alembic_version"])
    assert not migrate.are_current(engine)

    flask_migrate.upgrade()
    assert _differences(engine) == []
    assert migrate.are_current(engine)
    assert not any(_counts(engine).values())
    _fill(engine)


@pytest.mark.parametrize("revision", ["0001", "0007", "0008"])
def test_prepare_upgrades_an_older_version(engine, environment, revision):
    flask_migrate.downgrade(revision=revision)
    newer = create_app(Settings.from_environment(environment))
    with newer.app_context():
        done = newer.test_cli_runner().invoke(args=["prepare"])
        assert done.exit_code == 0, done.output
        db.session.remove()
        db.engine.dispose()
    assert migrate.are_current(engine)


def test_audit_verifies_after_downgrade_and_upgrade(engine):
    _fill(engine)
    scope = context.scope(Actor(name="tests"))
    organization = scope.session.scalars(select(Organization).where(Organization.slug == "globex")).one()
    with scope.transaction():
        log.note(scope.for_organization(organization), Action.CONNECTION_TESTED, "one")
    flask_migrate.downgrade(revision="0007")
    flask_migrate.upgrade()
    keys.prepare(scope)
    found = integrity.verify(scope.session, scope.keys.sealer, organization.id)
    assert (found.head.count, found.unchained, found.fault) == (1, 0, None)


def test_upgrade_sorts_earlier_calls_by_start(engine):
    """By their start, but not after the event was received."""
    with Session(engine) as session:
        own = support_cast.write(session).acme.id
    flask_migrate.downgrade(revision="0006")
    insert = text(
        "INSERT INTO calls (id, organization_id, conversation_id, kind, agent_id, started_at, received_at)"
        " VALUES (:id, :own, :id, 'x', 'x', :started, '2026-03-01 12:00:00')"
    )
    with Session(engine) as session:
        for name, started in (("a", "2026-03-01 11:00:00"), ("b", None), ("c", "2026-03-02 11:00:00")):
            session.execute(insert, {"id": name, "own": own, "started": started})
        session.commit()
    flask_migrate.upgrade()
    with Session(engine) as session:
        found = session.execute(select(Call.id, Call.at).order_by(Call.id)).all()
    assert [(name, at.hour, at.day) for name, at in found] == [("a", 11, 1), ("b", 12, 1), ("c", 12, 1)]


def test_upgrade_normalizes_emails(engine):
    """Not where two users would become one."""
    former = {
        "dana": "\uff44ana@acme.example",
        "mo": "m\uff4f@acme.example",
        "gus": "\uff47us@globex.example",
    }
    with Session(engine) as session:
        cast = support_cast.write(session)
        for name, email in former.items():
            getattr(cast, name).email = email
        session.flush()
        session.add(support_cast.user(cast.acme, "mo@acme.example", "Mo", Role.MEMBER))
        session.commit()
    flask_migrate.downgrade(revision="0009")
    flask_migrate.upgrade()
    with Session(engine) as session:
        found = set(session.scalars(select(User.email)))
    assert found == {"dana@acme.example", "gus@globex.example", "mo@acme.example", former["mo"]}


def test_upgrade_clears_a_trunk_chosen_for_voice_ai(engine):
    with Session(engine) as session:
        cast = support_cast.write(session)
        cast.acme.active_voice_ai, cast.globex.active_voice_ai = "sinch_est", "elevenlabs"
        session.commit()
    flask_migrate.downgrade(revision="0014")
    flask_migrate.upgrade()
    with Session(engine) as session:
        assert set(session.scalars(select(Organization.active_voice_ai))) == {None, "elevenlabs"}


def test_upgrade_stores_since_when_ended_outages_lasted(engine):
    start, end = datetime.fromisoformat("2026-03-01 09:00"), datetime.fromisoformat("2026-03-01 12:00")
    steps = [
        ("off", "unknown", None, start),
        ("unknown", "unhealthy", start, start),
        ("unhealthy", "unknown", start, start),
        ("unknown", "healthy", None, end),
        ("healthy", "off", None, end),
    ]
    with Session(engine) as session:
        own = {"organization_id": support_cast.write(session).acme.id, "provider": "twilio"}
        for was, now, since, at in steps:
            for number in ("", "+15551234567"):
                row = HealthTransition(**own, phone_number=number, was=was, now=now, since=since, at=at)
                session.add(row)
        session.commit()
    flask_migrate.downgrade(revision="0031")
    flask_migrate.upgrade()
    query = select(HealthTransition.ended_since).order_by(HealthTransition.id)
    with Session(engine) as session:
        found = session.scalars(query).all()
    assert found == [None] * 6 + [start] * 2 + [None] * 2


def test_upgrade_leaves_a_current_database(engine, tmp_path):
    _fill(engine)
    before = _counts(engine)
    migrate.upgrade(engine, tmp_path)
    assert _counts(engine) == before


def test_every_constraint_has_a_name(subtests):
    for table in Base.metadata.sorted_tables:
        with subtests.test(table=table):
            assert table.primary_key.name == f"pk_{table.name}"
            for key in table.foreign_key_constraints:
                columns = "_".join(column.name for column in key.columns)
                assert key.name == f"fk_{table.name}_{columns}"
                assert key.ondelete in ("CASCADE", "SET NULL")
            for index in table.indexes:
                assert str(index.name).startswith(f"ix_{table.name}_")
            for constraint in table.constraints:
                assert constraint.name
                assert not isinstance(constraint, CheckConstraint) or str(constraint.name).startswith("ck_")
            assert all(len(name) <= 63 for name in [table.name, *[column.name for column in table.columns]])


def test_every_foreign_key_has_an_index(subtests):
    """Deleting a row looks for those that refer to it."""
    for table in Base.metadata.sorted_tables:
        with subtests.test(table=table):
            unique = [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
            indexed = [table.primary_key.columns, *unique, *(index.columns for index in table.indexes)]
            leading = {next(iter(columns)).name for columns in indexed}
            for key in table.foreign_keys:
                assert key.parent.name in leading


WIDER = '''"""wider names"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = HEAD


def upgrade():
    with op.batch_alter_table("organizations") as batch:
        batch.alter_column("name", type_=sa.String(240), existing_type=sa.String(120))
'''


def test_recreated_table_keeps_dependent_rows(engine, tmp_path):
    """SQLite copies a table to change it; what refers to its rows must survive that."""
    _fill(engine)
    before = _counts(engine)
    (head,) = ScriptDirectory(str(migrate.MIGRATIONS)).get_heads()
    folder = shutil.copytree(migrate.MIGRATIONS, tmp_path / "migrations")
    (folder / "versions" / "9999_wider.py").write_text(WIDER.replace("HEAD", repr(head)))
    flask_migrate.upgrade(directory=str(folder))
    assert _counts(engine) == before
    with engine.connect() as connection:
        columns = {column["name"]: column for column in inspect(connection).get_columns("organizations")}
    assert columns["name"]["type"].length == 240
