"""The gauges that are read from the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import context
from app.core import clock
from app.extensions import db
from app.models import (
    ApiToken,
    CheckRun,
    Connection,
    Delivery,
    Destination,
    DriftCheck,
    HealthTransition,
    Installation,
    Job,
    Notification,
    Secret,
)
from app.services import jobs
from tests.support import cast as support_cast
from tests.support.metrics import samples, scrape

NOW = clock.now().replace(microsecond=0)
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


def unix(ago: timedelta) -> float:
    return float(clock.seconds(NOW - ago))


@pytest.mark.both_databases
def test_gauges_are_of_all_organizations(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with client.application.app_context():
        people = support_cast.write(context.session())
        for place, organization in enumerate([people.acme, people.globex]):
            _add(organization.id, place)
        tokens: list[tuple[int, dict[str, Any]]] = [(40, {}), (9, {}), (-1, {})]
        tokens += [(3, {"is_sign_in": True}), (2, {"revoked_at": NOW})]
        for days, changes in tokens:
            token = ApiToken(user_id=people.dana.id, name="x", expires_at=NOW + days * A_DAY, **changes)
            context.session().add(token)
        people.gus.disabled_at = NOW
        context.session().add(ApiToken(user_id=people.gus.id, name="x", expires_at=NOW + A_DAY))
        context.session().get_one(Installation, 1).backed_up_at = NOW - A_DAY
        context.session().commit()
    scraped = scrape(client)
    expected = {
        "patchbay_database_up": {(): 1},
        "patchbay_numbers": {("healthy", "twilio"): 4, ("unhealthy", "twilio"): 2, ("unknown", "vobiz"): 2},
        "patchbay_connections": {("unhealthy", "twilio"): 2},
        "patchbay_last_check_timestamp_seconds": {
            ("twilio",): unix(2 * AN_HOUR),
            ("vobiz",): unix(4 * AN_HOUR),
            ("exotel",): unix(6 * AN_HOUR),
        },
        "patchbay_failed_checks": {("twilio",): 2, ("vobiz",): 0, ("exotel",): 0},
        "patchbay_pending_checks": {("vobiz",): 2},
        "patchbay_running_jobs": {(kind,): float(kind == jobs.Kind.CHECK_IMPORT) for kind in jobs.Kind},
        "patchbay_waiting_deliveries": {("webhook",): 4},
        "patchbay_oldest_delivery_timestamp_seconds": {("webhook",): unix(2 * AN_HOUR)},
        "patchbay_disabled_destinations": {("webhook",): 0, ("slack",): 2},
        "patchbay_token_expiry_timestamp_seconds": {(): unix(-9 * A_DAY)},
        "patchbay_oldest_secret_timestamp_seconds": {("twilio",): unix(31 * A_DAY)},
        "patchbay_last_backup_timestamp_seconds": {(): unix(A_DAY)},
    }
    assert {name: samples(scraped[name]) for name in expected} == expected


def _add(owner: str, place: int) -> None:
    """Adds what the second organization has a little earlier than the first."""
    later = (place + 1) * AN_HOUR
    numbers = [("twilio", "healthy"), ("twilio", "healthy"), ("twilio", "unhealthy"), ("vobiz", "unknown")]
    for n, (provider, verdict) in enumerate(numbers):
        number = f"+155500000{place}{n}"
        own = {"organization_id": owner, "provider": provider, "phone_number": number}
        context.session().add(DriftCheck(**own, verdict=verdict, due=provider == "vobiz"))
    for now in ("healthy", "unhealthy"):
        row = HealthTransition(organization_id=owner, provider="twilio", phone_number="", was="off", now=now)
        row.at = NOW
        context.session().add(row)
        context.session().flush()
    for provider, enabled in [("twilio", True), ("vobiz", True), ("exotel", True), ("sinch", False)]:
        created_at = NOW - 3 * later
        own = {"organization_id": owner, "provider": provider}
        context.session().add(Connection(**own, enabled=enabled, created_at=created_at))
    context.session().add(CheckRun(organization_id=owner, provider="vobiz", started_at=NOW - 2 * later))
    ended = {"started_at": NOW - 9 * A_DAY, "finished_at": NOW - later, "failure": "The provider hangs."}
    context.session().add(CheckRun(organization_id=owner, provider="twilio", **ended))
    entered = NOW - (30 + place) * A_DAY
    secret = {"provider": "twilio", "field": "auth_token", "sealed": "x", "key_fingerprint": "x"}
    context.session().add(Secret(organization_id=owner, updated_at=entered, **secret))
    _add_destinations(owner, later)
    if place:
        common = {"organization_id": owner, "actor_name": "x", "step": "x", "back_url": "/"}
        for kind, reported in [(jobs.Kind.CHECK_IMPORT, NOW), (jobs.Kind.APPLY_IMPORT, NOW - A_DAY)]:
            job = Job(kind=kind, state=jobs.State.RUNNING, reported_at=reported, **common)
            context.session().add(job)


def _add_destinations(owner: str, later: timedelta) -> None:
    """Adds a webhook with messages in each state, and a disabled destination."""
    row = Notification(organization_id=owner, event="notification.test", lane="x")
    webhook = Destination(organization_id=owner, kind="webhook")
    disabled = Destination(organization_id=owner, kind="slack", disabled_reason="It failed.")
    context.session().add_all([row, webhook, disabled])
    context.session().flush()
    for state, ago, was_held in [
        ("waiting", later, False),
        ("waiting", 9 * later, True),
        ("delivered", 9 * later, False),
        ("failed", 9 * later, False),
    ]:
        own = {"notification_id": row.id, "destination_id": webhook.id, "lane": "x", "due_at": NOW}
        created_at = NOW - ago
        context.session().add(Delivery(**own, state=state, was_held=was_held, created_at=created_at))


def test_scrape_without_a_database_says_so(client: FlaskClient) -> None:
    with client.application.app_context():
        db.engine.dispose()
        db.session.remove()
        with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(text("DROP TABLE drift_checks"))
    scraped = scrape(client)
    assert samples(scraped["patchbay_database_up"]) == {(): 0}
    assert "patchbay_numbers" not in scraped
    assert "patchbay_requests" in scraped
