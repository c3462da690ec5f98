"""What Sinch has for numbers, and pointing one: the callback URL is the application's."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal
from app.provider.numbers import Callback, Override, ProviderNumber, Reason, difference
from app.providers import PROVIDERS, sinch
from simulators.base import CANARY, PLAIN, Reply, Trouble
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
        found = getattr(SINCH, name)(http, upstream.values | changes, *more)
        return list(found) if name == "numbers" else found

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


def test_every_voice_number_is_a_line(upstream, ask):
    primary = upstream.urls["primary"]
    away: dict[str, Any] = {
        "shows_webhook": False,
        "override": Override.APPLICATION,
        "override_name": ANOTHER_KEY,
    }
    assert ask("numbers") == [
        ProviderNumber(FIRST, webhook_url=primary, shared_with=(SECOND,), application_id=KEY),
        ProviderNumber(SECOND, webhook_url=primary, shared_with=(FIRST,), application_id=KEY),
        ProviderNumber(FREE, shared_with=(FIRST, SECOND)),
        ProviderNumber(ELSEWHERE, shared_with=(FIRST, SECOND), application_id=ANOTHER_KEY, **away),
    ]
    assert [(seen.method, seen.path) for seen in upstream.requests] == [
        ("GET", NUMBERS),
        ("GET", CALLBACKS + KEY),
    ]


def test_a_list_stays_small_however_many_share_the_application(upstream, ask):
    many = [f"+1202555{n:04}" for n in range(200)]
    upstream.owned = [
        {"number": number, "applicationkey": KEY.upper(), "capability": "voice"} for number in many
    ]
    assert max(len(line.shared_with) for line in ask("numbers")) == sinch.MOST_NAMED
    assert len(ask("observe", many[-1]).shared_with) == 199


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (FIRST, Reason.DIFFERENT_URL),
        (FREE, Reason.NO_WEBHOOK),
        (ELSEWHERE, Reason.APPLICATION_IN_THE_WAY),
        (TEXTS, Reason.NUMBER_GONE),
        ("+12025550199", Reason.NUMBER_GONE),
    ],
)
def test_one_number_is_observed_and_pointed(upstream, ask, number, reason):
    upstream.urls["fallback"] = FALLBACK
    line = ask("observe", number)
    assert difference(line, URL) is reason
    if line is None:
        return
    ask("point", line, URL)
    assert upstream.urls == {"primary": URL, "fallback": FALLBACK}
    assert upstream.owner(number) == KEY
    assert _written(upstream) == [CALLBACKS + KEY] + [NUMBERS] * (number != FIRST)
    assert difference(ask("observe", number), URL) is None


def test_the_callback_is_the_applications(upstream, ask):
    assert ask("callback") == Callback(upstream.urls["primary"], None, (FIRST, SECOND))
    ask("set_callback", URL)
    assert ask("callback") == Callback(URL, None, (FIRST, SECOND))
    assert _written(upstream) == [CALLBACKS + KEY]
    upstream.urls = {}
    assert ask("callback").primary is None


def test_a_number_that_is_not_moved_is_said(upstream, ask):
    upstream.instead["POST", NUMBERS] = error(403, 40300)
    result = _refused(ask, "point", ProviderNumber(FREE), URL)
    assert (result.code, upstream.urls["primary"]) == (Outcome.NO_PERMISSION, URL)
    assert result.reason.startswith("The application has the URL, but not the number yet.")


CALLS = [
    ("numbers",),
    ("observe", FIRST),
    ("point", ProviderNumber(FREE), URL),
    ("callback",),
    ("set_callback", URL),
]


@pytest.mark.parametrize("call", CALLS)
def test_values_that_are_missing_are_not_sent_anywhere(upstream, ask, call):
    assert _refused(ask, *call, application_secret=None).code == Outcome.NOT_CONFIGURED
    assert upstream.requests == []


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ((400, 40004), Outcome.BAD_CREDENTIALS),
        ((401, 40102), Outcome.BAD_CREDENTIALS),
        ((401, 40105), Outcome.UNEXPECTED_ANSWER),
        ((403, 40300), Outcome.NO_PERMISSION),
        ((404, 40400), Outcome.NOT_FOUND),
        ((429, 42900), Outcome.RATE_LIMITED),
        ((503, 50300), Outcome.UNEXPECTED_ANSWER),
    ],
)
def test_its_refusals_change_nothing(upstream, ask, call, refusal, code):
    upstream.refusal = refusal
    assert _refused(ask, *call).code == code
    assert _written(upstream) == []


@pytest.mark.parametrize(("status", "code"), [(400, 40001), (422, 0), (429, 42900), (500, 50000)])
def test_a_write_that_is_refused_is_sent_once(upstream, ask, status, code):
    upstream.instead["POST", CALLBACKS] = error(status, code)
    _refused(ask, "set_callback", URL)
    assert _written(upstream) == [CALLBACKS + KEY]


def test_an_answer_that_is_no_204_is_no_success(upstream, ask):
    upstream.instead["POST", CALLBACKS] = Reply(200, f"<p>{CANARY}")
    assert _refused(ask, "set_callback", URL).code == Outcome.UNEXPECTED_ANSWER


@pytest.mark.parametrize("trouble", [Trouble.HTML, Trouble.REFUSED_IN_HTML, Trouble.ODD, Trouble.FAULT])
@pytest.mark.parametrize("at", [NUMBERS, CALLBACKS])
def test_trouble_is_no_empty_account(upstream, ask, trouble, at):
    upstream.trouble, upstream.trouble_at = trouble, at
    assert _refused(ask, "numbers").code == Outcome.UNEXPECTED_ANSWER


ODD_NUMBERS: list[Any] = [None, 7, "x", {}, [7], [None], [{"number": FIRST, "applicationkey": 7}]]
ODD_URLS: list[Any] = [7, "x", [7], {"primary": 7}, {"primary": ["x"]}, {"fallback": {"x": 1}}]


@pytest.mark.parametrize(
    "body", [{"numbers": odd} for odd in ODD_NUMBERS] + [{"url": odd} for odd in ODD_URLS] + [{"x": 1}]
)
def test_shapes_that_nobody_promised_are_refused(upstream, ask, body):
    upstream.instead["GET", CALLBACKS if "url" in body else NUMBERS] = Reply(200, body)
    assert _refused(ask, "numbers").code == Outcome.UNEXPECTED_ANSWER


def test_a_number_that_is_none_is_passed_over(upstream, ask):
    upstream.owned = [
        {"number": odd, "capability": "voice"} for odd in ("12", "", "+1202555010a", "+٣٤٥٦٧٨٩٠")
    ]
    assert ask("numbers") == []


def test_a_number_may_come_as_one_of_json(upstream, ask):
    upstream.owned = [{"number": int(FIRST), "applicationkey": KEY, "capability": "voice"}]
    assert [line.phone_number for line in ask("numbers")] == [FIRST]
    assert ask("observe", FIRST)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", ["", "Unauthorized", [], {"message": CANARY}])
def test_a_401_that_says_nothing_refuses_the_credentials(upstream, ask, call, body):
    upstream.instead = dict.fromkeys((("GET", "/"), ("POST", "/")), Reply(401, body, PLAIN))
    assert _refused(ask, *call).code == Outcome.BAD_CREDENTIALS


def test_an_outage_passes_through(upstream):
    away = Outbound({"callingapi.sinch.com": "http://127.0.0.1:9"}, deadline=2.0)
    with pytest.raises(OutboundError):
        SINCH.set_callback(away, upstream.values, URL)
