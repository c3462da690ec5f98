"""Where the trunk of a number with AI on leads: every kind of endpoint, and the residency of the agents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.errors import Conflict
from app.models import DriftCheck, Verdict
from app.provider.numbers import Reason
from app.provider.voice_ai import SipEndpoint
from app.providers import PROVIDERS
from app.services.connections import store, transitions
from app.services.connections.number_health import BlockedReason, Cause
from app.services.drift import queue, runs, tallies
from app.services.drift.hooks import Watched
from app.services.providers import credentials
from app.services.voice_ai import messages, trunk
from app.services.webhooks import voice_numbers
from simulators.base import Reply
from simulators.elevenlabs.numbers import NIGHT_SHIFT, RECEPTION
from simulators.sinch import Sinch
from simulators.sinch_est import NUMBER, endpoint, error
from tests.support.scopes import OFFLINE

HOSTS = ("sip.rtc.elevenlabs.io", "sip-static.rtc.elevenlabs.io")
OTHER = "pbx.example"
ADDRESS = "203.0.113.7:5060"
CASES: list[tuple[list[SipEndpoint], str]] = [
    ([SipEndpoint(HOSTS[0])], ""),
    ([SipEndpoint(HOSTS[1])], ""),
    ([SipEndpoint(HOSTS[0], priority=1), SipEndpoint(OTHER, priority=2)], ""),
    ([], HOSTS[0]),
    ([SipEndpoint(OTHER)], HOSTS[0]),
    ([SipEndpoint(OTHER, priority=1), SipEndpoint(HOSTS[0], priority=2)], OTHER),
    (
        [SipEndpoint(HOSTS[0]), SipEndpoint(OTHER)],
        messages.trunk_shares_calls("Sinch EST", f"{OTHER}:5060", "ElevenLabs"),
    ),
    ([SipEndpoint("203.0.113.7")], ADDRESS),
]


def test_leads_to_names_what_keeps_calls_from_the_hosts_of_the_residency():
    wrong = []
    for endpoints, words in CASES:
        verdict = trunk.leads_to(endpoints, HOSTS, "Sinch EST", "ElevenLabs")
        expected = {"": True, ADDRESS: None}.get(words, False)
        if verdict.in_sync is not expected or words not in verdict.detail:
            wrong.append((endpoints, verdict))
    assert wrong == []

    hosts = {
        None: "sip.rtc.elevenlabs.io",
        "https://api.us.elevenlabs.io": "sip.rtc.elevenlabs.io",
        "https://api.eu.residency.elevenlabs.io": "sip.rtc.eu.residency.elevenlabs.io",
    }
    assert {base: PROVIDERS["elevenlabs"].sip_hosts({"api_base": base})[0] for base in hosts} == hosts


def test_check_and_caution_read_the_trunk(here, acme):
    est, provider = here.est, PROVIDERS["sinch_est"]
    assert trunk.check(acme, here.http, provider) == Watched(), "no number has AI on"
    here.on()
    wrong: list[object] = []
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, ""),
        ({"endpoints": []}, HOSTS[0]),
        ({"endpoints": [endpoint(OTHER)]}, OTHER),
        ({"numbers": {NUMBER: ""}}, "trunk"),
    ]
    for changes, words in cases:
        before = {name: getattr(est, name) for name in changes}
        for name, value in changes.items():
            setattr(est, name, value)
        watched = trunk.check(acme, here.http, provider)
        if (
            bool(watched.problem) is not bool(words)
            or words not in (watched.problem or "")
            or watched.failure
        ):
            wrong.append((changes, watched))
        for name, value in before.items():
            setattr(est, name, value)
    assert wrong == []
    est.instead = {("GET", "/endpoints"): error(500, "INTERNAL")}
    assert trunk.check(acme, here.http, provider).failure

    est.instead = {}
    usual = list(est.endpoints)
    for odd in ({"enabled": "perhaps"}, {"priority": "1"}, {"address": {"host": OTHER}}):
        est.endpoints = [*usual, endpoint(OTHER, priority=0) | odd]
        assert trunk.check(acme, here.http, provider).failure, odd

    row, est.endpoints = here.on(), usual
    cases += [
        ({"numbers": {}}, "trunk"),
        (
            {"instead": {("GET", "/endpoints"): error(403, "PERMISSION_DENIED")}},
            messages.trunk_not_read("Sinch EST"),
        ),
    ]
    for changes, words in cases:
        before = {name: getattr(est, name) for name in changes}
        vars(est).update(changes)
        caution = trunk.caution(here.scope, here.http, row)
        if bool(caution) is not bool(words) or words not in caution:
            wrong.append((changes, caution))
        vars(est).update(before)
    assert wrong == []


def test_check_of_an_unread_part_fails_and_an_odd_list_is_not_known(here, subtests, thorough):
    """One list in three; thorough, each."""
    est, provider = here.est, PROVIDERS["sinch_est"]
    here.on()
    usual, est.odd_items = est.numbers, [7]
    assert trunk.check(here.scope, here.http, provider) == Watched(checked=1)
    est.numbers = {}
    assert trunk.check(here.scope, here.http, provider).failure

    est.odd_items, est.numbers = [], usual
    trunk_key, scope = "sinch_est", here.scope
    for reply, expected in LISTED if thorough else LISTED[1::3]:
        with subtests.test(status=reply.status, body=repr(reply.body)):
            here.labs.instead = {("GET", "/v1/convai/phone-numbers"): reply}
            watched = trunk.check(scope, here.http, PROVIDERS[trunk_key])
            assert watched.failure is None
            scope.session.expire_all()
            row = tallies.of_numbers(scope, [NUMBER])[(trunk_key, NUMBER)]
            assert row.in_sync is expected
            assert bool(watched.problem) is (expected is not True)


def test_what_the_trunk_does_is_the_verdict_on_the_number(here):
    """It follows each check and each look, is kept as transitions, and ends with AI on the number."""
    scope, est, trunk_key = here.scope, here.est, "sinch_est"
    row = here.on()

    def verdict() -> tuple[str | None, str | None] | None:
        scope.session.expire_all()
        check = tallies.of_numbers(scope, [NUMBER]).get((trunk_key, NUMBER))
        return (check.verdict, check.cause) if check else None

    assert verdict() == (Verdict.UNKNOWN, Cause.NOT_CHECKED)
    assert runs.run_at(scope, here.http, trunk_key).checked == 1
    assert verdict() == (Verdict.HEALTHY, None)
    usual, est.endpoints = est.endpoints, [endpoint(OTHER)]
    report = runs.run(scope, here.http, everything=True)
    assert (report.drifted, len(report.problems)) == (1, 1)
    assert verdict() == (Verdict.UNHEALTHY, Reason.TRUNK_LEADS_ELSEWHERE)
    est.endpoints = usual
    assert trunk.caution(scope, here.http, row) == ""
    assert verdict() == (Verdict.HEALTHY, None)
    est.numbers = {NUMBER: ""}
    assert trunk.caution(scope, here.http, row)
    assert verdict() == (Verdict.UNHEALTHY, Reason.OFF_THE_TRUNK)
    est.numbers = {NUMBER: est.values["trunk_id"]}
    (entry,) = here.labs.convai.numbers.values()
    entry["agent_id"] = NIGHT_SHIFT
    assert NIGHT_SHIFT in trunk.caution(scope, here.http, row)
    assert verdict() == (Verdict.UNHEALTHY, Reason.OTHER_AGENT)
    runs.run(scope, here.http, everything=True)
    assert verdict() == (Verdict.UNHEALTHY, Reason.OTHER_AGENT)
    since = transitions.of_subject(scope, trunk_key, NUMBER, start=clock.now() - timedelta(hours=1))
    assert [one.now for one in since] == [
        *("unknown", "healthy", "unhealthy", "healthy"),
        *("unhealthy", "unhealthy"),
    ]
    credentials.set_enabled(scope, OFFLINE, PROVIDERS[trunk_key], enabled=False)
    assert runs.run(scope, here.http, everything=True).checked == 0
    assert verdict() == (Verdict.UNHEALTHY, BlockedReason.PROVIDER_DISABLED)
    assert not queue.due_counts(scope)
    here.off()
    assert verdict() is None


ITEM = {"phone_number_id": "phnum_1", "provider": "sip_trunk", "phone_number": NUMBER, "label": "x"}
OURS = {"agent_id": RECEPTION, "agent_name": "x"}
LISTED: list[tuple[Any, Any]] = [
    (Reply(404, {"detail": "Not Found"}), None),
    (Reply(403, {"detail": {"status": "missing_permissions"}}), None),
    (Reply(200, {"phone_numbers": []}), None),
    (Reply(200, {"detail": "x"}), None),
    (Reply(204, ""), None),
    (Reply(200, "<html>"), None),
    (Reply(200, [7]), None),
    (Reply(200, [{**ITEM, "phone_number": None}]), None),
    (Reply(200, [{**ITEM, "phone_number_id": 7}]), None),
    (Reply(200, [{**ITEM, "provider": None}]), None),
    (Reply(200, [{**ITEM, "assigned_agent": "x"}]), None),
    (Reply(200, [{**ITEM, "assigned_agent": {}}]), None),
    (Reply(200, [{**ITEM, "assigned_agent": OURS}, {**ITEM, "assigned_agent": {"agent_id": "b"}}]), None),
    (Reply(200, [{**ITEM, "assigned_agent": OURS}] * 2), True),
    (Reply(200, [{**ITEM, "assigned_agent": OURS, "phone_number": NUMBER.lstrip("+")}]), True),
    (Reply(200, [{**ITEM, "assigned_agent": OURS, "provider": "SIP_TRUNK"}]), True),
    (Reply(200, [{**ITEM, "assigned_agent": None}]), False),
    (Reply(200, []), False),
]


def test_a_number_that_an_agent_answers_is_not_expected_on_the_application(here):
    """Nor is it offered to be moved there, which would take it off the trunk."""
    scope, sinch = here.scope, PROVIDERS["sinch"]
    credentials.save(scope, sinch, dict(Sinch.sample_values))
    with scope.transaction():
        store.row_for(scope, sinch).callback_url = "https://dialer.example.com/sinch"
        scope.session.flush()
        queue.mark_due(scope)
    checked = scope.select(DriftCheck).where(
        DriftCheck.phone_number == NUMBER, DriftCheck.provider == "sinch"
    )
    assert scope.session.scalar(checked) is not None
    here.on()
    assert scope.session.scalar(checked) is None
    with pytest.raises(Conflict) as refused:
        voice_numbers.plan(scope, OFFLINE, sinch, NUMBER)
    assert refused.value.code == "ANSWERED_BY_AGENT"
    here.off()
    assert scope.session.scalar(checked) is not None
