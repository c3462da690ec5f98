"""Two installations to compare: one with 40 organizations and 100,000 endpoints, one with one of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from flask import Flask
from sqlalchemy import Table, insert, select

from app import context, create_app
from app.config import Settings
from app.core import clock
from app.extensions import db
from app.models import (
    AuditEvent,
    Call,
    Check,
    CheckRun,
    Connection,
    DriftCheck,
    Endpoint,
    EndpointImport,
    Organization,
    ProviderSwitch,
    Role,
    User,
    VoicePhoneNumber,
)
from app.models.base import new_id
from app.provider import Capability, Family
from app.providers import PROVIDERS, keys_in
from app.services.endpoints import csv_format, csv_import
from app.services.organizations import directory
from app.services.providers import credentials
from app.services.scope import Scope
from devtools.databases import migrate
from devtools.scopes import PASSWORD, scope_of
from simulators import SIMULATORS

EMAIL = "dana@acme.example"
SLUG = "bench"
NUMBER, CALLED = "+15550000001", "+14155550000"
TELEPHONY = keys_in(Family.TELEPHONY)
WITH_CALLBACK = (key for key, provider in PROVIDERS.items() if Capability.CALLBACK in provider.capabilities)
CONNECTED = (TELEPHONY[0], next(WITH_CALLBACK), keys_in(Family.VOICE_AI)[0])
"""One provider of each family. The dialer's is one whose application has a callback."""

ROWS_PER_INSERT = 5000
COUNTRY = "US"

Row = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """Numbers of rows. `shares`: the endpoints of each organization."""

    shares: tuple[int, ...] = (1,)
    people: int = 1
    calls: int = 1
    events: int = 1
    imports: int = 1


SMALL = Size()
LARGE = Size(
    (60_000, 12_000, 8_000, 6_000, 5_000, 4_000, 2_000, 1_500, *[100] * 14, *[10] * 9, *[1] * 9),
    people=200,
    calls=50_000,
    events=200_000,
    imports=20,
)


def build(environment: Mapping[str, str], size: Size) -> str:
    """Migrates and fills the database of the environment. Returns the id of an import."""
    migrate(environment)
    app = create_app(Settings.from_environment(environment))
    _first_person(app)
    with app.app_context():
        first = db.session.scalars(select(Organization)).one()
        dana = db.session.scalars(select(User)).one()
        scope = scope_of(db.session(), first, dana, context.keys())
        scopes = [scope, *_others(scope, len(size.shares) - 1)]
        owners = [_Owner(inside.organization.id, n) for n, inside in enumerate(scopes)]
        for inside in scopes:
            _connect(inside)
        ranges = _ranges(size.shares)
        _fill(
            Endpoint,
            (_endpoint(owner.id, n) for owner, some in zip(owners, ranges, strict=True) for n in some),
        )
        _fill(
            DriftCheck,
            (row for owner, some in zip(owners, ranges, strict=True) for row in _checks(owner.id, some)),
        )
        _fill(CheckRun, map(_run, owners))
        people = [dana.id, *(new_id() for _ in range(size.people - 1))]
        _fill(User, (_user(scope, n, people[n]) for n in range(1, size.people)))
        _fill(VoicePhoneNumber, (_number(owners[0].id, n, who) for n, who in enumerate(people)))
        _fill(DriftCheck, (_number_check(owners[0].id, n) for n in range(size.people)))
        _fill(Call, (_call(owners[0].id, n) for n in range(size.calls)))
        _fill(AuditEvent, (_event(owners, n) for n in range(size.events)))
        import_id = _imports(scope, size.imports)
        _vacuum()
        db.session.remove()
        db.engine.dispose()
    return import_id


def _first_person(app: Flask) -> None:
    person = ["--email", EMAIL, "--name", "Dana", "--role", "superadmin", "--organization", "Bench"]
    created = app.test_cli_runner().invoke(
        args=["users", "create", *person, "--password-stdin"], input=f"{PASSWORD}\n"
    )
    if created.exit_code:
        raise SystemExit(created.output)


def _others(scope: Scope, count: int) -> Iterator[Scope]:
    for n in range(count):
        yield scope.for_organization(directory.create(scope, {"name": f"Tenant {n * 7 % 40:02} of many"}))


@dataclass(frozen=True)
class _Owner:
    id: str
    place: int


def _connect(scope: Scope) -> None:
    """Saves settings and credentials without calls to providers. Some organizations lack settings."""
    place = scope.organization.name
    with scope.transaction():
        scope.organization.country = COUNTRY
        scope.organization.public_base_url = (
            None if place.endswith("3 of many") else "https://agents.acme.example"
        )
        scope.organization.active_telephony = None if place.endswith("5 of many") else "twilio"
        scope.organization.active_voice = "sinch"
        scope.organization.active_voice_ai = "elevenlabs"
    for key in CONNECTED:
        required = [field.name for field in PROVIDERS[key].required]
        sample = SIMULATORS[key].sample_values
        credentials.save(scope, PROVIDERS[key], {name: sample[name] for name in required})
    with scope.transaction():
        for row in scope.session.scalars(scope.select(Connection)):
            row.callback_url = "https://agents.acme.example/sinch" if row.provider == "sinch" else None
            scope.session.add(_check(scope, row))
        scope.session.add(_switch(scope))


def _check(scope: Scope, row: Connection) -> Check:
    return Check(
        organization_id=scope.organization.id,
        provider=row.provider,
        ok=True,
        code="ok",
        reason="It works.",
        actor_name=EMAIL,
    )


def _switch(scope: Scope) -> ProviderSwitch:
    return ProviderSwitch(
        organization_id=scope.organization.id,
        family="telephony",
        was=TELEPHONY[1],
        now=TELEPHONY[0],
        actor_name=EMAIL,
    )


def _ranges(shares: tuple[int, ...]) -> list[range]:
    ranges, start = [], 1
    for share in shares:
        ranges.append(range(start, start + share))
        start += share
    return ranges


def _fill(model: Any, rows: Iterator[Row] | map[Row]) -> None:
    table: Table = model.__table__
    while some := list(islice(rows, ROWS_PER_INSERT)):
        db.session.execute(insert(table), some)
        db.session.commit()


def _provider_of(n: int) -> str:
    return TELEPHONY[n % 10 and n % 3]


def _phone(n: int) -> str:
    return f"+1555{n:07}"


def _endpoint(owner: str, n: int) -> Row:
    """Returns an endpoint's row. Some have no label or agent; no column correlates with the number."""
    return {
        "id": new_id(),
        "organization_id": owner,
        "phone_number": _phone(n),
        "provider": _provider_of(n),
        "inbound_agent_name": None if n % 11 == 0 else f"Agent {n % 500}",
        "outbound_agent_name": None if n % 3 else f"Dialer {n % 40}",
        "label": None if n % 7 == 0 else f"Line {n * 7919 % 100_000} of the {TELEPHONY[n % 3]} desk",
        "is_active": n % 9 != 0,
        "created_at": _ago(n * 31 % 100_000),
        "updated_at": _ago(0),
        "version": 1,
    }


def _ago(seconds: float) -> datetime:
    return clock.now() - timedelta(seconds=seconds)


def _checks(owner: str, numbers: range) -> Iterator[Row]:
    """Yields the check of every live number; one in five drifted."""
    for n in numbers:
        if n % 9 and n % 11:
            yield _seen(owner, _provider_of(n), _phone(n), in_sync=n % 5 != 0)


def _seen(owner: str, provider: str, number: str, *, in_sync: bool) -> Row:
    return {
        "organization_id": owner,
        "provider": provider,
        "phone_number": number,
        "due": False,
        "in_sync": in_sync,
        "verdict": "healthy" if in_sync else "unhealthy",
        "cause": None if in_sync else "different_url",
        "reason": None if in_sync else "different_url",
        "expected": "https://agents.acme.example/telephony/twilio/inbound/Agent",
        "actual": "https://agents.acme.example/telephony/twilio/inbound/Agent"
        + ("" if in_sync else "-other"),
        "since": None if in_sync else _ago(86_400),
        "checked_at": _ago(600),
    }


def _run(owner: _Owner) -> Row:
    return {
        "organization_id": owner.id,
        "provider": "twilio",
        "due": False,
        "next_at": None,
        "started_at": _ago(700),
        "leased_until": _ago(500),
        "finished_at": _ago(600),
        "done": 1,
        "total": 1,
        "failure": None,
    }


def _user(scope: Scope, n: int, user_id: str) -> Row:
    return {
        "id": user_id,
        "organization_id": scope.organization.id,
        "email": f"person{n}@acme.example",
        "name": f"Person {n * 37 % 1000:03}",
        "role": str(Role.MEMBER),
        "password_hash": "sample-hash",
        "created_at": _ago(n),
        "updated_at": _ago(n),
        "version": 1,
    }


def _number(owner: str, n: int, user_id: str) -> Row:
    return {
        "id": new_id(),
        "organization_id": owner,
        "user_id": user_id,
        "provider": "sinch",
        "phone_number": f"+1415555{n:04}",
        "is_default": True,
        "is_inbound_enabled": True,
        "ai_enabled": False,
        "created_at": _ago(n),
        "updated_at": _ago(n),
        "version": 1,
    }


def _number_check(owner: str, n: int) -> Row:
    return _seen(owner, "sinch", f"+1415555{n:04}", in_sync=bool(n % 20))


def _call(owner: str, n: int) -> Row:
    return {
        "id": new_id(),
        "organization_id": owner,
        "conversation_id": f"conv_{n:08}",
        "kind": "post_call_transcription",
        "agent_id": f"agent_{n % 50}",
        "agent_name": f"Agent {n % 50}",
        "from_number": f"+1212{n * 7919 % 10_000_000:07}",
        "to_number": _phone(n % 60_000 + 1),
        "duration_seconds": n % 600,
        "outcome": "failure" if n % 17 == 0 else "success",
        "started_at": _ago(n * 60),
        "received_at": _ago(n * 60 - 30),
        "at": _ago(n * 60),
    }


def _event(owners: list[_Owner], n: int) -> Row:
    """Returns an audit event's row. Half of the events belong to the first organization."""
    kinds = ("endpoint.saved", "endpoint.created", "secrets.read", "user.signed_in", "telephony.saved")
    action = kinds[n % 5]
    return {
        "organization_id": owners[n // 2 % len(owners) if n % 2 else 0].id,
        "at": _ago((LARGE.events - n) * 60),
        "actor_id": None,
        "actor_name": EMAIL if n % 3 else f"person{n % 200}@acme.example",
        "ip": "192.0.2.7",
        "request_id": new_id(),
        "action": action,
        "subject": _phone(n % 60_000 + 1) if action.startswith("endpoint") else f"thing {n % 97}",
        "changes": {"label": ["Front desk", f"Line {n}"]},
        "digest": None,
    }


def _imports(scope: Scope, count: int) -> str:
    """Adds previewed imports, which are not applied, and returns the id of one."""
    rows = "".join(f"{_phone(n)},twilio,Agent {n}\n" for n in range(1, 2 if count == 1 else 5001))
    raw = f"phone_number,provider,inbound_agent_name\n{rows}".encode()
    first_import = csv_import.check(scope, csv_format.open_table(raw), "numbers.csv")
    columns = (
        "actor_name",
        "file_name",
        "country",
        "shown",
        "plan",
        "source",
        "organization_id",
        "created_at",
    )
    copied = {name: getattr(first_import, name) for name in columns}
    made_id = first_import.id
    _fill(EndpointImport, (copied | {"id": new_id(), "version": 1} for _ in range(count - 1)))
    return made_id


def _vacuum() -> None:
    """Updates PostgreSQL's statistics, as its autovacuum does."""
    engine = db.engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")
