"""How many SQL statements an operation takes: as many for a large organization as for a small one."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, insert

from app.models import Endpoint, Organization, User, VoicePhoneNumber
from app.models.base import new_id
from app.provider import Family
from app.services.access import users
from app.services.audit import log, search
from app.services.audit.actions import Action
from app.services.connections import check_days
from app.services.drift import queue, standing, tallies
from app.services.endpoints import bulk, listing, paging
from app.services.endpoints.bulk import Selection
from app.services.endpoints.listing import Filter
from app.services.organizations import directory
from app.services.providers import active
from app.services.scope import Scope
from app.services.status import call_path, home, impact, overview, setup
from app.services.status import search as status_search
from app.services.voice_ai import calls
from app.services.voice_ai import config as voice_ai_config
from tests.support import statuses
from tests.support.scopes import statements
from tests.support.statuses import NUMBER, TWILIO

GROWING = 200
_EVERY_NUMBER = [NUMBER, *(f"+1777{n:07}" for n in range(GROWING))]

BUDGETS: dict[str, tuple[int, Callable[[Scope], object]]] = {
    "overview": (14, overview.page),
    "home": (22, home.of),
    "next step": (16, setup.next_step),
    "call path": (12, lambda scope: call_path.find(scope, NUMBER)),
    "impact of a provider": (5, lambda scope: impact.of_provider(scope, TWILIO)),
    "impact of a base URL": (5, lambda scope: impact.of_base_url(scope, "https://new.example.com")),
    "impact of a switch": (4, lambda scope: impact.of_switch(scope, Family.VOICE, "twilio")),
    "search": (6, lambda scope: status_search.find(scope, "555")),
    "audit page": (1, search.page),
    "audit of a number": (2, lambda scope: search.history(scope, NUMBER)),
    "endpoints page": (1, lambda scope: paging.page(scope, Filter(), limit=5)),
    "endpoints by label": (2, lambda scope: paging.page(scope, Filter(), limit=100, sort="label")),
    "all endpoints": (1, lambda scope: list(listing.stream(scope, Filter()))),
    "users page": (1, users.page),
    "calls page": (1, calls.page),
    "organizations": (1, directory.every),
    "strips of numbers": (1, lambda scope: check_days.of_numbers(scope, _EVERY_NUMBER)),
    "drift tally": (3, tallies.tally),
    "drift status": (5, standing.of),
    "voice AI numbers": (3, voice_ai_config.config),
}


def _grow(scope: Scope) -> None:
    """Adds so many endpoints, users, dialer numbers, calls, events and organizations."""
    own = {"organization_id": scope.organization.id}
    people = [
        own | {"id": new_id(), "name": f"User {n}", "email": f"user-{n}@acme.example", "role": "member"}
        for n in range(GROWING)
    ]
    dialers = [
        own
        | {
            "id": new_id(),
            "user_id": user["id"],
            "provider": "sinch",
            "phone_number": f"+1666{n:07}",
            "label": "a",
        }
        for n, user in enumerate(people)
    ]
    with scope.transaction():
        session = scope.session
        session.execute(insert(User), [user | {"password_hash": ""} for user in people])
        session.execute(insert(VoicePhoneNumber), dialers)
        for n in range(GROWING):
            agents = {"inbound_agent_name": f"agent-{n}", "outbound_agent_name": "sales"}
            session.add(Endpoint(**own, phone_number=f"+1777{n:07}", provider="twilio", **agents))
            session.add(Organization(name=f"Tenant {n}", slug=f"tenant-{n}"))
        queue.mark_due(scope, [f"+1777{n:07}" for n in range(GROWING)])
    for n in range(3):
        with scope.transaction():
            log.note(scope, Action.CONNECTION_TESTED, f"no. {n}")


def _counts(scope: Scope, engine: Engine) -> dict[str, int]:
    counts = {}
    for name, (_, operation) in BUDGETS.items():
        scope.session.expire_all()
        assert scope.organization.id
        with statements(engine) as sql_statements:
            operation(scope)
        counts[name] = len(sql_statements)
    return counts


def test_operations_take_as_many_statements_in_a_large_organization(acme: Scope, engine: Engine) -> None:
    statuses.go_live(acme)
    active.make_active(acme, Family.TELEPHONY, "twilio")
    few, few_changed = _counts(acme, engine), _bulk_change(acme, engine, "Ann", expected_count=1)
    _grow(acme)
    many, many_changed = _counts(acme, engine), _bulk_change(acme, engine, "Bob", expected_count=GROWING + 1)
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
    over = {name: many[name] for name, (budget, _) in BUDGETS.items() if many[name] > budget}
    assert over == {}
    assert few_changed == many_changed


def _bulk_change(scope: Scope, engine: Engine, agent: str, *, expected_count: int) -> int:
    """Gives every number an agent; returns how many statements that took."""
    statuses.save_result(scope, statuses.in_sync())
    with statements(engine) as sql_statements:
        bulk.change(
            scope, Selection(filters=Filter()), {"inbound_agent_name": agent}, expected_count=expected_count
        )
    return len(sql_statements)


def test_an_event_takes_the_chain_last_and_three_statements(acme: Scope, engine: Engine) -> None:
    """A lock on PostgreSQL, the key with the record, the event, and the record again."""
    statuses.go_live(acme)
    with statements(engine) as sql_statements, acme.transaction():
        log.note(acme, Action.CONNECTION_TESTED, "first")
        acme.organization.name = "Acme Renamed"
    lock = ["SELECT"] if engine.dialect.name == "postgresql" else []
    expected = ["UPDATE", *lock, "SELECT", "INSERT", "UPDATE"]
    assert [line.split()[0] for line in sql_statements][-len(expected) :] == expected
    assert sum("audit_" in line or "advisory" in line for line in sql_statements) == len(expected) - 1
