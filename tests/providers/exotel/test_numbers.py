from __future__ import annotations

from app.provider import Outcome
from app.provider.numbers import Reason
from app.providers import exotel
from simulators.base import Reply
from simulators.exotel import flow
from tests.support.lines import URL

KEY = "exotel"
ONE = "+918055500001"
MUMBAI = "api.in.exotel.com"


def test_observe_knows_every_shape_of_a_flow_and_compares_other_urls(account, upstream, subtests):
    line = account.line(ONE)
    assert (line.shows_webhook, line.override_name, line.webhook_url) == (False, "501", flow("501"))
    assert (line.label, line.reference) == ("Sample ExoPhone", upstream.numbers[ONE].sid)
    assert account.drift(ONE) is Reason.NOT_SHOWN
    assert account.drift(ONE, flow("501")) is Reason.NOT_SHOWN

    upstream.reset()
    usual = upstream.answer

    def answer(request):
        reply = usual(request)
        for row in reply.body["incoming_phone_numbers"]:
            del row["voice_url"]
        return reply

    upstream.answer = answer
    assert account.drift(ONE) is Reason.NOT_SHOWN

    upstream.reset()
    for voice_url, reason in [
        ("", Reason.NO_WEBHOOK),
        (None, Reason.NO_WEBHOOK),
        ("https://other.example", Reason.DIFFERENT_URL),
        (URL, None),
    ]:
        with subtests.test(voice_url=voice_url, reason=reason):
            upstream.reset()
            upstream.numbers[ONE].voice_url = voice_url
            line = account.line(ONE)
            assert (line.shows_webhook, line.override_name) == (True, "")
            assert account.drift(ONE) == reason

    upstream.reset()
    wrong = []
    for url, name in FLOWS.items():
        upstream.numbers[ONE].voice_url = url
        line = account.line(ONE)
        if (line.override_name, line.shows_webhook) != (name, not name):
            wrong.append((url, line))
        reason = Reason.NOT_SHOWN if name else Reason.DIFFERENT_URL
        if account.drift(ONE) != reason:
            wrong.append((url, account.drift(ONE)))
    assert wrong == []


FLOWS = {
    "http://my.exotel.com/sample1/exoml/start_voice/501": "501",
    "https://my.exotel.com/exoml/start/501": "501",
    "https://my.in.exotel.com/sample1/exoml/start_voice/501/": "501",
    "https://my.exotel.in/exoml/start/501?x=1": "501",
    "https://MY.EXOTEL.COM/exoml/start/501": "501",
    "https://my.exotel.com.evil.example/exoml/start/501": "",
    "https://evil.example/my.exotel.com/exoml/start/501": "",
    "https://evilexotel.com/exoml/start/501": "",
    "https://[": "",
}


def test_numbers_reads_national_formats_capabilities_and_ids(account, upstream, subtests):
    for written, country, read in [
        ("08055500001", "IN", ONE),
        ("08055500001", None, ONE),
        ("08055500001", "India", ONE),
        ("0 805-550 0001", "IN", ONE),
        ("918055500001", "IN", ONE),
        ("+918055500001", "SG", ONE),
        ("61234567", "SG", "+6561234567"),
        ("0XXXXXXXXXX", "IN", None),
        ("", "IN", None),
        (None, "IN", None),
        (8055500001, "IN", None),
        ("sample", ["IN"], None),
    ]:
        with subtests.test(written=written, country=country, read=read):
            upstream.reset()
            upstream.numbers.clear()
            upstream.add("whatever", written=written, country=country)
            assert [line.phone_number for line in account.numbers()] == ([read] if read else [])

    upstream.reset()
    upstream.numbers[ONE].capabilities = {"voice": False, "sms": True}
    assert [line.has_voice for line in account.numbers()] == [False, True, True]
    assert account.line(ONE) == account.by_number()[ONE]

    upstream.reset()
    upstream.numbers[ONE].sid = 42
    assert account.line(ONE).reference == "42"


def test_numbers_reads_every_page_at_the_host_of_the_region(account, upstream, monkeypatch):
    upstream.page_size_cap = 2
    account.numbers()
    assert [(request.host, request.query) for request in upstream.requests] == [
        ("api.exotel.com", {"Page": "0", "PageSize": "50"}),
        ("api.exotel.com", {"Page": "1", "PageSize": "50"}),
    ]

    upstream.reset()
    upstream.region = MUMBAI
    assert account.numbers(api_base=f"https://{MUMBAI}")
    assert {request.host for request in upstream.requests} == {MUMBAI}
    assert account.refusal("numbers").code == Outcome.WRONG_ACCOUNT

    upstream.reset()
    for pages, expected_count in [
        ([_page(2, None, 1, 2)], 2),
        ([_page(2, "/more", 1)], 1),
        ([_page(2, "/more", 1, 2), _page(2, "/more")], 2),
        ([_page(2, "/more", 1, 2), _page(2, "/more", 2, 3), _page(2, None, 4)], 4),
        ([_page(None, "/more", 1, 2), _page("2", None, 3)], 3),
    ]:
        upstream.reset()
        upstream.answer = lambda requested, pages=pages: Reply(200, pages[int(requested.query["Page"])])
        assert len(account.numbers()) == expected_count, (pages, expected_count)
        assert len(upstream.requests) == len(pages), (pages, expected_count)

    upstream.reset()
    upstream.page_size_cap, upstream.ignores_paging = 2, True
    _, second, third = upstream.numbers
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
    assert len(upstream.requests) == 2
    assert account.observe(second)
    assert account.refusal("observe", third).code == Outcome.UNEXPECTED_ANSWER
    del upstream.numbers[third]
    assert len(account.numbers()) == 2
    assert account.observe(third) is None

    upstream.reset()
    monkeypatch.setattr(exotel, "MOST_PAGES", 3)
    upstream.answer = lambda requested: Reply(200, _page(1, "/more", requested.query["Page"]))
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
    assert len(upstream.requests) == 3


def _page(size, more, *numbers):
    rows = [{"phone_number": f"+91805550000{n}"} for n in numbers]
    return {"page_size": size, "next_page_uri": more, "incoming_phone_numbers": rows}


def test_numbers_reads_refusals_in_json_and_xml(account, upstream, subtests):
    for speaks_xml in [False, True]:
        with subtests.test(speaks_xml=speaks_xml):
            upstream.reset()
            upstream.speaks_xml = speaks_xml
            assert account.refusal("numbers", api_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            assert account.refusal("numbers", account_sid="a/../b?c#d%é").code == Outcome.WRONG_ACCOUNT
            upstream.is_suspended = True
            assert account.refusal("observe", ONE).code == Outcome.SUSPENDED
