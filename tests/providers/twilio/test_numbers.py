from __future__ import annotations

from typing import Any, cast

import pytest

from app.core.outbound.client import Outbound
from app.provider import Numbers, Outcome
from app.provider.numbers import Override, Reason
from app.providers import PROVIDERS
from app.providers.twilio import api
from simulators.base import CANARY, Reply, Trouble
from simulators.twilio import Application, sample_id
from tests.support.lines import URL

KEY = "twilio"
ONE = "+15551234567"
APP = sample_id("AP")
TRUNK = sample_id("TK")
NO_FALLBACK = {"VoiceFallbackUrl": ""}


@pytest.fixture
def number(upstream):
    return upstream.numbers[ONE]


def test_observe_reads_text_voice_and_application_of_the_whole_number(account, number, upstream):
    number.friendly_name, number.voice_url, number.voice_method = " Front\n desk\u202e ", URL, "GET"
    line = account.line(ONE)
    assert (line.label, line.webhook_url, line.method) == ("Front desk", URL, "GET")
    assert (line.reference, line.application_id, line.override_name, line.override) == (
        number.sid,
        "",
        "",
        None,
    )
    number.friendly_name, number.voice_url = "x" * 500, None
    line = account.line(ONE)
    assert (len(line.label), line.webhook_url) == (200, None)

    upstream.reset()
    number = upstream.numbers[ONE]
    for capabilities, has_voice in [
        ({"voice": False, "sms": True}, False),
        ({"voice": True}, True),
        ({"sms": True}, True),
        (None, True),
    ]:
        number.capabilities = capabilities
        assert account.by_number()[ONE].has_voice is has_voice, (capabilities, has_voice)
        assert account.line(ONE).has_voice is has_voice, (capabilities, has_voice)

    upstream.reset()
    number = upstream.numbers[ONE]
    number.voice_application_sid = APP
    upstream.applications[APP] = Application(URL)
    assert account.drift(ONE) is None

    number.voice_application_sid = sample_id("AP", 9)
    line = account.line(ONE)
    assert (line.webhook_url, line.application_id) == (None, sample_id("AP", 9))

    number.voice_url, number.trunk_sid = URL, TRUNK
    line = account.line(ONE)
    assert (line.override, line.override_name, line.webhook_url, line.application_id) == (
        Override.TRUNK,
        TRUNK,
        None,
        sample_id("AP", 9),
    )

    upstream.reset()
    upstream.numbers.clear()
    for longer in ("+155512345671", "+1555123456", "+91155512345"):
        upstream.add(longer, voice_application_sid=APP)
    assert account.observe("+155512345") is None
    assert not [request for request in upstream.requests if "Applications" in request.path]
    upstream.add("+155512345", friendly_name="this one")
    upstream.page_size_cap = 1
    assert account.line("+155512345").label == "this one"


def test_numbers_reads_page_by_page_and_a_shared_application_once(account, upstream):
    for number in upstream.numbers.values():
        number.voice_url, number.voice_application_sid = "https://ignored.example", APP
    upstream.applications[APP] = Application(URL, "GET")
    for line in account.numbers():
        assert (line.override, line.override_name, line.application_id) == (Override.APPLICATION, APP, APP)
        assert (line.webhook_url, line.method) == (URL, "GET")
    assert [request.path for request in upstream.requests if "Applications" in request.path] == [
        f"/2010-04-01/Accounts/{upstream.sid}/Applications/{APP}.json"
    ]

    upstream.reset()
    upstream.page_size_cap = 1
    numbers = cast(Numbers, PROVIDERS[KEY]).numbers(Outbound(upstream.upstreams), upstream.values)
    assert next(numbers).phone_number == ONE
    assert len(upstream.requests) == 1


def test_point_sends_what_is_needed_and_mends_every_difference(account, upstream):
    cases: list[tuple[dict[str, Any], Reason | None]] = [
        ({"voice_url": URL}, None),
        ({"voice_url": URL.replace("https://", "HTTPS://")}, None),
        ({"voice_url": URL, "voice_method": "GET"}, Reason.DIFFERENT_METHOD),
        ({"voice_url": "https://other.example"}, Reason.DIFFERENT_URL),
        ({"voice_url": ""}, Reason.NO_WEBHOOK),
        ({"voice_url": None}, Reason.NO_WEBHOOK),
        ({"voice_url": URL, "voice_application_sid": APP}, Reason.APPLICATION_OVERRIDES),
        ({"voice_url": URL, "trunk_sid": TRUNK}, Reason.TRUNK_OVERRIDES),
    ]
    for changes, reason in cases:
        upstream.reset()
        number = upstream.numbers[ONE]
        for name, value in changes.items():
            setattr(number, name, value)
        assert account.drift(ONE) == reason, (changes, reason)
        account.point(account.line(ONE))
        assert account.drift(ONE) is None, (changes, reason)

    upstream.reset()
    line = account.line(ONE)
    del upstream.numbers[ONE]
    assert account.drift(ONE) is Reason.NUMBER_GONE
    assert account.refusal("point", line).code == Outcome.NOT_FOUND

    upstream.reset()
    line = account.line(ONE)
    upstream.instead = {("POST", "Numbers"): Reply(200, {"sid": sample_id("PN", 9)})}
    assert account.refusal("point", line).code == Outcome.UNEXPECTED_ANSWER

    for changes, submitted in [
        ({}, {}),
        ({"voice_application_sid": APP}, {"VoiceApplicationSid": "", **NO_FALLBACK}),
        ({"trunk_sid": TRUNK}, {"TrunkSid": ""}),
    ]:
        upstream.reset()
        number = upstream.numbers[ONE]
        for name, value in changes.items():
            setattr(number, name, value)
        line = account.line(ONE)
        forms = watched_forms(upstream)
        account.point(line)
        assert forms == [{"VoiceUrl": URL, "VoiceMethod": "POST"} | submitted]
        assert upstream.transfers == []
        assert upstream.writes == [
            ("POST", f"/2010-04-01/Accounts/{upstream.sid}/IncomingPhoneNumbers/{number.sid}.json")
        ]


def watched_forms(upstream):
    """Fills up with the form of each request from now on."""
    usual, forms = upstream.answer, []

    def answer(requested):
        forms.append(requested.form)
        return usual(requested)

    upstream.answer = answer
    return forms


def test_numbers_failing_endless_repeating_or_elsewhere_is_refused(
    account, upstream, number, subtests, monkeypatch
):
    number.voice_application_sid = APP
    upstream.trouble, upstream.trouble_at = Trouble.FAULT, "Applications"
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
    upstream.trouble, upstream.page_size_cap, usual = None, 2, upstream.answer
    upstream.answer = lambda requested: Reply(200, {}) if "Page" in requested.query else usual(requested)
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER

    upstream.reset()
    line = account.line(ONE)
    forbidden = Reply(403, {"code": 20003, "message": CANARY})
    upstream.instead = {("GET", "Numbers"): forbidden, ("POST", "Numbers"): forbidden}
    for result in (account.refusal("numbers"), account.refusal("point", line)):
        assert result.code == Outcome.NO_PERMISSION

    upstream.reset()
    upstream.page_size_cap, upstream.pages_elsewhere = 1, True
    for result in (account.refusal("numbers"), account.refusal("observe", "+1555123456")):
        assert result.code == Outcome.UNEXPECTED_ANSWER
    assert {request.host for request in upstream.requests} == {"api.twilio.com"}

    for following in [
        "//elsewhere.example/x",
        "http://api.twilio.com/x",
        "https://api.twilio.com.elsewhere.example/x",
        "https://api.twilio.com@elsewhere.example/x",
        "https://api.twilio.com:8443/x",
        "https://[",
        7,
    ]:
        with subtests.test(following=following):
            upstream.reset()
            page = {"incoming_phone_numbers": [], "next_page_uri": following}
            upstream.answer = lambda _request, page=page: Reply(200, page)
            assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
            assert len(upstream.requests) == 1

    upstream.reset()
    upstream.page_size_cap, upstream.loops = 1, True
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
    assert len(upstream.requests) == 2

    upstream.reset()
    monkeypatch.setattr(api, "MOST_PAGES", 3)
    upstream.answer = lambda requested: Reply(
        200, {"incoming_phone_numbers": [], "next_page_uri": f"/{len(upstream.requests)}"}
    )
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
    assert len(upstream.requests) == 3
