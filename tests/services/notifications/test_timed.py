"""What comes with time is open exactly while it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.models import ApiToken, CheckRun, Connection, Installation, Secret
from app.services.access import tokens
from app.services.installation import keys
from app.services.notifications import inbox, limits, timed
from app.services.notifications.events import Event
from tests.support.statuses import go_live

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def opened(scope, every=HOUR):
    """The owner's open problems as (event, reason), after a look."""
    timed.reconcile(scope, every)
    timed.reconcile(scope, every)
    return sorted((row.event, row.reason) for row in inbox.open_now(scope))


def change(scope, model, **values):
    with scope.transaction():
        scope.session.execute(update(model).values(values))


def test_token_is_reported_14_and_3_days_before_it_ends(acme, cast):
    with acme.transaction():
        tokens.create(acme, cast.mo, name="Dialer", scopes=(), life=timedelta(days=30))
        tokens.create(acme, cast.mo, name="Short", scopes=(), life=timedelta(days=2))
        tokens.create(acme, cast.mo, name="x", scopes=(), life=timedelta(days=1), is_sign_in=True)
    life = {}
    for remaining_days in (15, 13, 4, 3, 1):
        own = ApiToken.name == "Dialer"
        with acme.transaction():
            values = {"expires_at": clock.now() + remaining_days * DAY, "created_at": clock.now() - 90 * DAY}
            acme.session.execute(update(ApiToken).where(own).values(values))
        life[remaining_days] = opened(acme)
    first, last = [(Event.TOKEN_EXPIRING, "14")], [(Event.TOKEN_EXPIRING, "3")]
    assert life == {15: [], 13: first, 4: first, 3: last, 1: last}
    change(acme, ApiToken, revoked_at=clock.now())
    assert opened(acme) == []


def test_old_secret_and_a_check_that_fails_or_is_overdue_are_reported(acme, globex):
    go_live(acme)
    change(acme, Secret, updated_at=clock.now() - 40 * DAY)
    change(acme, CheckRun, finished_at=clock.now())
    assert [one for one in opened(acme, timedelta(0)) if one[0] == Event.SECRET_OLD] == []
    limits.save(acme, {"most_secret_days": 30})
    assert opened(acme, timedelta(0)) == [(Event.SECRET_OLD, "30")]
    (row,) = inbox.open_now(acme)
    assert (row.provider, row.subject) == ("twilio", "Auth token")
    assert opened(globex, timedelta(0)) == []
    change(acme, Secret, updated_at=clock.now())
    assert opened(acme, timedelta(0)) == []

    own = {"organization_id": acme.organization.id, "provider": "twilio"}
    change(acme, Connection, created_at=clock.now() - DAY)
    assert opened(acme) == [(Event.CHECK_OVERDUE, None)]
    assert opened(acme, timedelta(0)) == []
    with acme.transaction():
        acme.session.add(CheckRun(**own, finished_at=clock.now(), failure="No response."))
    assert opened(acme) == [(Event.CHECK_FAILED, None)]
    (row,) = inbox.open_now(acme)
    assert row.detail == "No response."
    change(acme, CheckRun, failure=None)
    assert opened(acme) == []
    change(acme, CheckRun, finished_at=clock.now() - 3 * HOUR)
    assert opened(acme) == [(Event.CHECK_OVERDUE, None)]


def test_backup_is_reported_when_it_is_older_than_chosen(acme, installation):
    keys.prepare(acme)
    change(installation, Installation, backed_up_at=None)
    assert opened(installation) == []
    limits.save(installation, {"most_backup_days": 7})
    assert opened(installation) == [(Event.BACKUP_OLD, "7")]
    change(installation, Installation, backed_up_at=clock.now() - 6 * DAY)
    assert opened(installation) == []
    change(installation, Installation, backed_up_at=clock.now() - 8 * DAY)
    assert opened(installation) == [(Event.BACKUP_OLD, "7")]
    assert opened(acme) == []


@pytest.mark.both_databases
def test_reconcile_in_parallel_reports_each_once(installation, scopes, acme):
    keys.prepare(acme)
    limits.save(installation, {"most_backup_days": 1})
    change(installation, Installation, backed_up_at=None)
    scopes.in_parallel(*[("dana", lambda scope: timed.reconcile(scope, HOUR))] * 4)
    assert len(inbox.open_now(installation)) == 1
    assert acme.session.scalars(select(Installation.backed_up_at)).all() == [None]
