"""The data of an organization's home page."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from app.core import clock
from app.models import AuditEvent
from app.services.audit import search
from app.services.audit.actions import Action, Group
from app.services.scope import Scope
from app.services.status import facts, findings, outages, routing, setup
from app.services.status.facts import Facts
from app.services.status.findings import Finding
from app.services.status.outages import Month
from app.services.status.places import Place
from app.services.status.routing import Routing
from app.services.status.setup import Setup
from app.services.voice_ai import call_figures
from app.services.voice_ai.call_figures import Daily

CHANGES = 6
"""How many changes the home shows."""
MAPPED = 2000
"""Maximum count of active numbers for a small routing map on the home; with more, it has a link."""

ROWS = 6
"""Groups in the small map, beside one for the rest of each provider."""

_SEARCHED_EVENTS = 40
"""How many events are searched for changes."""


@dataclass(frozen=True)
class Change:
    """The last of equal changes by one user to several subjects, with all of these subjects."""

    event: AuditEvent
    subjects: list[str]


@dataclass(frozen=True)
class Home:
    """The state of an organization.

    `findings` are worst first, without those whose place is the home itself. `month` is None if no number
    was ever checked, `routing` if there are no numbers or too many.
    """

    facts: Facts
    findings: list[Finding]
    setup: Setup
    calls: Daily
    changes: list[Change]
    month: Month | None
    routing: Routing | None


def of(scope: Scope) -> Home:
    own_facts = facts.of(scope)
    return Home(
        own_facts,
        [finding for finding in findings.of(own_facts) if finding.place is not Place.HOME],
        setup.with_number(scope, own_facts),
        call_figures.recent(scope, clock.now().date()),
        _changes(scope),
        outages.month(scope) if own_facts.checked_at else None,
        routing.of(scope, single=ROWS + 3, most=ROWS) if 0 < own_facts.live <= MAPPED else None,
    )


def _changes(scope: Scope) -> list[Change]:
    """Returns the last changes, without sign-ins and reads."""
    recent = filter(_is_change, search.recent(scope, limit=_SEARCHED_EVENTS))
    changes = [
        Change(first, list(dict.fromkeys([first.subject, *(event.subject for event in others)])))
        for _, (first, *others) in itertools.groupby(recent, lambda event: (event.action, event.actor_name))
    ]
    return changes[:CHANGES]


def _is_change(event: AuditEvent) -> bool:
    """Whether the event is a change. A started act is not: its end has an event of its own."""
    action = Action.of(event.action)
    is_start = action in (Action.CHANGE_STARTED, Action.WEBHOOK_TEST_STARTED)
    return action is None or not (is_start or action.group in (Group.READING, Group.SIGN_IN))
