"""What keeps a number from ringing although its webhook is right: every kind of account and application."""

from __future__ import annotations

from typing import Any

import pytest

from app.provider import Outcome
from app.provider.numbers import Fault, Reason, cautions, differences
from simulators.base import PLAIN, Reply
from simulators.vobiz import SHAPES
from tests.support.lines import URL

KEY = "vobiz"
ONE, TWO = "+918055500001", "+918055500002"
SUB = "SA_SAMPLE01"
ELSEWHERE = "https://elsewhere.example/x"
HANGUP = URL.replace("/inbound/", "/hangup/")


@pytest.fixture
def number(upstream):
    upstream.numbers[TWO].application_id = ""
    return upstream.numbers[ONE]


@pytest.fixture
def application(upstream, number):
    attached_application = upstream.applications[number.application_id]
    attached_application.answer_url, attached_application.hangup_url = URL, HANGUP
    return attached_application


def faults_of(account, **values: Any) -> list[Fault]:
    return differences(account.observe(ONE, **values), URL)


OF_NUMBER: list[tuple[dict[str, Any], list[Reason]]] = [
    ({}, []),
    ({"account_id": "MA_SAMPLE01"}, []),
    ({"account_id": "acc-1"}, []),
    ({"account_id": 7}, [Reason.OF_SUBACCOUNT, Reason.NOT_SHOWN]),
    ({"account_id": SUB}, [Reason.OF_SUBACCOUNT, Reason.NOT_SHOWN]),
    ({"is_blocked": True}, [Reason.BLOCKED]),
    ({"status": "Suspended"}, [Reason.BLOCKED]),
    ({"status": "something new"}, []),
    ({"released_at": "2026-01-01T00:00:00Z"}, [Reason.BLOCKED]),
    ({"voice_enabled": False}, [Reason.NO_VOICE]),
    ({"trunk_group_id": "trunk-1", "application_id": ""}, [Reason.TRUNK_OVERRIDES]),
]
OF_APPLICATION: list[tuple[dict[str, Any], list[Reason]]] = [
    ({"enabled": False}, [Reason.APPLICATION_DISABLED]),
    ({"fallback_answer_url": ELSEWHERE}, [Reason.DIFFERENT_FALLBACK]),
    ({"fallback_answer_url": "https://voice.example.com/sorry"}, []),
    ({"answer_method": "GET"}, [Reason.DIFFERENT_METHOD]),
    ({"answer_url": "https://api.vapi.ai/vobiz"}, [Reason.DIFFERENT_URL]),
]


def test_observe_names_whatever_differs(account, upstream, number, application):
    upstream.account = {"id": "acc-1"}
    wrong = []
    for thing, table in ((number, OF_NUMBER), (application, OF_APPLICATION)):
        usual = dict(vars(thing))
        for changes, expected in table:
            vars(thing).update(usual | changes)
            if [fault.reason for fault in faults_of(account)] != expected:
                wrong.append((changes, faults_of(account)))
        vars(thing).update(usual)
    assert wrong == []

    number.trunk_group_id = "trunk-1"
    line = account.line(ONE)
    [caution] = cautions(line, URL)
    assert (differences(line, URL), caution.reason, "trunk-1" in caution.detail) == (
        [],
        Reason.TRUNK_OVERRIDES,
        True,
    )


def test_point_mends_an_application_and_writes_to_no_sub_account(account, upstream, number, application):
    wrong = []
    for changes, _ in OF_APPLICATION:
        usual = dict(vars(application))
        vars(application).update(changes)
        account.point(account.line(ONE))
        if faults_of(account):
            wrong.append((changes, faults_of(account)))
        number.application_id = next(iter(upstream.applications))
        vars(application).update(usual)
    assert wrong == []

    upstream.requests.clear()
    number.account_id = SUB
    assert account.by_number()[ONE].owner == SUB
    result = account.refusal("point", account.line(ONE))
    assert (result.code, SUB in result.reason) == (Outcome.NO_PERMISSION, True)
    assert upstream.writes == []

    upstream.reset()
    number = upstream.numbers[ONE]
    number.account_id = "acc-1"
    upstream.instead = {("GET", "/auth/me"): Reply(500, "")}
    assert account.refusal("observe", ONE).code == Outcome.UNEXPECTED_ANSWER


def test_hang_up_url_is_set_unless_it_is_another_one(account, application, upstream):
    for hangup_url in ("", "https://app.example/calls"):
        application.answer_url, application.hangup_url = "https://app.example/calls", hangup_url
        [caution] = cautions(account.line(ONE), URL)
        assert caution.reason == Reason.DIFFERENT_STATUS_CALLBACK
        account.point(account.line(ONE))
        assert application.hangup_url == HANGUP
        assert cautions(account.line(ONE), URL) == []

    application.answer_url, application.hangup_url = "https://app.example/calls", ELSEWHERE
    account.point(account.line(ONE))
    assert application.hangup_url == ELSEWHERE

    for changes, expected in [({}, HANGUP), ({"hangup_url": ELSEWHERE}, ELSEWHERE)]:
        upstream.reset()
        account.point(account.line(TWO), **changes)
        attached_application = upstream.applications[upstream.numbers[TWO].application_id]
        assert (
            attached_application.answer_url,
            attached_application.hangup_url,
            attached_application.hangup_method,
        ) == (URL, expected, "POST")
        line = account.observe(TWO, **changes)
        assert (differences(line, URL), cautions(line, URL)) == ([], [])


ACCOUNTS: list[tuple[dict[str, Any], dict[str, Any], Outcome, str]] = [
    ({"is_trial_account": True}, {}, Outcome.LIMITED, "trial"),
    ({"is_trial_account": None}, {}, Outcome.OK, "active"),
    ({}, {"phone_number": ONE}, Outcome.OK, "caller number"),
    ({}, {"phone_number": "+15550001111"}, Outcome.LIMITED, "+15550001111"),
]


def test_verify_names_every_kind_of_account_and_reads_errors_as_lists_do(upstream, verify, account):
    wrong = []
    for upstream.account, values, code, word in ACCOUNTS:
        result = verify(**values)
        if result.code != code or word not in result.reason:
            wrong.append((values, result))
    assert wrong == []

    upstream.reset()
    upstream.values = upstream.values | {"auth_id": SUB}
    result = verify()
    assert (result.code, "sub-account" in result.reason) == (Outcome.OK, True)

    upstream.reset()
    misread = []
    for reply, code in [
        (Reply(401, "", PLAIN), Outcome.BAD_CREDENTIALS),
        (Reply(401, "Unauthorized", PLAIN), Outcome.BAD_CREDENTIALS),
        (Reply(402, SHAPES["flat"]("no_balance")), Outcome.NO_CREDIT),
        (Reply(403, SHAPES["nested"]("forbidden")), Outcome.NO_PERMISSION),
        (Reply(429, SHAPES["flat"]("slow_down")), Outcome.RATE_LIMITED),
    ]:
        upstream.instead = {("GET", "/"): reply}
        for result in (verify(), account.refusal("numbers"), account.refusal("observe", ONE)):
            if result.code != code:
                misread.append((reply, result))
    assert misread == []
