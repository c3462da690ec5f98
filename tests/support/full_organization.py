"""An organization that has one of everything, each secret a marker that can be searched for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from app import context
from app.core import clock
from app.extensions import db
from app.models import Call, DeliveryAttempt, JobResult, Organization, User
from app.provider import Count, Field, PhoneNumber, Provider, ServiceHost, WebAddress
from app.providers import PROVIDERS
from app.services import jobs
from app.services.access import sessions, tokens, totp, users
from app.services.endpoints import crud, csv_format, csv_import, saved_views
from app.services.notifications import destinations, limits, quiet, record
from app.services.notifications.events import Event
from app.services.notifications.record import Draft
from app.services.notifications.states import State
from app.services.numbers import assignments
from app.services.organizations import directory
from app.services.providers import active, credentials, history
from app.services.scope import Scope
from app.web.shell.registry import Page
from devtools.scopes import scope_of
from tests.support.cast import Cast, Person
from tests.support.page_checks import MARK
from tests.support.scopes import OFFLINE

NUMBER = "+15551234567"
ARGUMENT = re.compile(r"<(?:\w+:)?(?P<name>\w+)>")
QUERIES = {
    "providers.confirm_active": "provider=vobiz",
    "settings.confirm_base_url": "url=https://other.example.com",
}
"""What a page needs in its address beside the path."""
BASE_URL = "https://voice.acme.example"
OF_INSTALLATION = (
    "/notifications",
    *(f"/api/{name}" for name in ("notification", "problems", "quiet-periods")),
)
"""How rules begin that are about the installation's notifications."""


def good_value(declared: Field, provider: Provider, *, again: bool = False) -> Any:
    """One that the field accepts; `again` gives another one. A secret's has its place in it."""
    if declared.secret:
        return f"{MARK}{provider.key}.{declared.name}{'Two' if again else 'One'}"
    if isinstance(declared, PhoneNumber):
        return "+15557654321" if again else NUMBER
    if isinstance(declared, Count):
        return 7 if again else 3
    if isinstance(declared, ServiceHost):
        return declared.choices[-1]
    if isinstance(declared, WebAddress):
        return f"https://example.com/{declared.name}{'-2' if again else ''}"
    value = (f"{declared.name}-2" if again else declared.name).replace("_", "-")
    pattern = getattr(declared, "pattern", "")
    if pattern:
        letters = pattern[:2] if pattern[:2].isalpha() else "MG"
        value = letters + ("1" if again else "0") * 32
    assert declared.check(value, None) == value, f"think of a value for {provider.key}.{declared.name}"
    return value


def good_values(provider: Provider, *, again: bool = False) -> dict[str, Any]:
    return {declared.name: good_value(declared, provider, again=again) for declared in provider.typed_fields}


@contextmanager
def scope_as(app: Flask, person: Person, organization_id: str | None = None) -> Any:
    """The scope of a person in their organization, or in another one."""
    with app.app_context():
        session: Session = context.session()
        organization = session.get_one(Organization, organization_id or person.organization_id)
        yield scope_of(session, organization, session.get_one(User, person.id), context.keys())


@dataclass(frozen=True)
class Furnished:
    """What there is, by its ids, and each secret by what it is."""

    cast: Cast
    ids: dict[str, str]
    secrets: Mapping[str, str]
    installation: dict[str, str]
    """Ids of notifications that belong to no organization."""

    def ids_for(self, rule: str) -> dict[str, str]:
        """Returns the ids, of the installation's own notifications if the rule is about those."""
        is_own = rule.startswith(OF_INSTALLATION)
        return self.ids | self.installation if is_own else self.ids

    def address(self, route: Rule | Page, **other: str) -> str:
        """Returns the route's path, with the ids of what there is, and a provider that has such a page."""
        sinch, job = {"key": "sinch"}, {"job_id": self.ids["webhook_job_id"]}
        special = {"callback": sinch, "callback_tests": sinch, "webhook_jobs": job}
        values = self.ids_for(route.rule) | special.get(route.endpoint.partition(".")[0], {}) | other
        return ARGUMENT.sub(lambda match: values[match["name"]], route.rule)

    def page(self, page: Page) -> str:
        """Returns the address of a registered page, with the query that it needs."""
        query = QUERIES.get(page.endpoint)
        return f"{self.address(page)}?{query}" if query else self.address(page)


def furnish(app: Flask, cast: Cast) -> Furnished:
    """Stores it as Dana, in Acme Support."""
    secrets: dict[str, str] = {}
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"public_base_url": BASE_URL, "country": "US"})
        for provider in PROVIDERS.values():
            values = _values(scope, provider)
            secrets |= {f"{provider.key}.{f.name}": values[f.name] for f in provider.secrets}
        for family, key in (("voice", "twilio"), ("telephony", "twilio"), ("voice_ai", "elevenlabs")):
            with scope.transaction():
                active.switch(scope, family, key, reason="the first one")  # type: ignore[arg-type]
        endpoint = crud.create(
            scope,
            {
                "phone_number": NUMBER,
                "provider": "twilio",
                "inbound_agent_name": "Reception",
                "outbound_agent_name": "Sales",
                "label": "Front desk",
            },
        )
        gone = crud.create(scope, {"phone_number": "+15550009999", "provider": "twilio"})
        deleted = crud.delete(scope, gone.id)
        assignment = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+15557654321"}
        number, user = assignments.assign(scope, assignment)
        table = csv_format.open_table(b"phone_number,provider\n+15550001234,twilio\n")
        sheet = csv_import.check(scope, table)
        issued = tokens.issue(scope, user, name="Dialer", scopes=(), days=30)
        secrets["jwt"] = issued.jwt
        sleeper = users.create(scope, _sleeper())
        secrets["password"] = _sleeper()["password"]
        secrets["totp"] = totp.begin(scope, sleeper).split("secret=")[1].split("&")[0]
        with scope.transaction():
            secrets["session"] = sessions.start(scope, sleeper, user_agent="Firefox/140.0")
        notified = _notify(scope)
        secrets["signing_secret"] = notified.pop("secret")
        everywhere = _notify(replace(scope, organization_or_none=None))
        secrets["signing_secret of the installation"] = everywhere.pop("secret")
        call = _call(cast.acme)
        with scope.transaction():
            scope.session.add(call)
        ids = {
            "slug": "acme-support",
            "key": "twilio",
            "provider": "sinch",
            "family": "telephony",
            "endpoint_id": scope.session.merge(endpoint).id,
            "import_id": sheet.id,
            "call_id": call.id,
            "user_id": cast.mo.id,
            "number_id": scope.session.merge(number).id,
            "phone_number": "+15557654321",
            "number": "+15557654321",
            "token_id": issued.token.id,
            "session_id": sessions.of_user(scope, sleeper)[0].id,
            "organization_id": cast.acme,
            "digest": "of-tomorrow",
            "filename": "css/base.css",
            "guide": "dialer",
            "picture": "provider.png",
            "event_id": str(scope.session.merge(deleted).id),
            "job_id": jobs.start(scope, jobs.Kind.CHECK_IMPORT, "Reading the file", "/").id,
            **notified,
            "view_id": saved_views.save(scope, "Twilio", "provider=twilio").id,
            "webhook_job_id": _webhook_job(scope, endpoint.id),
            "switch_id": str(history.history(scope, PROVIDERS["elevenlabs"])[0].id),
        }
    return Furnished(cast, ids, secrets, everywhere)


def _notify(scope: Scope) -> dict[str, str]:
    """Adds a destination that has a delivery, an open problem and a quiet period; returns their ids.

    Nothing is sent: it has no event that occurs here, and the delivery was given up.
    """
    new = {"kind": "webhook", "url": "https://hooks.example.com/", "events": ["secret.old"]}
    created = destinations.create(scope, new)
    ends = clock.utc(clock.now() + timedelta(hours=1))
    period = quiet.add(scope, {"ends_at": ends, "reason": "Move"})
    key = f"destination:{created.row.id}"
    draft = Draft(Event.DESTINATION_DISABLED, lane="destination", key=key, subject="On call")
    with scope.transaction():
        row = record.add(scope, draft)
        delivery = record.deliver(scope, row, created.row, is_manual=True)
        delivery.state = State.FAILED
        scope.session.flush()
        scope.session.add(DeliveryAttempt(delivery_id=delivery.id, milliseconds=80, ok=False, status=500))
    limits.save(scope, {"most_secret_days": None})
    return {
        "destination_id": created.row.id,
        "delivery_id": delivery.id,
        "problem_id": row.uid,
        "period_id": period.id,
        "kind": "webhook",
        "secret": created.secrets["signing_secret"],
    }


def _webhook_job(scope: Scope, endpoint_id: str) -> str:
    """The id of a job that has ended, and that can be undone."""
    job = jobs.start(scope, jobs.Kind.SET_WEBHOOKS, "Reading the selection", "/")
    done: dict[str, Any] = {"endpoint_id": endpoint_id, "provider": "twilio", "phone_number": NUMBER}
    done |= {"ok": True, "code": "in_sync", "reason": "x", "settings": "{}"}
    with scope.transaction():
        scope.session.add(JobResult(**done, job_id=job.id, organization_id=scope.organization.id))
    jobs.Running(scope.session.get_bind(), job.id).finish()  # type: ignore[arg-type]
    return job.id


def _call(organization_id: str) -> Call:
    return Call(
        organization_id=organization_id,
        conversation_id="conv-1",
        kind="post_call_transcription",
        agent_id="agent-1",
        agent_name="Reception",
        from_number="+14155550123",
        duration_seconds=83,
        outcome="success",
    )


def _values(scope: Scope, provider: Provider) -> dict[str, Any]:
    """Every field of the provider, those included that no form has."""
    values = {declared.name: good_value(declared, provider) for declared in provider.fields}
    credentials.save(scope, provider, values)
    return values


def _user(scope: Scope, person: Person) -> User:
    return scope.session.get_one(User, person.id)


def _sleeper() -> dict[str, str]:
    """Never signed in; has begun with TOTP."""
    return {
        "email": "sleeper@acme.example",
        "name": "Sleeper",
        "role": "member",
        "password": f"{MARK} sleeps under the table",
    }


Written = tuple[Path, Furnished]
"""A SQLite database that has it, to copy, and what is in it."""


def put_in_place(app: Flask, written: Written) -> Furnished:
    """Gives an app on SQLite a copy of the database instead of its own."""
    database, furnished = written
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        shutil.copyfile(database, str(db.engine.url.database))
    return furnished
