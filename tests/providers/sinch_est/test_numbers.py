"""The numbers of a Sinch project, and the trunks that they are on."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Capability, Outcome, Refusal
from app.provider.numbers import Override, ProviderNumber, Reason, difference
from app.providers import sinch_est
from app.providers.sinch_est import SinchEst
from simulators.base import CANARY, Reply, Trouble
from simulators.sinch_est import DOMAIN, NUMBER, TRUNK, error, sample_id

KEY = "sinch_est"
OTHER_TRUNK = TRUNK[:-1] + "2"
ODD: list[Any] = [
    None,
    7,
    CANARY,
    [],
    {},
    {"phoneNumber": None},
    {"phoneNumber": "abc"},
    {"phoneNumber": {"x": 1}},
]


@pytest.fixture
def http(upstream):
    return Outbound(upstream.upstreams, deadline=5.0)


@pytest.fixture
def numbers(upstream, http):
    return lambda **changes: list(SinchEst().numbers(http, upstream.values | changes))


@pytest.fixture
def observe(upstream, http):
    return lambda number=NUMBER, **changes: SinchEst().observe(http, upstream.values | changes, number)


@pytest.fixture
def domain(upstream, http):
    return lambda **changes: SinchEst().sip_domain(http, upstream.values | changes)


def line(number, trunk, place):
    override = Override.TRUNK if trunk else None
    return ProviderNumber(number, None, None, None, False, override, trunk, reference=sample_id(place))


def pages(upstream):
    return [seen.query.get("page") for seen in upstream.requests if seen.path.endswith("/phoneNumbers")]


def test_it_can_look_and_not_touch():
    assert Capability.POINT not in SinchEst().capabilities


def test_every_number_of_the_project_is_listed_whatever_its_trunk(upstream, numbers):
    upstream.numbers |= {"+14165550101": "", "+14165550102": OTHER_TRUNK}
    assert numbers() == [
        line(NUMBER, TRUNK, 0),
        line("+14165550101", "", 1),
        line("+14165550102", OTHER_TRUNK, 2),
    ]
    assert [difference(found, "https://x.example") for found in numbers()] == [
        Reason.TRUNK_IN_THE_WAY,
        Reason.NOT_SHOWN,
        Reason.TRUNK_IN_THE_WAY,
    ]


@pytest.mark.parametrize(
    ("count", "tells_total", "asked"),
    [
        (0, True, ["1"]),
        (99, False, ["1"]),
        (100, True, ["1"]),
        (100, False, ["1", "2"]),
        (250, True, ["1", "2", "3"]),
    ],
)
def test_pages_are_read_until_there_are_no_more(upstream, numbers, count, tells_total, asked):
    upstream.numbers = {f"+1416555{n:04}": TRUNK for n in range(count)}
    upstream.tells_total = tells_total
    assert [found.phone_number for found in numbers()] == sorted(upstream.numbers)
    assert pages(upstream) == asked


@pytest.mark.parametrize(
    ("count", "changes", "asked"),
    [
        (5, {"page_size_cap": 2}, ["1", "2", "3"]),
        (5, {"first_page": 0}, ["1", "0"]),
        (5, {"first_page": 0, "page_size_cap": 2}, ["1", "2", "3", "0"]),
        (5, {"first_page": 0, "page_size_cap": 4}, ["1", "2", "0"]),
    ],
)
def test_all_are_read_however_pages_are_made(upstream, numbers, count, changes, asked):
    upstream.numbers = {f"+1416555{n:04}": TRUNK for n in range(count)}
    vars(upstream).update(changes)
    assert sorted(found.phone_number for found in numbers()) == sorted(upstream.numbers)
    assert pages(upstream) == asked


@pytest.mark.parametrize("changes", [{}, {"numbers": {}}, {"first_page": 0}, {"page_size_cap": 1}])
def test_fewer_than_there_are_is_no_list(upstream, numbers, changes):
    vars(upstream).update({"extra": 3} | changes)
    with pytest.raises(Refusal, match="more numbers than it lists"):
        numbers()


def test_pages_that_repeat_are_no_list(upstream, numbers):
    item = {"phoneNumber": NUMBER, "sipTrunkId": TRUNK}
    upstream.refusal = Reply(200, {"phoneNumbers": [item], "totalItems": 2})
    with pytest.raises(Refusal, match="does not come to an end"):
        numbers()


def test_a_list_without_an_end_is_not_read_for_ever(upstream, numbers, monkeypatch):
    monkeypatch.setattr(sinch_est, "MOST_PAGES", 3)
    upstream.numbers = {f"+1416555{n:04}": TRUNK for n in range(500)}
    with pytest.raises(Refusal, match="does not come to an end"):
        numbers()
    assert pages(upstream) == ["1", "2", "3"]


def test_what_is_no_number_is_passed_over(upstream, numbers):
    upstream.odd_items = ODD
    assert [found.phone_number for found in numbers()] == [NUMBER]
    upstream.odd_items = [{"phoneNumber": NUMBER.removeprefix("+"), "sipTrunkId": None, "id": None}]
    upstream.numbers = {}
    assert numbers() == [ProviderNumber(NUMBER, shows_webhook=False)]


def test_one_number_is_observed(upstream, observe):
    assert observe() == line(NUMBER, TRUNK, 0)
    upstream.numbers[NUMBER] = ""
    assert observe() == line(NUMBER, "", 0)
    upstream.numbers[NUMBER] = OTHER_TRUNK
    assert observe().override_name == OTHER_TRUNK


@pytest.mark.parametrize("wraps", [False, True])
def test_a_number_that_the_project_has_not_is_none(upstream, observe, wraps):
    upstream.wraps_errors = wraps
    assert observe("+14165559999") is None


def test_an_answer_about_another_number_is_not_believed(upstream, observe):
    upstream.refusal = Reply(200, {"phoneNumber": "+14165559999", "sipTrunkId": TRUNK})
    with pytest.raises(Refusal) as refused:
        observe()
    assert refused.value.result.code == Outcome.UNEXPECTED_ANSWER


@pytest.mark.parametrize("wraps", [False, True])
def test_refused_credentials_are_told_as_a_test_tells_them(upstream, numbers, domain, verify, wraps):
    upstream.wraps_errors = wraps
    wrong = ({"key_secret": "sample-and-wrong"}, {"project_id": "00000000-0000-4000-8000-000000000009"})
    for changes in wrong:
        said = verify(**changes)
        for ask in (numbers, lambda **more: domain(**more, trunk_domain=None)):
            with pytest.raises(Refusal) as refused:
                ask(**changes)
            assert refused.value.result == said


def test_a_withdrawn_token_is_replaced_once(upstream, numbers, observe):
    observe()
    upstream.revoke()
    assert observe() is not None
    upstream.revoke()
    assert numbers()
    assert [seen.host for seen in upstream.requests].count("auth.sinch.com") == 3
    upstream.refusal = error(401, "UNAUTHENTICATED")
    with pytest.raises(Refusal):
        observe()
    assert [seen.host for seen in upstream.requests].count("auth.sinch.com") == 4


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Trouble.FAULT, Outcome.UNEXPECTED_ANSWER),
        (Trouble.HTML, Outcome.UNEXPECTED_ANSWER),
        (Trouble.REFUSED_IN_HTML, Outcome.UNEXPECTED_ANSWER),
        (Trouble.ODD, Outcome.UNEXPECTED_ANSWER),
    ],
)
def test_trouble_says_nothing_of_the_number(upstream, numbers, observe, trouble, code):
    upstream.trouble, upstream.trouble_at = trouble, "/phoneNumbers"
    for ask in (numbers, observe):
        with pytest.raises(Refusal) as refused:
            ask()
        assert refused.value.result.code == code
        assert CANARY not in refused.value.result.reason


@pytest.mark.parametrize("at", ["/oauth2/token", "/phoneNumbers"])
def test_a_401_that_says_nothing_refuses_the_credentials(upstream, numbers, observe, at):
    upstream.instead = dict.fromkeys((("GET", at), ("POST", at)), Reply(401, ""))
    for ask in (numbers, observe):
        with pytest.raises(Refusal) as refused:
            ask()
        assert refused.value.result.code == Outcome.BAD_CREDENTIALS


@pytest.mark.parametrize("reply", [Reply(404, "<p>Nothing here"), error(404, "NOT_FOUND")])
def test_a_project_without_numbers_is_not_a_missing_page(upstream, numbers, reply):
    upstream.refusal = reply
    with pytest.raises(Refusal) as refused:
        numbers()
    assert refused.value.result.code == Outcome.UNEXPECTED_ANSWER


def test_a_page_that_is_missing_is_not_a_missing_number(upstream, observe):
    upstream.refusal = Reply(404, "<p>Nothing here")
    with pytest.raises(Refusal):
        observe()


def test_a_provider_that_is_away_is_an_error_of_the_way(upstream):
    away = Outbound(dict.fromkeys(upstream.hosts, "http://127.0.0.1:9"), deadline=0.2)
    with pytest.raises(OutboundError):
        SinchEst().observe(away, upstream.values, NUMBER)


def test_the_domain_is_the_stored_one_or_the_trunks_own(upstream, domain):
    assert domain(trunk_domain="stored.example") == "stored.example"
    assert upstream.requests == []
    assert domain(trunk_domain=None) == DOMAIN


@pytest.mark.parametrize("said", [None, 7, "", "no domain, but a sentence"])
def test_a_domain_is_never_guessed(upstream, domain, said):
    upstream.trunk = {"domain": said, "hostName": "sample", "topLevelDomain": ".trunk.example"}
    with pytest.raises(Refusal) as refused:
        domain(trunk_domain=None)
    assert "did not say what its domain is" in refused.value.result.reason
