"""The home of an organization, and the figures of both homes."""

from __future__ import annotations

from datetime import timedelta

from app.core import clock
from app.models import Call
from app.provider.numbers import Reason
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.status import facts, home
from app.services.status.findings import Kind
from tests.support.scopes import OFFLINE
from tests.support.statuses import drifted, edit, in_sync, save_result


def _counts(scope):
    own_facts = facts.of(scope)
    counted = (
        own_facts.healthy,
        own_facts.all_drifted,
        own_facts.blocked,
        own_facts.unchecked,
        own_facts.unverified,
    )
    assert sum(counted) == own_facts.expected
    return counted


def test_facts_count_each_number_once_and_the_calls_of_two_days(live, globex):
    hours = (1, 23, 25, 47, 49)
    for scope, count in ((live, 5), (globex, 1)):
        for number, ago in enumerate(hours[:count]):
            own = {"organization_id": scope.organization.id, "conversation_id": f"conv-{number}"}
            at = clock.now() - timedelta(hours=ago)
            scope.session.add(Call(**own, kind="post_call_transcription", agent_id="agent", at=at))
    live.session.commit()
    assert [(one.calls, one.calls_before) for one in (facts.of(live), facts.of(globex))] == [(2, 2), (1, 0)]

    assert _counts(live) == (1, 0, 0, 0, 0)
    save_result(live, drifted())
    assert _counts(live) == (0, 1, 0, 0, 0)
    save_result(live, ProbeResult(trouble=Reason.NOT_SHOWN))
    assert _counts(live) == (0, 0, 0, 0, 1)
    edit(live, inbound_agent_name="another")
    assert _counts(live) == (0, 0, 0, 1, 0)
    directory.update(live, OFFLINE, {"public_base_url": None})
    assert _counts(live) == (0, 0, 1, 0, 0)
    assert facts.of(live).unhealthy == 1
    crud.create(live, {"phone_number": "+15551230001", "provider": "twilio"})
    assert (facts.of(live).live, facts.of(live).answered) == (2, 1)


def test_home_lists_findings_calls_and_changes(live, globex):
    save_result(live, drifted())
    summary = home.of(live)
    assert [finding.kind for finding in summary.findings] == [Kind.DRIFTED]
    assert (summary.setup.is_done, summary.calls.calls, len(summary.calls.days)) == (True, 0, 14)
    assert "endpoint.created" in [change.event.action for change in summary.changes]
    assert {change.event.organization_id for change in summary.changes} == {live.organization.id}
    save_result(live, in_sync())
    assert home.of(live).findings == []
    new = home.of(globex)
    assert [finding.kind for finding in new.findings] == [Kind.NO_BASE_URL], "the setup leads to the provider"
    assert new.setup.done == 0

    for number in ("+15551230001", "+15551230002"):
        crud.create(live, {"phone_number": number, "provider": "twilio"})
    crud.delete(live, crud.create(live, {"phone_number": "+15551230003", "provider": "twilio"}).id)
    changes = [(change.event.action, change.subjects) for change in home.of(live).changes]
    assert changes[:2] == [
        ("endpoint.deleted", ["+15551230003"]),
        ("endpoint.created", ["+15551230003", "+15551230002", "+15551230001", "+15551234567"]),
    ], "changes of the same kind are joined"
