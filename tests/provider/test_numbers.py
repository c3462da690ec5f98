from __future__ import annotations

from typing import Any

from app.core import urls
from app.provider.numbers import Override, ProviderNumber, Reason, difference

URL = "https://voice.example.com/telephony/twilio/inbound/support%20agent"


DIFFERENCES: list[tuple[dict[str, Any], Reason | None]] = [
    ({"webhook_url": URL, "method": "POST"}, None),
    ({"webhook_url": URL, "method": None}, None),
    ({"webhook_url": URL, "method": "post"}, None),
    ({"webhook_url": URL, "method": "GET"}, Reason.DIFFERENT_METHOD),
    ({"webhook_url": URL + "x"}, Reason.DIFFERENT_URL),
    ({"webhook_url": URL + "?a=1"}, Reason.DIFFERENT_URL),
    ({}, Reason.NO_WEBHOOK),
    ({"shows_webhook": False}, Reason.NOT_SHOWN),
    ({"override": Override.TRUNK}, Reason.TRUNK_IN_THE_WAY),
    ({"override": Override.TRUNK, "webhook_url": URL}, Reason.TRUNK_IN_THE_WAY),
    ({"override": Override.APPLICATION}, Reason.APPLICATION_IN_THE_WAY),
    ({"override": Override.APPLICATION, "webhook_url": URL}, None),
    (
        {"override": Override.APPLICATION, "webhook_url": URL, "method": "GET"},
        Reason.DIFFERENT_METHOD,
    ),
]


def test_difference_names_every_reason(subtests):
    for more, reason in DIFFERENCES:
        with subtests.test(more=more, reason=reason):
            assert difference(ProviderNumber("+15551234567", **more), URL) is reason


def test_difference_without_a_number_is_number_gone():
    assert difference(None, URL) is Reason.NUMBER_GONE


def test_same_ignores_spelling_but_not_meaning(subtests):
    for one, other, is_same in [
        ("https://a.example/x", "https://A.example:443/x", True),
        ("https://a.example/x", "HTTPS://a.example/x", True),
        ("https://a.example/sam%c3%a9", "https://a.example/sam%C3%A9", True),
        ("https://a.example/%7Ex", "https://a.example/~x", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example/x", "https://a.example/x/", False),
        ("https://a.example/x", "https://a.example/X", False),
        ("https://a.example/a%2Fb", "https://a.example/a/b", False),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "https://a.example:8443/x", False),
        ("https://a.example/x", "https://a.example/x?y", False),
        ("https://a.example/x", "https://u:p@a.example/x", False),
        ("https://a.example/x", "https://[a.example/x", False),
        ("https://[a", "https://[a", True),
    ]:
        with subtests.test(one=one, other=other, is_same=is_same):
            assert urls.same(one, other) is is_same
            assert urls.same(other, one) is is_same
