"""Numbers in groups for the routing map: every number is in one of them, however many there are."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from app.models import Endpoint, Verdict
from app.models.base import new_id
from app.services.status import routing
from tests.support.statuses import NUMBER, drifted, go_live, save_result


def _add(scope, count, *, provider="twilio", agents=1, prefix="+1666"):
    own = {"organization_id": scope.organization.id, "provider": provider, "is_active": True}
    rows = [
        own
        | {"id": new_id(), "phone_number": f"{prefix}{n:07}", "inbound_agent_name": f"agent-{n % agents:02}"}
        for n in range(count)
    ]
    with scope.transaction():
        scope.session.execute(insert(Endpoint), rows)


@pytest.mark.both_databases
def test_of_shows_few_numbers_each_and_groups_many_and_counts_all(acme, globex):
    go_live(acme)
    save_result(acme, drifted())
    _add(acme, 2)
    _add(acme, 1, provider="gone", prefix="+1777")
    routing_map = routing.of(acme)
    assert list(routing_map.groups) == ["twilio", "gone"]
    drawn = {group.first: (group.agent, group.verdict, group.label) for group in routing_map.all_groups}
    assert drawn[NUMBER] == ("support", Verdict.UNHEALTHY, "Front desk")
    assert drawn["+17770000000"] == ("agent-00", Verdict.UNKNOWN, None)
    assert all(group.endpoint_id for group in routing_map.all_groups)
    assert (routing_map.numbers, routing_map.unhealthy, routing_map.agents) == (
        4,
        1,
        {"agent-00": 3, "support": 1},
    )
    assert routing.of(globex) == routing.Routing()

    _add(acme, 600, agents=30, prefix="+1888")
    _add(acme, 300, provider="vobiz", agents=10, prefix="+1999")
    routing_map = routing.of(acme)
    assert routing_map.numbers == 904
    assert len(routing_map.all_groups) <= routing.GROUPS + len(routing_map.groups)
    assert (len(routing_map.agents), routing_map.rest) == (routing.AGENTS, 31 - routing.AGENTS)
    assert {group.agent for group in routing_map.all_groups} - routing_map.agents.keys() == {routing.OTHERS}
    (rest,) = [group for group in routing_map.groups["twilio"] if group.rest]
    assert (rest.unhealthy, rest.numbers > 1, rest.verdict) == (1, True, Verdict.UNKNOWN)
    assert {group.rest > 0 for groups in routing_map.groups.values() for group in groups[:-1]} == {False}
