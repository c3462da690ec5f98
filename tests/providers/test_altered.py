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


def test_one_altered_value_is_never_in_sync_or_gone(in_sync):
    wrong = []
    accounts = {key: in_sync(key) for key in NUMBER}
    for upstream, account in accounts.values():
        assert _verdict(account, NUMBER[account.key], account.observe) is None
        upstream.usual = upstream.answer
    for key, part, name, values, expected in ALTERED:
        upstream, account = accounts[key]
        for value in values:
            at = (part, name, value)
            upstream.answer = lambda request, usual=upstream.usual, at=at: _changed(usual(request), *at)
            if (verdict := _verdict(account, NUMBER[key], account.observe)) != expected:
                wrong.append((key, part, name, value, verdict))
    assert wrong == []


def _changed(reply, part, name, value):
    return Reply(reply.status, _altered(reply.body, part, name, value), reply.headers)


ROWS = {
    "twilio": ("incoming_phone_numbers", "phone_number"),
    "exotel": ("incoming_phone_numbers", "phone_number"),
    "vobiz": ("items", "e164"),
    "sinch": ("numbers", "number"),
}


def test_list_with_an_unreadable_row_is_not_whole(in_sync):
    """As `observe`, it does not say that a number is gone."""
    listed_and_whole = {}
    for key, place in ROWS.items():
        upstream, _account = in_sync(key)
        normal, provider = upstream.answer, cast(Numbers, PROVIDERS[key])
        http = Outbound(upstream.upstreams)
        assert numbers.by_number(provider.numbers(http, upstream.values))[1], key
        at = (*place, None)
        upstream.answer = lambda request, normal=normal, at=at: _changed(normal(request), *at)
        listed, is_whole = numbers.by_number(provider.numbers(http, upstream.values))
        listed_and_whole[key] = (NUMBER[key] in listed, is_whole)
    assert listed_and_whole == dict.fromkeys(ROWS, (False, False))


def answering(upstream, change):
    """Lets the simulator answer with its bodies as `change` returns them."""
    upstream.reset()
    normal = upstream.answer

    def answer(request):
        reply = normal(request)
        is_object = isinstance(reply.body, dict)
        return Reply(reply.status, change(copy.deepcopy(reply.body)) if is_object else reply.body)

    upstream.answer = answer


def test_list_that_ends_oddly_is_read_on_or_not_whole(in_sync, monkeypatch):
    upstream, account = in_sync("exotel")

    def doubled(body):
        if rows := body.get("incoming_phone_numbers"):
            rows.append({**rows[0], "voice_url": "https://elsewhere.example/calls"})
        return body

    answering(upstream, doubled)
    assert account.drift(NUMBER["exotel"]) is UNKNOWN

    answering(upstream, lambda body: {name: body[name] for name in body if name != "next_page_uri"})
    for place in range(100):
        upstream.add(f"+9180555{place:05}")
    assert account.line("+918055500099")
    assert account.observe("+918055599999") is None

    upstream, account = in_sync("vobiz")
    wrong: list[object] = []
    for total in (0, 1, True, "103", None):
        answering(upstream, lambda body, total=total: body | {"total": total} if "items" in body else body)
        for place in range(100):
            upstream.add(f"+9180556{place:05}")
        if not account.observe("+918055600099"):
            wrong.append(total)
    assert wrong == []

    upstream, account = in_sync("twilio")
    monkeypatch.setattr(twilio_api, "PAGE", 1)
    for end in ([], {}, False, 0, MISSING):

        def cut(body, end=end):
            if body.pop("next_page_uri", MISSING) is not MISSING and end is not MISSING:
                body["next_page_uri"] = end
            return body

        answering(upstream, cut)
        if account.refusal("numbers").code != UNREAD:
            wrong.append(end)
    assert wrong == []


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


def test_success_with_another_body_proves_no_credentials():
    wrong = []
    for key, path, body in UNPROVEN:
        with SIMULATORS[key]() as upstream:
            verify = cast(Verifies, PROVIDERS[key]).verify
            before = verify(Outbound(upstream.upstreams), upstream.values)
            upstream.instead["GET", path] = Reply(200, body)
            after = verify(Outbound(upstream.upstreams), upstream.values)
            if not before.ok or after.code != UNREAD:
                wrong.append((key, path, body, before.code, after.code))
    assert wrong == []


ACCOUNTS: list[tuple[dict[str, Any], Outcome]] = [
    ({"status": "SUSPENDED"}, Outcome.SUSPENDED),
    ({"status": " Closed "}, Outcome.SUSPENDED),
    ({"status": None}, Outcome.NOT_PROVEN),
    ({"status": "frozen"}, Outcome.NOT_PROVEN),
    ({"auth_token": "****************0001"}, Outcome.OK),
]


def test_twilio_without_a_sid_is_not_written_to_and_states_are_not_proven(in_sync):
    upstream, account = in_sync("twilio")
    upstream.numbers[NUMBER["twilio"]].sid = None
    line = account.line(NUMBER["twilio"])
    with pytest.raises(Refusal):
        account.point(line)
    assert upstream.writes == []

    upstream, _account = in_sync("twilio")
    wrong = []
    for changes, code in ACCOUNTS:
        answering(upstream, lambda body, of=changes: body | of if "owner_account_sid" in body else body)
        result = cast(Verifies, PROVIDERS["twilio"]).verify(Outbound(upstream.upstreams), upstream.values)
        if result.code != code:
            wrong.append((changes, result.code))
    assert wrong == []
