from __future__ import annotations

from typing import Any

from app.core import urls
from app.provider.numbers import (
    AnsweringService,
    Fault,
    Override,
    ProviderNumber,
    Reason,
    difference,
    differences,
)

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
    ({"override": Override.TRUNK}, Reason.TRUNK_OVERRIDES),
    ({"override": Override.TRUNK, "webhook_url": URL}, Reason.TRUNK_OVERRIDES),
    ({"override": Override.APPLICATION}, Reason.APPLICATION_OVERRIDES),
    ({"override": Override.APPLICATION, "webhook_url": URL}, None),
    (
        {"override": Override.APPLICATION, "webhook_url": URL, "method": "GET"},
        Reason.DIFFERENT_METHOD,
    ),
    ({"webhook_url": URL, "has_voice": False}, Reason.NO_VOICE),
    ({"webhook_url": URL, "faults": (Fault(Reason.DIFFERENT_FALLBACK),)}, Reason.DIFFERENT_FALLBACK),
    ({"webhook_url": URL + "x", "faults": (Fault(Reason.DIFFERENT_FALLBACK),)}, Reason.DIFFERENT_URL),
    ({"webhook_url": URL + "x", "faults": (Fault(Reason.BLOCKED),)}, Reason.BLOCKED),
    ({"shows_webhook": False, "faults": (Fault(Reason.OF_SUBACCOUNT),)}, Reason.OF_SUBACCOUNT),
    ({"webhook_url": URL + "#rc=2&rt=5000"}, Reason.DIFFERENT_URL),
    ({"webhook_url": URL + "#rc=2&rt=5000", "ignores_fragment": True}, None),
    ({"webhook_url": URL + "?a#rc=2", "ignores_fragment": True}, Reason.DIFFERENT_URL),
]


def test_difference_names_every_reason(subtests):
    for more, reason in DIFFERENCES:
        with subtests.test(more=more, reason=reason):
            assert difference(ProviderNumber("+15551234567", **more), URL) is reason

    assert difference(None, URL) is Reason.NUMBER_GONE


def test_differences_list_everything_the_worst_first_with_details():
    line = ProviderNumber("+15551234567", webhook_url="https://x.example", has_voice=False)
    faults = differences(line, URL, "Acme Desk")
    assert [fault.reason for fault in faults] == [Reason.NO_VOICE, Reason.KNOWN_TAKER]
    assert "Acme Desk" in faults[1].detail

    line = ProviderNumber("+15551234567", override=Override.TRUNK, override_name="TK1")
    assert "TK1" in differences(line, URL)[0].detail
    line = ProviderNumber("+15551234567", override=Override.APPLICATION, override_name="AP1")
    detail = differences(line, URL, "Acme Desk")[0].detail
    assert "AP1" in detail
    assert "Acme Desk" in detail


def test_taker_is_known_by_host_and_path_only(subtests):
    taker = AnsweringService("Acme Desk", r"desk\.example/inbound/")
    for url, is_known in [
        ("https://desk.example/inbound/1", True),
        ("https://DESK.example:443/inbound/1?x#y", True),
        ("https://desk.example/other", False),
        ("https://desk.example.evil.test/inbound/", False),
        ("https://evil.test/desk.example/inbound/", False),
        ("https://[", False),
    ]:
        with subtests.test(url=url):
            assert taker.has(url) is is_known


def test_same_ignores_spelling_but_not_meaning(subtests):
    for one, other, is_same in [
        ("https://a.example/x", "https://A.example:443/x", True),
        ("https://a.example/x", "HTTPS://a.example/x", True),
        ("https://a.example/sam%c3%a9", "https://a.example/sam%C3%A9", True),
        ("https://a.example/%7Ex", "https://a.example/~x", True),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x", True),
        ("https://straße.example/x", "https://strasse.example/x", False),
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
            assert urls.is_same(one, other) is is_same
            assert urls.is_same(other, one) is is_same
