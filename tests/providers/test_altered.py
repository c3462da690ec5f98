"""Answers of providers, altered one value at a time: what cannot be read is not known, never well or gone."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest

from app.core.outbound.client import Outbound
from app.provider import Numbers, Outcome, Refusal, Verifies, numbers
from app.provider.numbers import Reason
from app.providers import PROVIDERS
from app.providers.twilio import api as twilio_api
from simulators import SIMULATORS
from simulators.base import Reply
from simulators.sinch import CALLBACKS
from tests.support.lines import URL, Account

NUMBER = {
    "twilio": "+15551234567",
    "exotel": "+918055500001",
    "vobiz": "+918055500001",
    "sinch": "+12025550101",
}
UNKNOWN = Reason.NOT_SHOWN
UNREAD = Outcome.UNEXPECTED_ANSWER
MISSING = object()

ALTERED: list[tuple[str, str, str, list[Any], Any]] = [
    ("twilio", "incoming_phone_numbers", "phone_number", [MISSING, None, 7, {}, "+15551234567/"], UNREAD),
    ("twilio", "incoming_phone_numbers", "trunk_sid", [7, True, {"sid": "x"}], UNKNOWN),
    ("twilio", "incoming_phone_numbers", "voice_application_sid", [["x"], 7], UNKNOWN),
    ("twilio", "incoming_phone_numbers", "account_sid", [7, {}], UNKNOWN),
    ("twilio", "incoming_phone_numbers", "voice_url", [MISSING, 7, [], {}], UNKNOWN),
    ("twilio", "incoming_phone_numbers", "voice_method", [7, {}], UNKNOWN),
    ("twilio", "incoming_phone_numbers", "voice_receive_mode", ["VOICE", None], None),
    ("twilio", "incoming_phone_numbers", "status", ["SUSPENDED", "suspended-by-carrier"], Reason.BLOCKED),
    ("twilio", "incoming_phone_numbers", "capabilities", [{"voice": "false"}, ["sms"]], Reason.NO_VOICE),
    ("twilio", "voice_region", "voice_region", [MISSING, 7, {}, True], Reason.REGION_UNKNOWN),
    ("twilio", "voice_region", "phone_number", [None, "+15550000000"], Reason.REGION_UNKNOWN),
    ("twilio", "incoming_phone_numbers", "capabilities", [7, "x", {"voice": "perhaps"}], UNKNOWN),
    ("exotel", "incoming_phone_numbers", "capabilities", [7, {"voice": []}], UNKNOWN),
    ("exotel", "incoming_phone_numbers", "status", [7, {}], UNKNOWN),
    ("vobiz", "items", "capabilities", ["x", {"voice": 7}], UNKNOWN),
    ("vobiz", "objects", "enabled", ["perhaps", [], 7], UNKNOWN),
    ("vobiz", "objects", "fallback_answer_url", [7, {}], UNKNOWN),
    ("sinch", "numbers", "capability", ["sms", "fax"], Reason.NO_VOICE),
    ("exotel", "incoming_phone_numbers", "phone_number", [MISSING, None, True, []], UNREAD),
    ("exotel", "incoming_phone_numbers", "voice_url", [MISSING, 7, {"url": URL}], UNKNOWN),
    ("exotel", "incoming_phone_numbers", "voice_url", ["https://my.exotel.com/ExoML/start/9"], UNKNOWN),
    ("exotel", "incoming_phone_numbers", "status", ["Suspended"], Reason.BLOCKED),
    ("vobiz", "items", "e164", [MISSING, None, True, {}], UNREAD),
    ("vobiz", "items", "application_id", [["x"], {"id": 1}, 1.5, "another"], UNKNOWN),
    ("vobiz", "items", "is_blocked", ["true", 1, "TRUE"], Reason.BLOCKED),
    ("vobiz", "items", "is_blocked", ["perhaps", {}], UNKNOWN),
    ("vobiz", "items", "voice_enabled", ["false", 0], Reason.NO_VOICE),
    ("vobiz", "items", "status", ["SUSPENDED", "suspended_by_operator"], Reason.BLOCKED),
    ("vobiz", "items", "account_id", [{"id": "x"}, ["x"]], Reason.OF_SUBACCOUNT),
    ("vobiz", "items", "account_id", ["ma_sample01", None], None),
    ("vobiz", "objects", "answer_url", [MISSING, 7, []], UNKNOWN),
    ("vobiz", "objects", "answer_method", [7, {}], UNKNOWN),
    ("vobiz", "objects", "enabled", ["false", 0], Reason.APPLICATION_DISABLED),
    ("sinch", "numbers", "number", [MISSING, None, {}], UNREAD),
    ("sinch", "numbers", "capability", [MISSING, 7, []], UNREAD),
    ("sinch", "numbers", "capability", ["VOICE"], None),
    ("sinch", "numbers", "applicationkey", [0, False, [], {}], UNREAD),
    ("sinch", "url", "primary", [0, False, [], {}], UNREAD),
]


@pytest.fixture
def in_sync():
    """Returns a provider's account whose number does what is expected."""
    running = []

    def start(key):
        upstream: Any = SIMULATORS[key]()
        upstream.__enter__()
        running.append(upstream)
        number = NUMBER[key]
        if key == "sinch":
            upstream.callback = URL
        elif key == "vobiz":
            application = upstream.applications[upstream.numbers[number].application_id]
            application.answer_url, application.hangup_url = URL, f"{URL}/ended"
        else:
            upstream.numbers[number].voice_url = URL
        return upstream, Account(key, upstream)

    yield start
    for upstream in running:
        upstream.__exit__()


def _altered(body, part, name, value):
    """The body with one value altered: of the part's first row, of the part, or of the body itself."""
    body = copy.deepcopy(body)
    place = body.get(part) if isinstance(body, dict) else None
    place = place[0] if isinstance(place, list) and place else place
    place = body if part in ("voice_region",) and place is not None else place
    if isinstance(place, dict):
        place[name] = value
        if value is MISSING:
            del place[name]
    return body


def _verdict(account, number, observe):
    try:
        return numbers.difference(observe(number), URL)
    except Refusal as refusal:
        return refusal.result.code


@pytest.mark.parametrize("key", NUMBER)
def test_one_altered_value_is_never_in_sync_or_gone(key, in_sync, subtests):
    upstream, account = in_sync(key)
    normal, number = upstream.answer, NUMBER[key]
    assert _verdict(account, number, account.observe) is None
    for _, part, name, values, expected in [row for row in ALTERED if row[0] == key]:
        for value in values:
            with subtests.test(part=part, name=name, value=repr(value)):
                upstream.answer = lambda request, at=(part, name, value): _changed(normal(request), *at)
                assert _verdict(account, number, account.observe) == expected


def _changed(reply, part, name, value):
    return Reply(reply.status, _altered(reply.body, part, name, value), reply.headers)


@pytest.mark.parametrize("key", NUMBER)
def test_list_with_an_unreadable_row_is_not_whole(key, in_sync):
    """As `observe`, it does not say that a number is gone."""
    upstream, _account = in_sync(key)
    part, name = {
        "twilio": ("incoming_phone_numbers", "phone_number"),
        "exotel": ("incoming_phone_numbers", "phone_number"),
        "vobiz": ("items", "e164"),
        "sinch": ("numbers", "number"),
    }[key]
    normal, provider = upstream.answer, cast(Numbers, PROVIDERS[key])
    http = Outbound(upstream.upstreams)
    assert numbers.listed(provider.numbers(http, upstream.values))[1]
    upstream.answer = lambda request: _changed(normal(request), part, name, None)
    found, is_whole = numbers.listed(provider.numbers(http, upstream.values))
    assert (NUMBER[key] in found, is_whole) == (False, False)


def test_number_listed_twice_with_different_settings_is_not_known(in_sync):
    upstream, account = in_sync("exotel")
    normal = upstream.answer

    def twice(request):
        body = copy.deepcopy(normal(request).body)
        if rows := body.get("incoming_phone_numbers"):
            rows.append({**rows[0], "voice_url": "https://elsewhere.example/calls"})
        return Reply(200, body)

    upstream.answer = twice
    assert account.drift(NUMBER["exotel"]) is UNKNOWN


def test_exotel_without_a_link_to_the_next_page_is_read_on_if_it_is_full(in_sync):
    upstream, account = in_sync("exotel")
    for place in range(100):
        upstream.add(f"+9180555{place:05}")
    normal = upstream.answer

    def unlinked(request):
        body = dict(normal(request).body)
        body.pop("next_page_uri", None)
        return Reply(200, body)

    upstream.answer = unlinked
    assert account.line("+918055500099")
    assert account.observe("+918055599999") is None


@pytest.mark.parametrize("total", [0, 1, True, "103", None])
def test_vobiz_with_a_wrong_total_is_read_to_an_empty_page(total, in_sync):
    upstream, account = in_sync("vobiz")
    for place in range(100):
        upstream.add(f"+9180556{place:05}")
    normal = upstream.answer

    def miscounted(request):
        reply = normal(request)
        is_list = isinstance(reply.body, dict) and "items" in reply.body
        return Reply(200, {**reply.body, "total": total}) if is_list else reply

    upstream.answer = miscounted
    assert account.line("+918055600099")


@pytest.mark.parametrize("next_page", [[], {}, False, 0, MISSING])
def test_twilio_list_with_an_unreadable_end_is_not_whole(next_page, in_sync, monkeypatch):
    upstream, account = in_sync("twilio")
    monkeypatch.setattr(twilio_api, "PAGE", 1)
    normal = upstream.answer

    def cut(request):
        body = dict(normal(request).body)
        if body.pop("next_page_uri", MISSING) is not MISSING and next_page is not MISSING:
            body["next_page_uri"] = next_page
        return Reply(200, body)

    upstream.answer = cut
    assert account.refusal("numbers").code == UNREAD


def test_twilio_without_a_sid_is_not_written_to(in_sync):
    upstream, account = in_sync("twilio")
    upstream.numbers[NUMBER["twilio"]].sid = None
    line = account.line(NUMBER["twilio"])
    with pytest.raises(Refusal):
        account.point(line)
    assert upstream.writes == []


UNPROVEN: list[tuple[str, str, Any]] = [
    ("exotel", "Calls.json", {"error": "x"}),
    ("exotel", "Calls.json", {"Calls": None}),
    ("sinch", CALLBACKS, {"error": "x"}),
    ("sinch", CALLBACKS, {"url": "x"}),
    ("elevenlabs", "/v1/user", {"user_id": None}),
    ("elevenlabs", "/v1/convai/phone-numbers", {"detail": "x"}),
    ("elevenlabs", "/v1/convai/phone-numbers", {"phone_numbers": []}),
    ("elevenlabs", "/v1/convai/settings", {"detail": "x"}),
    ("elevenlabs", "/v1/convai/settings", []),
]


@pytest.mark.parametrize(("key", "path", "body"), UNPROVEN)
def test_success_with_another_body_proves_no_credentials(key, path, body):
    with SIMULATORS[key]() as upstream:
        verify = cast(Verifies, PROVIDERS[key]).verify
        assert verify(Outbound(upstream.upstreams), upstream.values).ok
        upstream.instead["GET", path] = Reply(200, body)
        assert verify(Outbound(upstream.upstreams), upstream.values).code == UNREAD


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "SUSPENDED"}, Outcome.SUSPENDED),
        ({"status": " Closed "}, Outcome.SUSPENDED),
        ({"status": None}, Outcome.NOT_PROVEN),
        ({"status": "frozen"}, Outcome.NOT_PROVEN),
        ({"auth_token": "****************0001"}, Outcome.OK),
    ],
)
def test_twilio_account_in_other_words(changes, code):
    with SIMULATORS["twilio"]() as upstream:
        normal = upstream.answer

        def answer(request):
            reply = normal(request)
            is_account = isinstance(reply.body, dict) and "owner_account_sid" in reply.body
            return Reply(reply.status, reply.body | changes) if is_account else reply

        vars(upstream)["answer"] = answer
        verify = cast(Verifies, PROVIDERS["twilio"]).verify
        assert verify(Outbound(upstream.upstreams), upstream.values).code == code
