from __future__ import annotations

import pytest

from app.core.outbound.answer import OutboundError
from app.provider import Outcome
from app.provider.numbers import Override, Reason
from app.providers import PROVIDERS, vobiz
from simulators.base import CANARY, Reply, Trouble
from simulators.vobiz import ACCOUNT, SHAPES
from tests.support.lines import URL

KEY = "vobiz"
ONE, TWO, FREE = "+918055500001", "+918055500002", "+918055500003"
NAME = "Patchbay support desk"
ATTACH = f"{ACCOUNT}/numbers/%2B{FREE[1:]}/application"


@pytest.fixture
def shared(upstream):
    """The id of the application that ONE and TWO have in common."""
    return upstream.numbers[ONE].application_id


@pytest.fixture
def alone(upstream, shared):
    """The id of the application that only ONE has."""
    upstream.numbers[TWO].application_id = ""
    return shared


@pytest.mark.parametrize("writes_plus", [True, False])
def test_a_number_calls_what_its_application_calls(account, upstream, shared, writes_plus):
    upstream.writes_plus = writes_plus
    upstream.applications[shared].app_name = " Front\tdesk\u202e "
    line = account.line(ONE)
    assert (line.webhook_url, line.method) == ("https://app.example/calls", "POST")
    assert (line.application_id, line.override_name, line.shared_with) == (shared, "Front desk", (TWO,))
    assert (line.override, line.reference) == (None, upstream.numbers[ONE].id)
    assert account.line(FREE).application_id == ""
    assert list(account.by_number().values()) == [account.line(number) for number in (ONE, TWO, FREE)]


@pytest.mark.parametrize(
    ("changes", "has_voice"),
    [({"voice_enabled": False}, False), ({"voice_enabled": None}, True), ({"is_blocked": True}, True)],
)
def test_a_number_without_voice_is_marked_and_shares(account, upstream, changes, has_voice):
    for name, value in changes.items():
        setattr(upstream.numbers[TWO], name, value)
    found = account.by_number()
    assert found[TWO].has_voice is has_voice
    assert account.line(TWO).has_voice is has_voice
    assert found[ONE].shared_with == (TWO,)


def test_a_number_may_come_as_one_of_json(account, upstream):
    upstream.answer = lambda asked: Reply(200, {"items": [{"e164": int(ONE)}, {"e164": True}], "total": 2})
    assert [line.phone_number for line in account.numbers()] == [ONE]


def test_a_list_names_the_first_few_that_share(account, upstream, shared, monkeypatch):
    monkeypatch.setattr(vobiz, "MOST_NAMED", 1)
    upstream.numbers[FREE].application_id = shared
    assert [line.shared_with for line in account.numbers()] == [(TWO,), (ONE,), (ONE,)]
    assert account.line(FREE).shared_with == (ONE, TWO)


def test_an_application_that_is_not_listed_is_known_by_its_id(account, upstream):
    upstream.numbers[ONE].application_id = 77
    line = account.line(ONE)
    assert (line.application_id, line.override_name, line.webhook_url) == ("77", "77", None)


def test_applications_are_paged_too(account, upstream):
    for place in range(5):
        upstream.numbers[FREE].application_id = upstream.make(answer_url=f"https://app.example/{place}")
    upstream.page_size_cap = 2
    assert account.line(FREE).webhook_url == "https://app.example/4"


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        ({"answer_url": URL}, None),
        ({"answer_url": URL, "answer_method": "GET"}, Reason.DIFFERENT_METHOD),
        ({"answer_url": "https://other.example"}, Reason.DIFFERENT_URL),
        ({"answer_url": ""}, Reason.NO_WEBHOOK),
        (None, Reason.NO_WEBHOOK),
    ],
)
def test_each_way_to_differ_is_seen_and_mended(account, upstream, application, reason):
    upstream.numbers[FREE].application_id = upstream.make(**application) if application else ""
    assert account.drift(FREE) == reason
    account.point(account.line(FREE))
    assert account.drift(FREE) is None


def test_a_number_that_is_gone(account, upstream):
    line = account.line(FREE)
    del upstream.numbers[FREE]
    assert account.drift(FREE) is Reason.NUMBER_GONE
    before = dict(upstream.applications)
    assert account.refusal("point", line).code == Outcome.NOT_FOUND
    assert upstream.applications == before


def test_an_application_of_one_number_is_changed_and_keeps_the_rest(account, upstream, alone):
    name = upstream.applications[alone].app_name
    account.point(account.line(ONE))
    assert upstream.applications[alone].answer_url == URL
    assert upstream.applications[alone].app_name == name
    assert upstream.writes == [("POST", f"{ACCOUNT}/Application/{alone}/")]
    assert len(upstream.applications) == 1


def test_a_shared_application_is_left_to_the_others(account, upstream, shared):
    before = repr(upstream.applications[shared])
    account.point(account.line(ONE))
    assert account.drift(ONE) is None
    assert repr(upstream.applications[shared]) == before
    assert upstream.numbers[TWO].application_id == shared
    made = upstream.applications[upstream.numbers[ONE].application_id]
    assert (made.app_name, made.answer_url, made.answer_method) == (NAME, URL, "POST")


def test_an_application_that_calls_the_url_already_is_used(account, upstream):
    upstream.make(answer_url=URL, answer_method="GET")
    ready = upstream.make(answer_url=URL)
    for number in (ONE, FREE):
        account.point(account.line(number))
        assert upstream.numbers[number].application_id == ready
    assert len(upstream.applications) == 3


def test_a_name_is_short_and_of_the_urls_last_part(account, upstream):
    account.point(account.line(FREE), "https://voice.example.com/x/" + "a" * 100)
    name = upstream.applications[upstream.numbers[FREE].application_id].app_name
    assert name == "Patchbay " + "a" * 51


def test_a_trunk_is_taken_away(account, upstream):
    upstream.numbers[FREE].trunk_group_id = "sample-trunk"
    line = account.line(FREE)
    assert (line.override, line.override_name) == (Override.TRUNK, "sample-trunk")
    assert account.drift(FREE) is Reason.TRUNK_IN_THE_WAY
    account.point(line)
    assert account.drift(FREE) is None
    assert upstream.numbers[FREE].trunk_group_id == ""


def test_a_trunk_that_is_gone_already_is_no_failure(account, upstream):
    upstream.numbers[FREE].trunk_group_id = "sample-trunk"
    line = account.line(FREE)
    upstream.numbers[FREE].trunk_group_id = ""
    upstream.instead = {("DELETE", "/assign"): Reply(404, SHAPES["flat"]("not_found"))}
    account.point(line)
    assert account.drift(FREE) is None


def test_a_trunk_beside_an_application_is_not_in_the_way(account, upstream, alone):
    upstream.numbers[ONE].trunk_group_id = "sample-trunk"
    account.point(account.line(ONE))
    assert account.drift(ONE) is None
    assert upstream.numbers[ONE].trunk_group_id == "sample-trunk"


@pytest.mark.parametrize("trouble", [Trouble.FAULT, Trouble.RATE_LIMITED, Trouble.HTML, Trouble.ODD])
def test_where_attaching_fails_nothing_is_left(account, upstream, trouble):
    line, before = account.line(FREE), dict(upstream.applications)
    upstream.trouble, upstream.trouble_at = trouble, "/application"
    result = account.refusal("point", line)
    assert result.code in (Outcome.UNEXPECTED_ANSWER, Outcome.RATE_LIMITED)
    assert NAME not in result.reason
    assert upstream.applications == before
    assert [seen for seen in upstream.writes if seen[0] == "POST"] == [
        ("POST", f"{ACCOUNT}/Application/"),
        ("POST", ATTACH),
    ]


def test_where_attaching_takes_too_long_nothing_is_left(account, upstream):
    line, before = account.line(FREE), dict(upstream.applications)
    upstream.trouble, upstream.trouble_at, account.deadline = Trouble.SLOW, "/application", 0.3
    with pytest.raises(OutboundError):
        account.point(line)
    assert upstream.applications == before


def test_what_could_not_be_taken_back_is_named(account, upstream):
    upstream.numbers[FREE].trunk_group_id = "sample-trunk"
    line, fault = account.line(FREE), Reply(500, {"message": CANARY})
    upstream.instead = {("POST", "/application"): fault, ("DELETE", "/Application/"): fault}
    result = account.refusal("point", line)
    assert f"“{NAME}”" in result.reason
    assert "trunk" in result.reason
    assert upstream.numbers[FREE].trunk_group_id == ""
    assert [seen.method for seen in upstream.requests].count("DELETE") == 2


def test_what_is_gone_already_is_not_named(account, upstream):
    line = account.line(FREE)
    upstream.instead = {
        ("POST", "/application"): Reply(500, {"message": CANARY}),
        ("DELETE", "/Application/"): Reply(404, SHAPES["flat"]("not_found")),
    }
    assert NAME not in account.refusal("point", line).reason


def test_what_a_timeout_left_is_named_too(account, upstream):
    line = account.line(FREE)
    upstream.instead = {("DELETE", "/Application/"): Reply(409, SHAPES["flat"]("conflict"))}
    upstream.trouble, upstream.trouble_at, account.deadline = Trouble.SLOW, "/application", 0.3
    result = account.refusal("point", line)
    assert result.code == Outcome.UNREACHABLE
    assert NAME in result.reason


def test_an_application_that_was_there_stays_where_attaching_fails(account, upstream):
    ready, line = upstream.make(answer_url=URL), account.line(FREE)
    upstream.trouble, upstream.trouble_at = Trouble.FAULT, "/application"
    account.refusal("point", line)
    assert ready in upstream.applications
    assert not [seen for seen in upstream.writes if seen[0] == "DELETE"]


@pytest.mark.parametrize("status", [409, 500])
def test_a_number_that_is_attached_after_all_is_pointed(account, upstream, status):
    line, usual = account.line(FREE), upstream.answer

    def answer(asked):
        reply = usual(asked)
        return Reply(status, SHAPES["nested"]("already_attached")) if asked.path == ATTACH else reply

    upstream.answer = answer
    account.point(line)
    assert account.drift(FREE) is None
    assert upstream.writes.count(("POST", ATTACH)) == 1


def test_a_conflict_is_no_success_while_another_application_has_the_number(account, upstream, shared):
    line, before = account.line(ONE), dict(upstream.applications)
    upstream.instead = {("POST", "/application"): Reply(409, SHAPES["flat"]("already_attached"))}
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert "console" in result.reason
    assert upstream.applications == before


OF_ONE = f"{ACCOUNT}/numbers/%2B{ONE[1:]}/application"


def _swaps(upstream):
    return [method for method, path in upstream.writes if path == OF_ONE]


@pytest.mark.parametrize("detached", [None, Reply(404, SHAPES["flat"]("not_found"))])
def test_a_number_that_does_not_move_is_detached_first(account, upstream, shared, detached):
    line, usual = account.line(ONE), upstream.answer
    upstream.moves = False

    def answer(asked):
        reply = usual(asked)
        return detached or reply if (asked.method, asked.path) == ("DELETE", OF_ONE) else reply

    upstream.answer = answer
    account.point(line)
    assert account.drift(ONE) is None
    assert upstream.numbers[TWO].application_id == shared
    assert _swaps(upstream) == ["POST", "DELETE", "POST"]


def test_a_number_that_is_detached_in_vain_is_put_back(account, upstream, shared):
    ready, line = upstream.make(answer_url=URL), account.line(ONE)
    upstream.moves, upstream.refuses_to_attach = False, (ready,)
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert "is on its former application, “Sample application”" in result.reason
    assert "In Vobiz's console, attach the number" in result.reason
    assert upstream.numbers[ONE].application_id == shared
    assert _swaps(upstream) == ["POST", "DELETE", "POST", "POST"]


def test_a_number_that_cannot_be_put_back_is_said(account, upstream, shared):
    ready, line = upstream.make(answer_url=URL), account.line(ONE)
    upstream.moves, upstream.refuses_to_attach = False, (ready, shared)
    reason = account.refusal("point", line).reason
    assert "could not be put back on its former application, “Sample application”" in reason
    assert "In Vobiz's console, attach the number" in reason


@pytest.mark.parametrize("shows", [True, False])
def test_a_number_that_is_not_detached_stays(account, upstream, shared, shows):
    line, before = account.line(ONE), dict(upstream.applications)
    upstream.moves = False
    upstream.instead = {("DELETE", "/application"): Reply(403, SHAPES["flat"]("forbidden") if shows else "")}
    result = account.refusal("point", line)
    assert result.code == (Outcome.NO_PERMISSION if shows else Outcome.UNEXPECTED_ANSWER)
    assert "is on its former application" in result.reason
    assert upstream.numbers[ONE].application_id == shared
    assert upstream.applications == before
    assert _swaps(upstream) == ["POST", "DELETE", "POST"]


def test_a_swap_that_breaks_off_does_not_read_as_unreachable(account, upstream, shared):
    line, usual = account.line(ONE), upstream.answer
    upstream.moves, account.deadline = False, 1.0

    def answer(asked):
        if (asked.method, asked.path) == ("DELETE", OF_ONE):
            return Reply(302, "", {"Location": "/"})
        return usual(asked)

    upstream.answer = answer
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert upstream.numbers[ONE].application_id == shared


def test_a_conflict_over_a_number_of_no_application_says_what_to_do(account, upstream):
    line = account.line(FREE)
    upstream.instead = {("POST", "/application"): Reply(409, "")}
    result = account.refusal("point", line)
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert "In Vobiz's console, attach the number" in result.reason
    assert ("DELETE", ATTACH) not in upstream.writes


def test_what_the_others_keep_is_said():
    assert "The other numbers keep this application" in PROVIDERS[KEY].shared_note


@pytest.mark.parametrize("body", [{}, {"app_id": None}, {"app_id": [7]}])
def test_an_application_without_an_id_cannot_be_used(account, upstream, body):
    line = account.line(FREE)
    upstream.instead = {("POST", "/Application/"): Reply(201, body)}
    assert account.refusal("point", line).code == Outcome.UNEXPECTED_ANSWER
    assert len(upstream.writes) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_error_is_understood(account, upstream, shape):
    line = account.line(ONE)
    upstream.shape = shape
    assert account.refusal("numbers", auth_token="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    upstream.is_forbidden = True
    assert account.refusal("numbers").code == Outcome.NO_PERMISSION
    assert account.refusal("point", line).code == Outcome.NO_PERMISSION
    upstream.is_forbidden = False
    upstream.instead = {("GET", "/numbers"): Reply(404, SHAPES[shape]("not_found"))}
    assert account.refusal("numbers").code == Outcome.UNEXPECTED_ANSWER


def test_pages_that_repeat_end(account, upstream):
    row = {"e164": ONE, "id": "sample"}
    upstream.answer = lambda asked: Reply(200, {"items": [row], "total": 9})
    assert "does not come to an end" in account.refusal("numbers").reason
    assert len(upstream.requests) == 2


def test_fewer_than_there_are_is_no_list(account, upstream):
    pages = {"1": [{"e164": ONE}]}
    upstream.answer = lambda asked: Reply(200, {"items": pages.get(asked.query["page"], []), "total": 2})
    assert "more than it lists" in account.refusal("numbers").reason
    assert account.refusal("observe", TWO).code == Outcome.UNEXPECTED_ANSWER


def test_pages_without_an_end_end(account, upstream, monkeypatch):
    monkeypatch.setattr(vobiz, "MOST_PAGES", 3)
    upstream.answer = lambda asked: Reply(200, {"items": [{"e164": ONE, "id": len(upstream.requests)}]})
    assert "does not come to an end" in account.refusal("numbers").reason
    assert len(upstream.requests) == 3


def test_an_auth_id_with_anything_in_it_stays_in_its_place(account, upstream):
    account.refusal("numbers", auth_id="a/../b?c#d%é")
    assert upstream.requests[0].path == "/api/v1/Account/a%2F..%2Fb%3Fc%23d%25%C3%A9/numbers"
