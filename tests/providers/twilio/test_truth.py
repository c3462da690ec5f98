"""What keeps a number from ringing although its webhook is right: every region and kind of account."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from app import providers
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal
from app.provider.numbers import Fault, Reason, cautions, difference, differences
from app.providers import PROVIDERS
from app.providers.twilio import api
from simulators.base import PLAIN, Reply
from simulators.twilio import REGIONS, Application, Number, error, sample_id
from tests.support.lines import URL

KEY = "twilio"
ONE = "+15551234567"
APP, TRUNK, SUB = sample_id("AP"), sample_id("TK"), sample_id("AC", 7)
ELSEWHERE = "https://elsewhere.example/x"
FALLBACK = "https://voicemail.example.com/x"


@pytest.fixture
def number(upstream):
    upstream.numbers[ONE].voice_url = URL
    return upstream.numbers[ONE]


def faults_of(account, **values: Any) -> list[Fault]:
    line = account.observe(ONE, **values)
    return differences(line, URL, providers.answering_service(line.webhook_url if line else None))


def reasons(account, **values: Any) -> list[Reason]:
    return [fault.reason for fault in faults_of(account, **values)]


OF_NUMBER: list[tuple[dict[str, Any], list[Reason], str]] = [
    ({}, [], ""),
    ({"voice_url": f"{URL}#rc=2&rt=5000"}, [], ""),
    ({"voice_url": f"{URL}#edge=dublin"}, [], ""),
    ({"voice_receive_mode": None}, [], ""),
    ({"voice_receive_mode": "fax"}, [Reason.OTHER_VOICE_MODE], "as fax"),
    ({"status": None}, [], ""),
    ({"status": "suspended"}, [Reason.BLOCKED], "is suspended"),
    ({"capabilities": {"voice": False}}, [Reason.NO_VOICE], ""),
    ({"voice_fallback_url": ELSEWHERE}, [Reason.DIFFERENT_FALLBACK], "elsewhere.example"),
    ({"voice_fallback_url": "https://voice.example.com/sorry"}, [], ""),
    ({"trunk_sid": TRUNK}, [Reason.TRUNK_OVERRIDES], TRUNK),
    ({"trunk_sid": TRUNK, "voice_application_sid": APP}, [Reason.TRUNK_OVERRIDES], TRUNK),
    ({"voice_application_sid": APP}, [Reason.APPLICATION_OVERRIDES], APP),
]


def test_observe_names_what_differs_and_the_service_that_answers(account, upstream, number):
    usual = dict(vars(number))
    wrong: list[Any] = []
    for changes, expected, named in OF_NUMBER:
        vars(number).update(usual | changes)
        now = faults_of(account)
        if [fault.reason for fault in now] != expected or (named and named not in now[0].detail):
            wrong.append((changes, now))

    vars(number).update(usual)
    for url, name in TAKERS.items():
        number.voice_url, number.voice_application_sid = url, ""
        [fault] = faults_of(account)
        if fault.reason != Reason.KNOWN_TAKER or name not in fault.detail:
            wrong.append((url, fault))
        number.voice_application_sid, upstream.applications[APP] = APP, Application(url)
        [fault] = faults_of(account)
        if fault.reason != Reason.APPLICATION_OVERRIDES or name not in fault.detail:
            wrong.append((url, fault))
    assert wrong == []


TAKERS = {
    "https://api.elevenlabs.io/twilio/inbound_call": "ElevenLabs",
    "https://api.us.elevenlabs.io/twilio/inbound_call": "ElevenLabs",
    "https://api.eu.residency.elevenlabs.io/twilio/inbound_call": "ElevenLabs",
    "https://api.vapi.ai/twilio/inbound_call": "Vapi",
    f"https://webhooks.twilio.com/v1/Accounts/{SUB}/Flows/FW1": "Studio",
    "https://handler.twilio.com/twiml/EH1": "TwiML Bin",
    "https://demo.twilio.com/welcome/voice/": "demo page",
    "https://sample-1234-dev.twil.io/answer": "Function",
}


def test_point_mends_what_differs_and_keeps_other_status_callbacks(account, upstream, number):
    wrong = []
    for changes in [
        {"voice_url": f"{ELSEWHERE}#rc=2&rt=5000"},
        {"voice_receive_mode": "fax"},
        {"voice_fallback_url": ELSEWHERE},
        {"trunk_sid": TRUNK, "voice_application_sid": APP},
        {"voice_application_sid": APP, "voice_fallback_url": ELSEWHERE},
    ]:
        before = dict(vars(number))
        vars(number).update(changes)
        account.point(account.line(ONE))
        if reasons(account):
            wrong.append((changes, reasons(account)))
        if "#" in changes.get("voice_url", "") and number.voice_url != f"{URL}#rc=2&rt=5000":
            wrong.append((changes, number.voice_url))
        vars(number).update(before)
    assert wrong == []

    expected = {"fallback_url": FALLBACK, "status_callback_url": f"{FALLBACK}/status"}
    assert reasons(account, **expected) == [Reason.DIFFERENT_FALLBACK, Reason.DIFFERENT_STATUS_CALLBACK]
    account.point(account.observe(ONE, **expected), **expected)
    assert (number.voice_fallback_url, number.status_callback) == (FALLBACK, f"{FALLBACK}/status")
    assert reasons(account, **expected) == []

    upstream.reset()
    number = upstream.numbers[ONE]
    number.voice_url = URL
    number.status_callback = ELSEWHERE
    assert faults_of(account) == []
    [warning] = cautions(account.line(ONE), URL)
    assert (warning.reason, "elsewhere.example" in warning.detail) == (Reason.DIFFERENT_STATUS_CALLBACK, True)
    account.point(account.line(ONE))
    assert number.status_callback == ELSEWHERE


def test_a_number_answered_in_another_region_is_not_in_sync(account, upstream, number):
    wrong = []
    for here in REGIONS.values():
        upstream.region = here
        for there in REGIONS.values():
            upstream.regions[ONE] = there
            now = faults_of(account, region=here)
            if [fault.reason for fault in now] != ([] if here == there else [Reason.OTHER_REGION]):
                wrong.append((here, there, now))
            if now and not (there in now[0].detail and here in now[0].detail):
                wrong.append((here, there, now))
    assert wrong == []
    assert {request.host for request in upstream.requests} == {*api.REGIONS.values(), "routes.twilio.com"}

    upstream.reset()
    upstream.numbers[ONE].voice_url = URL
    for upstream.routes, expected in ROUTED:
        try:
            read: Any = reasons(account)
        except Refusal as refusal:
            read = refusal.result.code
        assert read == expected, upstream.routes


ROUTED: list[tuple[Reply, list[Reason] | Outcome]] = [
    (Reply(200, {"voice_region": "US1"}), []),
    (Reply(200, {"voice_region": None}), []),
    (Reply(200, {"voice_region": "jp1"}), [Reason.OTHER_REGION]),
    (Reply(200, {"voice_region": 7}), [Reason.REGION_UNKNOWN]),
    (error(404, 20404), []),
    (error(401, 20003), [Reason.REGION_UNKNOWN]),
    (error(403, 70051), [Reason.REGION_UNKNOWN]),
    (Reply(404, "gone", PLAIN), [Reason.REGION_UNKNOWN]),
    (error(429, 20429), Outcome.RATE_LIMITED),
    (error(503, 0), Outcome.UNEXPECTED_ANSWER),
]


def test_a_number_of_a_subaccount_is_named_and_never_written_to(account, upstream, number, monkeypatch):
    upstream.subaccounts[SUB] = {ONE: upstream.numbers.pop(ONE)}
    [fault] = [fault for fault in faults_of(account) if fault.reason is Reason.OF_SUBACCOUNT]
    assert SUB in fault.detail
    line = account.line(ONE)
    assert line.owner == SUB
    result = account.refusal("point", line)
    assert (result.code, SUB in result.reason) == (Outcome.NO_PERMISSION, True)
    assert upstream.writes == []

    upstream.reset()
    upstream.subaccounts[SUB] = {ONE: Number(sample_id("PN", 9))}
    del upstream.numbers[ONE]
    for path in ("Accounts.json", SUB):
        upstream.instead = {("GET", path): error(403, 20403)}
        assert account.observe(ONE) is None

    upstream.reset()
    usual = upstream._row
    monkeypatch.setattr(upstream, "_row", lambda *args: usual(*args) | {"account_sid": SUB})
    line = account.by_number()[ONE]
    assert (line.owner, account.refusal("point", line).code) == (SUB, Outcome.NO_PERMISSION)
    assert upstream.writes == []


def test_a_line_of_the_list_is_completed_as_observe_does(account, upstream, number):
    upstream.regions[ONE] = "ie1"
    listed = account.by_number()[ONE]
    assert listed.faults == ()
    complete = partial(PROVIDERS[KEY].completed, Outbound(upstream.upstreams), upstream.values, listed)
    assert complete(phone_number=ONE) == account.line(ONE)
    upstream.requests.clear()
    line = complete(phone_number=ONE, place="ie1")
    assert line
    assert (line.place, upstream.requests) == (None, []), "it was not read"
    assert line.faults == account.line(ONE).faults


ACCOUNTS: list[tuple[dict[str, Any], dict[str, Any], Outcome, str]] = [
    ({"type": "Trial"}, {}, Outcome.LIMITED, "trial"),
    ({"owner": sample_id("AC", 8)}, {}, Outcome.OK, "subaccount"),
    ({"primary_token": "sample-of-another"}, {}, Outcome.SECONDARY_TOKEN, "primary"),
    ({"has_test_credentials": True}, {}, Outcome.TEST_CREDENTIALS, "test credentials"),
    ({"region": "ie1"}, {}, Outcome.BAD_CREDENTIALS, "us1"),
    ({"region": "ie1"}, {"region": "au1"}, Outcome.BAD_CREDENTIALS, "au1 (Australia)"),
    ({"region": "ie1"}, {"region": "ie1", "service_sid": None}, Outcome.OK, "accepts"),
    ({"region": "au1"}, {"region": "au1"}, Outcome.NOT_PROVEN, "us1 only"),
    ({}, {"phone_number": ONE}, Outcome.OK, "caller number"),
    ({}, {"phone_number": "+15550001111"}, Outcome.LIMITED, "+15550001111"),
    ({"caller_ids": ["+15550001111"]}, {"phone_number": "+15550001111"}, Outcome.OK, "caller number"),
]


def test_verify_names_every_kind_of_account_and_reads_errors_as_lists_do(upstream, verify, account):
    wrong: list[object] = []
    for state, values, code, word in ACCOUNTS:
        upstream.reset()
        vars(upstream).update(state)
        result = verify(**values)
        if result.code != code or word not in result.reason:
            wrong.append((state, values, result))
    assert wrong == []

    upstream.reset()
    for reply, code in ERRORS:
        upstream.instead = {("GET", "/"): reply}
        for result in (verify(), account.refusal("numbers"), account.refusal("observe", ONE)):
            if result.code != code:
                wrong.append((reply, result))
    assert wrong == []

    upstream.reset()
    upstream.instead = {("GET", "IncomingPhoneNumbers"): error(403, 20403)}
    result = verify()
    assert (result.code, "phone numbers" in result.reason) == (Outcome.NO_PERMISSION, True)
    upstream.instead = {("GET", "IncomingPhoneNumbers"): error(503, 20503)}
    assert verify(api_key_sid=None, api_key_secret=None).code == Outcome.OK

    upstream.reset()
    upstream.numbers[ONE].voice_application_sid = sample_id("AP")
    upstream.instead = {("GET", "/Applications/"): error(403, 20403)}
    listed = account.by_number()
    assert len(listed) == len(upstream.numbers)
    assert difference(listed[ONE], "https://app.example/calls") is Reason.NOT_SHOWN
    assert sample_id("AP") in listed[ONE].faults[0].detail


ERRORS = [
    (error(403, 20008), Outcome.TEST_CREDENTIALS),
    (error(403, 20403), Outcome.NO_PERMISSION),
    (error(401, 20005), Outcome.SUSPENDED),
    (error(403, 20005), Outcome.SUSPENDED),
    (error(401, 20003), Outcome.BAD_CREDENTIALS),
    (Reply(401, "", PLAIN), Outcome.BAD_CREDENTIALS),
    (Reply(401, "Unauthorized", PLAIN), Outcome.BAD_CREDENTIALS),
    (error(402, 20000), Outcome.NO_CREDIT),
    (error(404, 20404), Outcome.WRONG_ACCOUNT),
    (error(429, 20429), Outcome.RATE_LIMITED),
]
