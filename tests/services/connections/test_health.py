"""The one rule of a connection's health, over everything that it depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core import clock
from app.provider import Outcome
from app.providers import PROVIDERS
from app.services.connections import health
from app.services.connections.health import Health
from app.services.connections.store import StoredConnection, StoredSecret

VOBIZ = PROVIDERS["vobiz"]
TOKEN = StoredSecret("", clock.now(), broken=False, value="sample-token")
COMPLETE = StoredConnection(VOBIZ, 1, True, {"auth_id": "MA_SAMPLE01"}, {"auth_token": TOKEN})


@dataclass(frozen=True)
class Checked:
    ok: bool
    code: str


GOOD, BAD = Checked(True, Outcome.OK), Checked(False, Outcome.BAD_CREDENTIALS)
PARTLY = Checked(True, Outcome.NOT_PROVEN)
LIMITED = Checked(True, Outcome.LIMITED)


def test_of_every_state_of_a_connection_and_the_worst_of_several():
    broken = replace(COMPLETE, secrets={"auth_token": replace(TOKEN, broken=True, value=None)})
    cases = [
        (StoredConnection(VOBIZ), None, Health.NOT_CONNECTED),
        (replace(COMPLETE, values={}, secrets={}), BAD, Health.NOT_CONNECTED),
        (replace(COMPLETE, enabled=False), BAD, Health.DISABLED),
        (replace(COMPLETE, secrets={}), BAD, Health.INCOMPLETE),
        (broken, GOOD, Health.INCOMPLETE),
        (COMPLETE, None, Health.UNTESTED),
        (COMPLETE, GOOD, Health.WORKS),
        (COMPLETE, PARTLY, Health.PARTLY_TESTED),
        (COMPLETE, LIMITED, Health.LIMITED),
        (COMPLETE, BAD, Health.FAILED),
    ]
    wrong = [(test, expected) for stored, test, expected in cases if health.of(stored, test) is not expected]
    assert wrong == []

    assert health.worst([Health.WORKS, Health.NOT_CONNECTED, Health.UNTESTED]) is Health.UNTESTED
    assert health.worst([Health.INCOMPLETE, Health.FAILED]) is Health.FAILED
    assert {each.tone for each in Health} == {"bad", "warn", "idle", "ok"}
