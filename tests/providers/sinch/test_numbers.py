"""What Sinch has for numbers, and pointing one: the callback URL is the application's."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal
from app.provider.numbers import Callback, Override, ProviderNumber, Reason, difference
from app.providers import PROVIDERS, sinch
from app.providers.sinch import messages
from simulators.base import CANARY, Reply, Trouble
from simulators.sinch import ANOTHER_KEY, CALLBACKS, KEY, NUMBERS, Sinch, error

FIRST, SECOND, FREE, ELSEWHERE, TEXTS = (f"+1202555010{n}" for n in range(1, 6))
URL = "https://dialer.example.com/sinch/callback?tenant=acme"
FALLBACK = "https://dialer.example.com/sinch/fallback/ü"

SINCH: Any = PROVIDERS["sinch"]


@pytest.fixture
def key():
    return "sinch"


@pytest.fixture
def http(upstream):
    return Outbound(upstream.upstreams, deadline=5.0)


@pytest.fixture
def ask(upstream, http):
    """Calls the method of that name with the account's values, with some of them changed."""

    def ask(name, *more, **changes):
        result = getattr(SINCH, name)(http, upstream.values | changes, *more)
        return list(result) if name == "numbers" else result

    return ask


def _refused(call, *more, **changes):
    with pytest.raises(Refusal) as refusal:
        call(*more, **changes)
    result = refusal.value.result
    assert not result.ok
    assert CANARY not in result.reason
    assert result.reason.endswith(".")
    return result


def _written(upstream: Sinch) -> list[str]:
    return [path for _, path in upstream.writes]


def test_numbers_lists_every_voice_number_and_limits_shared_ones(upstream, ask):
    primary = upstream.urls["primary"]
    away: dict[str, Any] = {
        "shows_webhook": False,
        "override": Override.APPLICATION,
        "override_name": ANOTHER_KEY,
    }
    texts, *others = reversed(ask("numbers"))
    assert (texts.phone_number, texts.has_voice, texts.shows_webhook) == (TEXTS, False, False)
    assert others[::-1] == [
        ProviderNumber(FIRST, webhook_url=primary, shared_with=(SECOND,), application_id=KEY),
        ProviderNumber(SECOND, webhook_url=primary, shared_with=(FIRST,), application_id=KEY),
        ProviderNumber(FREE, shared_with=(FIRST, SECOND)),
        ProviderNumber(ELSEWHERE, shared_with=(FIRST, SECOND), application_id=ANOTHER_KEY, **away),
    ]
    assert [(request.method, request.path) for request in upstream.requests] == [
        ("GET", NUMBERS),
        ("GET", CALLBACKS + KEY),
    ]

    upstream.reset()
    many = [f"+1202555{n:04}" for n in range(200)]
    upstream.owned = [
        {"number": number, "applicationkey": KEY.upper(), "capability": "voice"} for number in many
    ]
    assert max(len(line.shared_with) for line in ask("numbers")) == sinch.MOST_NAMED
    assert len(ask("observe", many[-1]).shared_with) == 199


def test_point_sets_the_url_and_assigns_the_number(upstream, ask, subtests):
    for number, reason in [
        (FIRST, Reason.DIFFERENT_URL),
        (FREE, Reason.NO_WEBHOOK),
        (ELSEWHERE, Reason.APPLICATION_OVERRIDES),
        (TEXTS, Reason.NO_VOICE),
        ("+12025550199", Reason.NUMBER_GONE),
    ]:
        with subtests.test(number=number, reason=reason):
            upstream.reset()
            upstream.urls["fallback"] = FALLBACK
            line = ask("observe", number)
            assert difference(line, URL) is reason
            if reason in (Reason.NO_VOICE, Reason.NUMBER_GONE):
                continue
            ask("point", line, URL)
            assert upstream.urls == {"primary": URL, "fallback": FALLBACK}
            assert upstream.owner(number) == KEY
            assert _written(upstream) == [CALLBACKS + KEY] + [NUMBERS] * (number != FIRST)
            assert difference(ask("observe", number), URL) is None


def test_set_callback_writes_once_and_is_read_for_the_application(upstream, ask, subtests):
    assert ask("callback") == Callback(upstream.urls["primary"], None, (FIRST, SECOND))
    ask("set_callback", URL)
    assert ask("callback") == Callback(URL, None, (FIRST, SECOND))
    assert _written(upstream) == [CALLBACKS + KEY]
    upstream.urls = {}
    assert ask("callback").primary is None

    upstream.reset()
    for status, code in [(400, 40001), (422, 0), (429, 42900), (500, 50000)]:
        with subtests.test(status=status, code=code):
            upstream.reset()
            upstream.instead["POST", CALLBACKS] = error(status, code)
            _refused(ask, "set_callback", URL)
            assert _written(upstream) == [CALLBACKS + KEY]

    upstream.reset()
    upstream.instead["POST", CALLBACKS] = Reply(200, f"<p>{CANARY}")
    assert _refused(ask, "set_callback", URL).code == Outcome.UNEXPECTED_ANSWER


def test_calls_refused_by_sinch_change_nothing(upstream, ask, subtests):
    upstream.instead["POST", NUMBERS] = error(403, 40300)
    result = _refused(ask, "point", ProviderNumber(FREE), URL)
    assert (result.code, upstream.urls["primary"]) == (Outcome.NO_PERMISSION, URL)
    assert result.reason == messages.number_missing(messages.NO_PERMISSION)

    upstream.reset()
    upstream.instead["POST", NUMBERS] = error(404, 40400)
    assert _refused(ask, "point", ProviderNumber(FREE), URL).code == Outcome.NOT_FOUND

    upstream.reset()
    for call in CALLS:
        for refusal, code in [
            ((400, 40004), Outcome.BAD_CREDENTIALS),
            ((401, 40102), Outcome.BAD_CREDENTIALS),
            ((401, 40105), Outcome.UNEXPECTED_ANSWER),
            ((403, 40300), Outcome.NO_PERMISSION),
            ((404, 40400), Outcome.WRONG_ACCOUNT),
            ((429, 42900), Outcome.RATE_LIMITED),
            ((503, 50300), Outcome.UNEXPECTED_ANSWER),
        ]:
            with subtests.test(call=call, refusal=refusal, code=code):
                upstream.reset()
                upstream.refusal = refusal
                assert _refused(ask, *call).code == code
                assert _written(upstream) == []


CALLS = [
    ("numbers",),
    ("observe", FIRST),
    ("point", ProviderNumber(FREE), URL),
    ("callback",),
    ("set_callback", URL),
]


ODD_NUMBERS: list[Any] = [None, 7, "x", {}, [7], [None], [{"number": FIRST, "applicationkey": 7}]]
ODD_URLS: list[Any] = [7, "x", [7], {"primary": 7}, {"primary": ["x"]}, {"fallback": {"x": 1}}]


def test_numbers_skips_what_is_no_number_and_refuses_an_odd_list(upstream, ask, subtests):
    upstream.owned = [
        {"number": odd, "capability": "voice"} for odd in ("12", "", "+1202555010a", "+٣٤٥٦٧٨٩٠")
    ]
    assert ask("numbers") == []

    upstream.owned = [{"number": int(FIRST), "applicationkey": KEY, "capability": "voice"}]
    assert [line.phone_number for line in ask("numbers")] == [FIRST]
    assert ask("observe", FIRST)

    upstream.reset()
    for trouble in [Trouble.HTML, Trouble.REFUSED_IN_HTML, Trouble.ODD, Trouble.FAULT]:
        for at in [NUMBERS, CALLBACKS]:
            with subtests.test(trouble=trouble, at=at):
                upstream.reset()
                upstream.trouble, upstream.trouble_at = trouble, at
                assert _refused(ask, "numbers").code == Outcome.UNEXPECTED_ANSWER

    for body in [{"numbers": odd} for odd in ODD_NUMBERS] + [{"url": odd} for odd in ODD_URLS] + [{"x": 1}]:
        with subtests.test(body=body):
            upstream.reset()
            upstream.instead["GET", CALLBACKS if "url" in body else NUMBERS] = Reply(200, body)
            assert _refused(ask, "numbers").code == Outcome.UNEXPECTED_ANSWER
