"""Each hop of a call in each of its states, and the problem that a path names first."""

from __future__ import annotations

from app.models import Endpoint
from app.provider.numbers import Reason
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import readiness
from app.services.organizations import directory
from app.services.providers import credentials
from app.services.status import call_path
from app.services.status.hops import HopState
from app.services.status.places import Place
from tests.support.scopes import OFFLINE
from tests.support.statuses import (
    BASE,
    NUMBER,
    TWILIO,
    TWILIO_VALUES,
    URL,
    clear,
    drifted,
    edit,
    in_sync,
    save_result,
    save_test,
)


def _path(scope, direction="inbound"):
    return call_path.find(scope, NUMBER).paths[direction]


def _set_provider(scope, key):
    with scope.transaction():
        scope.session.scalar(scope.select(Endpoint)).provider = key


def _set_base_url(scope, url):
    directory.update(scope, OFFLINE, {"public_base_url": url})


def _disable(scope):
    credentials.save(scope, TWILIO, {}, enabled=False)


def _uncheck(scope):
    edit(scope, inbound_agent_name="another")
    edit(scope, inbound_agent_name="support")


def _heal(scope):
    _set_provider(scope, "twilio")
    credentials.save(scope, TWILIO, TWILIO_VALUES, enabled=True)
    _set_base_url(scope, BASE)
    edit(scope, is_active=True, inbound_agent_name="support", outbound_agent_name="sales")
    save_test(scope)
    save_result(scope, in_sync())


BROKEN = [
    (lambda it: edit(it, is_active=False), "endpoint", HopState.INACTIVE, Place.EDIT_ENDPOINT),
    (lambda it: _set_provider(it, "acme"), "provider", HopState.UNKNOWN, Place.ENDPOINT),
    (lambda it: clear(it, "auth_token"), "provider", HopState.NOT_CONNECTED, Place.PROVIDER),
    (_disable, "provider", HopState.DISABLED, Place.PROVIDER),
    (lambda it: save_test(it, code="x", ok=False), "provider", HopState.FAILED, Place.PROVIDER),
    (
        lambda it: credentials.save(it, TWILIO, {"auth_token": "sample-and-new"}),
        "provider",
        HopState.UNTESTED,
        Place.PROVIDER,
    ),
    (
        lambda it: edit(it, inbound_agent_name=None, outbound_agent_name=None),
        "agent",
        HopState.NO_AGENT,
        Place.EDIT_ENDPOINT,
    ),
    (lambda it: _set_base_url(it, None), "url", HopState.NO_BASE_URL, Place.SETTINGS),
    (lambda it: save_result(it, drifted()), "at_provider", HopState.DRIFTED, Place.AT_PROVIDER),
    (lambda it: save_result(it, ProbeResult()), "at_provider", HopState.DRIFTED, Place.AT_PROVIDER),
    (
        lambda it: save_result(it, ProbeResult(trouble=Reason.NOT_SHOWN)),
        "at_provider",
        HopState.NOT_SHOWN,
        Place.AT_PROVIDER,
    ),
    (_uncheck, "at_provider", HopState.NOT_CHECKED, Place.AT_PROVIDER),
]


def test_every_broken_hop_is_the_problem_of_its_path(live, thorough):
    """Every other one; thorough, each."""
    wrong = []
    for number, (break_it, key, state, place) in enumerate(BROKEN if thorough else BROKEN[::2]):
        break_it(live)
        problem = _path(live).problem
        if problem is None or (problem.key, problem.state, problem.place) != (key, state, place):
            wrong.append((number, problem))
        elif not problem.problem:
            wrong.append((number, "has no sentence"))
        _heal(live)
        assert _path(live).problem is None
    assert wrong == []


def test_hops_of_a_live_number_and_of_a_call_out(live):
    path = _path(live)
    assert [(hop.key, hop.state, hop.text) for hop in path.hops] == [
        ("number", HopState.KNOWN, NUMBER),
        ("endpoint", HopState.ACTIVE, "Front desk"),
        ("provider", HopState.WORKS, "Twilio"),
        ("agent", HopState.SET, "support"),
        ("url", HopState.SET, URL),
        ("at_provider", HopState.IN_SYNC, URL),
        ("webhook_test", HopState.NOT_TESTED, "Unknown"),
        ("last_call", HopState.NOT_READ, "—"),
    ]
    assert {hop.tone for hop in path.hops[:-2]} == {"ok"}
    assert path.ready
    assert path.hop("provider").at
    assert path.hop("at_provider").at

    path = _path(live, "outbound")
    assert [hop.key for hop in path.hops] == ["number", "endpoint", "provider", "agent", "url"]
    assert (path.agent, path.hop("agent").text, path.hop("url").text) == ("sales", "sales", BASE)
    assert path.problem is None

    save_test(live, code="not_proven")
    path = _path(live)
    assert (path.hop("provider").state, path.problem) == (HopState.PARTLY_TESTED, None)

    edit(live, inbound_agent_name=None)
    path = _path(live)
    assert (path.hop("agent").state, path.problem) == (HopState.OUTBOUND_ONLY, None)
    assert path.is_outbound_only
    assert not _path(live, "outbound").is_outbound_only
    edit(live, outbound_agent_name=None)
    assert not _path(live).is_outbound_only


def test_the_reason_is_the_apis_and_its_hop_the_first_problem(live):
    """Each step breaks one more thing; the one that blocks is named before the others."""
    for direction in readiness.DIRECTIONS:
        _heal(live)
        reasons = _reasons(live, direction)
        assert reasons == [
            None,
            "provider_disabled",
            "provider_not_configured",
            "provider_unknown",
            "no_public_base_url",
            f"no_{direction}_agent",
            "endpoint_inactive",
        ]


def _reasons(live, direction):
    reasons = []
    for break_it in (
        lambda: None,
        lambda: _disable(live),
        lambda: clear(live, "auth_token"),
        lambda: _set_provider(live, "acme"),
        lambda: _set_base_url(live, None),
        lambda: edit(live, **{f"{direction}_agent_name": None}),
        lambda: edit(live, is_active=False),
    ):
        break_it()
        path, answer = _path(live, direction), readiness.resolve(live, NUMBER, direction)
        assert (path.ready, path.blocked_reason) == (answer["ready"], answer["blocked_reason"])
        if path.blocked_reason and not path.is_outbound_only:
            assert path.problem is path.hop(call_path.BLOCKED_AT[path.blocked_reason])
        reasons.append(path.blocked_reason)
    return reasons
