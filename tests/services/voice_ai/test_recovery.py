"""A check finds what an interrupted AI change left at the provider, and stores it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.outbound.client import Outbound
from app.models import AuditEvent, ProviderWrite
from app.services.access import users
from app.services.connections import provider_writes
from app.services.drift import hooks, runs, schedule
from app.services.voice_ai import numbers, recovery
from simulators.base import Trouble
from simulators.elevenlabs.numbers import NIGHT_SHIFT, RECEPTION
from simulators.sinch_est import NUMBER
from tests.support.voice_ai import OFF, Here


class Killed(BaseException):
    pass


class Mortal(Outbound):
    """Ends the process after the response to a request of that method."""

    kills_after = ""

    def send(self, method, url, **more):
        answer = super().send(method, url, **more)
        if method == self.kills_after and "elevenlabs" in url:
            raise Killed
        return answer


@pytest.fixture
def killed(here, scopes):
    """Turns AI on, or off, in a process that is killed after the request."""

    def act(kills_after: str, *, on: bool) -> None:
        http = Mortal({**here.est.upstreams, **here.labs.upstreams}, deadline=5.0)
        http.kills_after = kills_after
        here.scope.session.rollback()
        with scopes.of("dana") as dying, suppress(Killed):
            user = users.get(dying, here.cast.mo.id)
            if on:
                numbers.enable(dying, http, user, here.number_id, RECEPTION)
            else:
                numbers.disable(dying, http, user, here.number_id)

    return act


def age(here: Here) -> None:
    """Makes every change older than any that can still be running."""
    with here.scope.transaction(lock=False):
        old = clock.now() - provider_writes.LONGEST - timedelta(seconds=1)
        here.scope.session.execute(update(ProviderWrite).values(started_at=old))


def open_changes(here: Here) -> int:
    here.scope.session.rollback()
    return len(here.scope.session.scalars(select(ProviderWrite)).all())


@pytest.mark.parametrize(
    ("kills_after", "on", "is_answered"),
    [("POST", True, False), ("PATCH", True, True), ("DELETE", False, False)],
    ids=["imported", "assigned", "removed"],
)
def test_run_stores_what_the_provider_has_after_a_kill(here, killed, kills_after, on, is_answered):
    if not on:
        here.on()
    before = here.row()
    killed(kills_after, on=on)
    assert (here.row(), open_changes(here)) == (before, 1)
    assert recovery.interrupted(here.scope, NUMBER) is None, "it may still be running"
    assert hooks.has_running_changes(here.scope)
    runs.run(here.scope, here.http, everything=True)
    assert (here.row(), open_changes(here)) == (before, 1)
    age(here)
    assert recovery.interrupted(here.scope, NUMBER) is not None
    assert (here.scope.organization.id, "elevenlabs") in schedule.waiting(here.scope)
    assert runs.run(here.scope, here.http).failure is None
    there = [(True, row["agent_id"], key) for key, row in here.labs.convai.numbers.items()]
    assert here.row() == (there[0] if is_answered else OFF)
    assert (open_changes(here), recovery.interrupted(here.scope, NUMBER)) == (0, None)
    resolved = here.scope.select(AuditEvent).where(AuditEvent.action == "provider-change.resolved")
    assert here.scope.session.scalars(resolved).one().subject == NUMBER


def test_run_leaves_an_interrupted_change_open_until_the_provider_answers(here, killed):
    killed("PATCH", on=True)
    age(here)
    here.labs.trouble = Trouble.FAULT
    assert runs.run(here.scope, here.http).failure
    assert (here.row(), open_changes(here)) == (OFF, 1)
    here.labs.trouble = None
    assert runs.run(here.scope, here.http).failure is None
    assert here.row()[:2] == (True, RECEPTION)


def test_run_leaves_a_number_that_was_changed_meanwhile(here, killed, scopes, monkeypatch):
    killed("PATCH", on=True)
    age(here)
    answer = here.labs.answer

    def faster(request):
        reply = answer(request)
        monkeypatch.setattr(here.labs, "answer", answer)
        with scopes.of("dana") as other:
            user = users.get(other, here.cast.mo.id)
            numbers.enable(other, here.http, user, here.number_id, NIGHT_SHIFT)
        return reply

    monkeypatch.setattr(here.labs, "answer", faster)
    runs.run(here.scope, here.http)
    assert here.row()[:2] == (True, NIGHT_SHIFT)
    assert open_changes(here) == 0
