"""The numbers of a Sinch project, and the trunks that they are on."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound.client import Outbound
from app.provider import Capability, Outcome, Refusal
from app.provider.numbers import Override, ProviderNumber, Reason, difference
from app.providers import sinch_est
from app.providers.sinch_est import SinchEst
from simulators.base import CANARY, Reply, Trouble
from simulators.sinch_est import DOMAIN, NUMBER, TRUNK, endpoint, error, sample_id

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
    return [
        request.query.get("page") for request in upstream.requests if request.path.endswith("/phoneNumbers")
    ]


def test_numbers_reads_pages_of_any_size_and_start(upstream, numbers, subtests):
    for count, returns_total, requested in [
        (0, True, ["1"]),
        (99, False, ["1", "2", "0"]),
        (100, True, ["1"]),
        (100, False, ["1", "2", "0"]),
        (250, True, ["1", "2", "3"]),
    ]:
        with subtests.test(count=count, returns_total=returns_total, requested=requested):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.numbers = {f"+1416555{n:04}": TRUNK for n in range(count)}
            upstream.returns_total = returns_total
            assert [number.phone_number for number in numbers()] == sorted(upstream.numbers)
            assert pages(upstream) == requested

    for count, changes, requested in [
        (5, {"page_size_cap": 2}, ["1", "2", "3"]),
        (120, {"page_size_cap": 50, "returns_total": False}, ["1", "2", "3", "4", "0"]),
        (5, {"page_size_cap": 2, "returns_total": False, "first_page": 0}, ["1", "2", "3", "0"]),
        (5, {"first_page": 0}, ["1", "0"]),
        (5, {"first_page": 0, "page_size_cap": 2}, ["1", "2", "3", "0"]),
        (5, {"first_page": 0, "page_size_cap": 4}, ["1", "2", "0"]),
    ]:
        with subtests.test(count=count, changes=changes, requested=requested):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.numbers = {f"+1416555{n:04}": TRUNK for n in range(count)}
            vars(upstream).update(changes)
            assert sorted(number.phone_number for number in numbers()) == sorted(upstream.numbers)
            assert pages(upstream) == requested


def test_numbers_repeating_endless_or_incomplete_lists_are_refused(upstream, numbers, subtests, monkeypatch):
    cases: list[dict[str, Any]] = [{}, {"numbers": {}}, {"first_page": 0}, {"page_size_cap": 1}]
    for changes in cases:
        with subtests.test(changes=changes):
            upstream.reset()
            sinch_est.tokens.clear()
            vars(upstream).update({"extra": 3} | changes)
            with pytest.raises(Refusal) as refused:
                numbers()
            assert refused.value.result == sinch_est.INCOMPLETE

    upstream.reset()
    sinch_est.tokens.clear()
    item = {"phoneNumber": NUMBER, "sipTrunkId": TRUNK}
    upstream.refusal = Reply(200, {"phoneNumbers": [item], "totalItems": 2})
    with pytest.raises(Refusal):
        numbers()

    upstream.reset()
    sinch_est.tokens.clear()
    monkeypatch.setattr(sinch_est, "MOST_PAGES", 3)
    upstream.numbers = {f"+1416555{n:04}": TRUNK for n in range(500)}
    with pytest.raises(Refusal):
        numbers()
    assert pages(upstream) == ["1", "2", "3"]


def test_numbers_and_observe_return_each_number_with_its_trunk(upstream, numbers, observe, subtests):
    assert Capability.POINT not in SinchEst().capabilities
    upstream.numbers |= {"+14165550101": "", "+14165550102": OTHER_TRUNK}
    assert numbers() == [
        line(NUMBER, TRUNK, 0),
        line("+14165550101", "", 1),
        line("+14165550102", OTHER_TRUNK, 2),
    ]
    assert [difference(number, "https://x.example") for number in numbers()] == [
        Reason.TRUNK_OVERRIDES,
        Reason.NOT_SHOWN,
        Reason.TRUNK_OVERRIDES,
    ]

    upstream.reset()
    upstream.odd_items = ODD
    assert [number.phone_number for number in numbers()] == [NUMBER]
    upstream.odd_items = [{"phoneNumber": NUMBER.removeprefix("+"), "sipTrunkId": None, "id": None}]
    upstream.numbers = {}
    assert numbers() == [ProviderNumber(NUMBER, shows_webhook=False)]

    upstream.reset()
    sinch_est.tokens.clear()
    assert observe() == line(NUMBER, TRUNK, 0)
    upstream.numbers[NUMBER] = ""
    assert observe() == line(NUMBER, "", 0)
    upstream.numbers[NUMBER] = OTHER_TRUNK
    assert observe().override_name == OTHER_TRUNK

    for wraps in [False, True]:
        with subtests.test(wraps=wraps):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.wraps_errors = wraps
            assert observe("+14165559999") is None

    upstream.reset()
    upstream.refusal = Reply(200, {"phoneNumber": "+14165559999", "sipTrunkId": TRUNK})
    with pytest.raises(Refusal) as refused:
        observe()
    assert refused.value.result.code == Outcome.UNEXPECTED_ANSWER


def test_calls_refuse_faults_and_credentials_as_verify_does(
    upstream, numbers, domain, verify, subtests, *, observe
):
    for wraps in [False, True]:
        with subtests.test(wraps=wraps):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.wraps_errors = wraps
            wrong = (
                {"key_secret": "sample-and-wrong"},
                {"project_id": "00000000-0000-4000-8000-000000000009"},
            )
            for changes in wrong:
                said = verify(**changes)
                for ask in (numbers, lambda **more: domain(**more, trunk_domain=None)):
                    with pytest.raises(Refusal) as refused:
                        ask(**changes)
                    assert refused.value.result == said

    for trouble, code in [
        (Trouble.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Trouble.FAULT, Outcome.UNEXPECTED_ANSWER),
        (Trouble.HTML, Outcome.UNEXPECTED_ANSWER),
        (Trouble.REFUSED_IN_HTML, Outcome.UNEXPECTED_ANSWER),
        (Trouble.ODD, Outcome.UNEXPECTED_ANSWER),
    ]:
        with subtests.test(trouble=trouble, code=code):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.trouble, upstream.trouble_at = trouble, "/phoneNumbers"
            for ask in (numbers, observe):
                with pytest.raises(Refusal) as refused:
                    ask()
                assert refused.value.result.code == code
                assert CANARY not in refused.value.result.reason

    upstream.reset()
    for reply, code in [
        (Reply(404, "<p>Nothing here"), Outcome.UNEXPECTED_ANSWER),
        (error(404, "NOT_FOUND"), Outcome.WRONG_ACCOUNT),
    ]:
        for call in (numbers, observe):
            with subtests.test(reply=reply, call=call):
                sinch_est.tokens.clear()
                upstream.refusal = reply
                with pytest.raises(Refusal) as refused:
                    call()
                assert refused.value.result.code == code


def test_calls_replace_a_revoked_token_once(upstream, numbers, observe):
    observe()
    upstream.revoke()
    assert observe() is not None
    upstream.revoke()
    assert numbers()
    assert [request.host for request in upstream.requests].count("auth.sinch.com") == 3
    upstream.refusal = error(401, "UNAUTHENTICATED")
    with pytest.raises(Refusal):
        observe()
    assert [request.host for request in upstream.requests].count("auth.sinch.com") == 4


def test_sip_domain_and_endpoints_are_those_of_the_trunk_or_refused(upstream, domain, subtests, http):
    assert domain(trunk_domain="stored.example") == "stored.example"
    assert upstream.requests == []
    assert domain(trunk_domain=None) == DOMAIN

    for said in [None, 7, "", "no domain, but a sentence"]:
        with subtests.test(said=said):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.trunk = {"domain": said, "hostName": "sample", "topLevelDomain": ".trunk.example"}
            with pytest.raises(Refusal) as refused:
                domain(trunk_domain=None)
            assert refused.value.result.code == Outcome.UNEXPECTED_ANSWER

    upstream.reset()
    sinch_est.tokens.clear()
    upstream.endpoints = [
        endpoint("SIP.rtc.elevenlabs.io.", port=5061),
        endpoint("sip.example", enabled=False),
        endpoint("203.0.113.7", port=None, priority=2, enabled=None),
        endpoint(None),
    ]
    trunk_endpoints = SinchEst().endpoints(http, upstream.values)
    assert [(one.text, one.priority, one.is_address) for one in trunk_endpoints] == [
        ("sip.rtc.elevenlabs.io:5061", 1, False),
        ("203.0.113.7:5060", 2, True),
    ]
    upstream.endpoints.append(7)
    with pytest.raises(Refusal):
        SinchEst().endpoints(http, upstream.values)
    upstream.instead = {("GET", "/endpoints"): error(403, "PERMISSION_DENIED")}
    with pytest.raises(Refusal):
        SinchEst().endpoints(http, upstream.values)

    upstream.reset()
    upstream.instead["GET", "/endpoints"] = error(404, "NOT_FOUND")
    assert SinchEst().endpoints(http, upstream.values) == []
    upstream.instead["GET", "/phoneNumbers"] = error(404, "NOT_FOUND")
    with pytest.raises(Refusal) as refused:
        SinchEst().endpoints(http, upstream.values)
    assert refused.value.result.code == Outcome.WRONG_ACCOUNT
