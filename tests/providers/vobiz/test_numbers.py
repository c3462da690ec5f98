from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal, Restores
from app.provider.numbers import Override, Reason
from app.providers import PROVIDERS
from app.providers.vobiz import account as vobiz
from simulators.base import CANARY, Reply, Trouble
from simulators.vobiz import ACCOUNT, SHAPES
from tests.support.lines import URL

KEY = "vobiz"
ONE, TWO, FREE = "+918055500001", "+918055500002", "+918055500003"
NAME = "Patchbay support desk"
ATTACH = f"{ACCOUNT}/numbers/%2B{FREE[1:]}/application"


def done_but(answer, request, reply):
    """Answers normally, but the one request gets `reply` after it was carried out."""

    def answered(requested):
        normal = answer(requested)
        return reply or normal if (requested.method, requested.path) == request else normal

    return answered


@pytest.fixture
def shared(upstream):
    """The id of the application that ONE and TWO have in common."""
    return upstream.numbers[ONE].application_id


@pytest.fixture
def alone(upstream, shared):
    """The id of the application that only ONE has."""
    upstream.numbers[TWO].application_id = ""
    return shared


def test_observe_returns_the_applications_webhook(account, upstream, shared, subtests):
    for writes_plus in [True, False]:
        with subtests.test(writes_plus=writes_plus):
            upstream.reset()
            upstream.writes_plus = writes_plus
            upstream.applications[shared].app_name = " Front\tdesk\u202e "
            line = account.line(ONE)
            assert (line.webhook_url, line.method) == ("https://app.example/calls", "POST")
            assert (line.application_id, line.override_name, line.shared_with) == (
                shared,
                "Front desk",
                (TWO,),
            )
            assert (line.override, line.reference) == (None, upstream.numbers[ONE].id)
            assert account.line(FREE).application_id == ""
            assert list(account.by_number().values()) == [account.line(number) for number in (ONE, TWO, FREE)]

    upstream.reset()
    upstream.numbers[ONE].application_id = 77
    line = account.line(ONE)
    assert (line.application_id, line.override_name, line.webhook_url) == ("77", "77", None)

    upstream.reset()
    for place in range(5):
        upstream.numbers[FREE].application_id = upstream.make(answer_url=f"https://app.example/{place}")
    upstream.page_size_cap = 2
    assert account.line(FREE).webhook_url == "https://app.example/4"


def test_numbers_reads_voice_flags_and_limits_shared_numbers(
    account, upstream, subtests, shared, monkeypatch
):
    for name, value, has_voice in [
        ("voice_enabled", False, False),
        ("voice_enabled", None, True),
        ("is_blocked", True, True),
    ]:
        with subtests.test(name=name, value=value):
            upstream.reset()
            setattr(upstream.numbers[TWO], name, value)
            by_number = account.by_number()
            assert by_number[TWO].has_voice is has_voice
            assert account.line(TWO).has_voice is has_voice
            assert by_number[ONE].shared_with == (TWO,)

    upstream.answer = lambda requested: Reply(
        200, {"items": [{"e164": int(ONE)}, {"e164": True}], "total": 2}
    )
    assert [line.phone_number for line in account.numbers()] == [ONE]

    upstream.reset()
    monkeypatch.setattr(vobiz, "MOST_NAMED", 1)
    upstream.numbers[FREE].application_id = shared
    assert [line.shared_with for line in account.numbers()] == [(TWO,), (ONE,), (ONE,)]
    assert account.line(FREE).shared_with == (ONE, TWO)


def test_point_mends_every_difference_of_a_number_that_is_there(account, upstream):
    for application, reason in [
        ({"answer_url": URL}, None),
        ({"answer_url": URL, "answer_method": "GET"}, Reason.DIFFERENT_METHOD),
        ({"answer_url": "https://other.example"}, Reason.DIFFERENT_URL),
        ({"answer_url": ""}, Reason.NO_WEBHOOK),
        (None, Reason.NO_WEBHOOK),
    ]:
        upstream.reset()
        upstream.numbers[FREE].application_id = upstream.make(**application) if application else ""
        assert account.drift(FREE) == reason, (application, reason)
        account.point(account.line(FREE))
        assert account.drift(FREE) is None, (application, reason)

    upstream.reset()
    line = account.line(FREE)
    del upstream.numbers[FREE]
    assert account.drift(FREE) is Reason.NUMBER_GONE
    before = dict(upstream.applications)
    assert account.refusal("point", line).code == Outcome.NOT_FOUND
    assert upstream.applications == before


def test_point_changes_an_application_of_one_number_beside_a_trunk(account, upstream, alone):
    name = upstream.applications[alone].app_name
    account.point(account.line(ONE))
    assert upstream.applications[alone].answer_url == URL
    assert upstream.applications[alone].app_name == name
    assert upstream.writes == [("POST", f"{ACCOUNT}/Application/{alone}/")]
    assert len(upstream.applications) == 1

    upstream.reset()
    upstream.numbers[TWO].application_id = ""
    upstream.numbers[ONE].trunk_group_id = "sample-trunk"
    account.point(account.line(ONE))
    assert account.drift(ONE) is None
    assert upstream.numbers[ONE].trunk_group_id == "sample-trunk"


def test_point_leaves_a_shared_application_alone(account, upstream, shared):
    before = repr(upstream.applications[shared])
    account.point(account.line(ONE))
    assert account.drift(ONE) is None
    assert repr(upstream.applications[shared]) == before
    assert upstream.numbers[TWO].application_id == shared
    attached_application = upstream.applications[upstream.numbers[ONE].application_id]
    assert (
        attached_application.app_name,
        attached_application.answer_url,
        attached_application.answer_method,
    ) == (NAME, URL, "POST")

    upstream.reset()
    before, now = repr(upstream.applications[shared]), account.line(ONE)
    with pytest.raises(Refusal) as refusal:
        cast(Restores, PROVIDERS[KEY]).restore(
            Outbound(upstream.upstreams), upstream.values, now, replace(now, webhook_url=URL)
        )
    assert refusal.value.result == vobiz.SHARED_NOW
    assert repr(upstream.applications[shared]) == before


def test_point_uses_a_ready_application_or_a_new_one_instead_of_a_trunk(account, upstream, subtests):
    upstream.make(answer_url=URL, answer_method="GET")
    ready = upstream.make(answer_url=URL)
    for number in (ONE, FREE):
        account.point(account.line(number))
        assert upstream.numbers[number].application_id == ready
    assert len(upstream.applications) == 3

    upstream.reset()
    account.point(account.line(FREE), "https://voice.example.com/x/" + "a" * 100)
    name = upstream.applications[upstream.numbers[FREE].application_id].app_name
    assert name == "Patchbay " + "a" * 51

    for body in [{}, {"app_id": None}, {"app_id": [7]}]:
        with subtests.test(body=body):
            upstream.reset()
            line = account.line(FREE)
            upstream.instead = {("POST", "/Application/"): Reply(201, body)}
            assert account.refusal("point", line).code == Outcome.UNEXPECTED_ANSWER
            assert len(upstream.writes) == 1

    upstream.reset()
    upstream.numbers[FREE].trunk_group_id = "sample-trunk"
    line = account.line(FREE)
    assert (line.override, line.override_name) == (Override.TRUNK, "sample-trunk")
    assert account.drift(FREE) is Reason.TRUNK_OVERRIDES
    account.point(line)
    assert account.drift(FREE) is None
    assert upstream.numbers[FREE].trunk_group_id == ""

    upstream.reset()
    upstream.numbers[FREE].trunk_group_id = "sample-trunk"
    line = account.line(FREE)
    upstream.numbers[FREE].trunk_group_id = ""
    upstream.instead = {("DELETE", "/assign"): Reply(404, SHAPES["flat"]("not_found"))}
    account.point(line)
    assert account.drift(FREE) is None


def test_point_failed_attach_leaves_nothing_or_says_what(account, upstream, subtests):
    for trouble in [Trouble.FAULT, Trouble.RATE_LIMITED, Trouble.HTML, Trouble.ODD]:
        with subtests.test(trouble=trouble):
            upstream.reset()
            line, before = account.line(FREE), dict(upstream.applications)
            upstream.trouble, upstream.trouble_at = trouble, "/application"
            result = account.refusal("point", line)
            assert result.code in (Outcome.UNEXPECTED_ANSWER, Outcome.RATE_LIMITED)
            assert NAME not in result.reason
            assert upstream.applications == before
            assert [request for request in upstream.writes if request[0] == "POST"] == [
                ("POST", f"{ACCOUNT}/Application/"),
                ("POST", ATTACH),
            ]

    upstream.reset()
    line, before = account.line(FREE), dict(upstream.applications)
    upstream.trouble, upstream.trouble_at, account.deadline = Trouble.SLOW, "/application", 0.2
    with pytest.raises(OutboundError):
        account.point(line)
    assert upstream.applications == before

    upstream.reset()
    account.deadline = 5.0
    ready, line = upstream.make(answer_url=URL), account.line(FREE)
    upstream.trouble, upstream.trouble_at = Trouble.FAULT, "/application"
    account.refusal("point", line)
    assert ready in upstream.applications
    assert not [request for request in upstream.writes if request[0] == "DELETE"]

    upstream.reset()
    upstream.numbers[FREE].trunk_group_id = "sample-trunk"
    line, fault = account.line(FREE), Reply(500, {"message": CANARY})
    upstream.instead = {("POST", "/application"): fault, ("DELETE", "/Application/"): fault}
    result = account.refusal("point", line)
    assert f"“{NAME}”" in result.reason
    assert "trunk" in result.reason
    assert upstream.numbers[FREE].trunk_group_id == ""
    assert [request.method for request in upstream.requests].count("DELETE") == 2

    upstream.reset()
    line = account.line(FREE)
    upstream.instead = {
        ("POST", "/application"): Reply(500, {"message": CANARY}),
        ("DELETE", "/Application/"): Reply(404, SHAPES["flat"]("not_found")),
    }
    assert NAME not in account.refusal("point", line).reason

    upstream.reset()
    line = account.line(FREE)
    upstream.instead = {("DELETE", "/Application/"): Reply(409, SHAPES["flat"]("conflict"))}
    upstream.trouble, upstream.trouble_at, account.deadline = Trouble.SLOW, "/application", 0.2
    result = account.refusal("point", line)
    assert result.code == Outcome.UNREACHABLE
    assert NAME in result.reason


def test_point_number_that_is_attached_already_succeeds_or_is_refused(account, upstream, subtests, shared):
    for status in [409, 500]:
        with subtests.test(status=status):
            upstream.reset()
            line = account.line(FREE)
            reply = Reply(status, SHAPES["nested"]("already_attached"))
            upstream.answer = done_but(upstream.answer, ("POST", ATTACH), reply)
            account.point(line)
            assert account.drift(FREE) is None
            assert upstream.writes.count(("POST", ATTACH)) == 1

    upstream.reset()
    line, before = account.line(ONE), dict(upstream.applications)
    upstream.instead = {("POST", "/application"): Reply(409, SHAPES["flat"]("already_attached"))}
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert upstream.applications == before

    upstream.reset()
    line = account.line(FREE)
    upstream.instead = {("POST", "/application"): Reply(409, "")}
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert vobiz.MANUAL_STEP in result.reason
    assert ("DELETE", ATTACH) not in upstream.writes


OF_ONE = f"{ACCOUNT}/numbers/%2B{ONE[1:]}/application"


def _swaps(upstream):
    return [method for method, path in upstream.writes if path == OF_ONE]


def test_point_reattaches_a_number_that_does_not_move_or_says_so(account, upstream, shared, subtests):
    for detached in [None, Reply(404, SHAPES["flat"]("not_found"))]:
        with subtests.test(detached=detached):
            upstream.reset()
            line = account.line(ONE)
            upstream.moves = False
            upstream.answer = done_but(upstream.answer, ("DELETE", OF_ONE), detached)
            account.point(line)
            assert account.drift(ONE) is None
            assert upstream.numbers[TWO].application_id == shared
            assert _swaps(upstream) == ["POST", "DELETE", "POST"]

    upstream.reset()
    ready, line = upstream.make(answer_url=URL), account.line(ONE)
    upstream.moves, upstream.refuses_to_attach = False, (ready,)
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert "is on its former application, “Sample application”" in result.reason
    assert vobiz.MANUAL_STEP in result.reason
    assert upstream.numbers[ONE].application_id == shared
    assert _swaps(upstream) == ["POST", "DELETE", "POST", "POST"]

    upstream.reset()
    ready, line = upstream.make(answer_url=URL), account.line(ONE)
    upstream.moves, upstream.refuses_to_attach = False, (ready, shared)
    reason = account.refusal("point", line).reason
    assert "could not be returned to its former application, “Sample application”" in reason
    assert vobiz.MANUAL_STEP in reason


def test_point_failed_or_interrupted_detach_changes_nothing(account, upstream, shared, subtests):
    for shows in [True, False]:
        with subtests.test(shows=shows):
            upstream.reset()
            line, before = account.line(ONE), dict(upstream.applications)
            upstream.moves = False
            upstream.instead = {
                ("DELETE", "/application"): Reply(403, SHAPES["flat"]("forbidden") if shows else "")
            }
            result = account.refusal("point", line)
            assert result.code == (Outcome.NO_PERMISSION if shows else Outcome.UNEXPECTED_ANSWER)
            assert "is on its former application" in result.reason
            assert upstream.numbers[ONE].application_id == shared
            assert upstream.applications == before
            assert _swaps(upstream) == ["POST", "DELETE", "POST"]

    upstream.reset()
    line, usual = account.line(ONE), upstream.answer
    upstream.moves, account.deadline = False, 1.0

    def answer(requested):
        if (requested.method, requested.path) == ("DELETE", OF_ONE):
            return Reply(302, "", {"Location": "/"})
        return usual(requested)

    upstream.answer = answer
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert upstream.numbers[ONE].application_id == shared


def test_numbers_reads_every_error_and_refuses_endless_or_cut_lists(account, upstream, subtests, monkeypatch):
    for shape in SHAPES:
        with subtests.test(shape=shape):
            upstream.reset()
            line = account.line(ONE)
            upstream.shape = shape
            assert account.refusal("numbers", auth_token="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            upstream.is_forbidden = True
            assert account.refusal("numbers").code == Outcome.NO_PERMISSION
            assert account.refusal("point", line).code == Outcome.NO_PERMISSION
            upstream.is_forbidden = False
            upstream.instead = {("GET", "/numbers"): Reply(404, SHAPES[shape]("not_found"))}
            assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER

    upstream.reset()
    account.refusal("numbers", auth_id="a/../b?c#d%é")
    assert upstream.requests[0].path == "/api/v1/Account/a%2F..%2Fb%3Fc%23d%25%C3%A9/numbers"

    upstream.reset()
    row = {"e164": ONE, "id": "sample"}
    upstream.answer = lambda requested: Reply(200, {"items": [row], "total": 9})
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
    assert len(upstream.requests) == 2

    upstream.reset()
    pages = {"1": [{"e164": ONE}]}
    upstream.answer = lambda requested: Reply(
        200, {"items": pages.get(requested.query["page"], []), "total": 2}
    )
    assert account.refusal("numbers") == vobiz.INCOMPLETE
    assert account.refusal("observe", TWO).code == Outcome.UNEXPECTED_ANSWER

    upstream.reset()
    monkeypatch.setattr(vobiz, "MOST_PAGES", 3)
    upstream.answer = lambda requested: Reply(200, {"items": [{"e164": ONE, "id": len(upstream.requests)}]})
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER
    assert len(upstream.requests) == 3
