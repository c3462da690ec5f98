"""What ElevenLabs tells of calls: believed when it is signed, kept once, whatever is in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.errors import Conflict, Invalid, Malformed, NotFound, Unauthenticated
from app.models import Call, WebhookReceipt
from app.provider.voice_ai import CallEvent
from app.providers import PROVIDERS
from app.services.providers import credentials
from app.services.voice_ai import calls, messages
from simulators.elevenlabs.workspace import ended, not_begun, signed
from tests.support.scopes import statements, winners

LABS: Any = PROVIDERS["elevenlabs"]
SECRET = "sample-webhook-secret-of-acme"
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    7,
    1.5,
    -0.0,
    10**40,
    1e308,
    "",
    " ",
    "x" * 5000,
    "\x07\n\u202e",
    "é",
]
ODD += [[], {}, [{}], {"a": []}]
THEIRS, OURS = "+14155550100", "+15551234567"


def phone_call(external, agent, **more):
    return {"metadata": {"phone_call": {"external_number": external, "agent_number": agent, **more}}}


@pytest.fixture
def told(acme):
    """Acme, which knows its webhook's secret."""
    credentials.save(acme, PROVIDERS["elevenlabs"], {"webhook_secret": SECRET})
    return acme


def tell(scope, event, *, secret=SECRET, at=None, organization_id=None):
    """As ElevenLabs would, now or at another time."""
    body, headers = signed(event, secret, clock.seconds(clock.now()) if at is None else at)
    stranger = scope.for_organization(None)
    own = organization_id or scope.organization.id
    return calls.receive(stranger, LABS, own, headers["ElevenLabs-Signature"], body)


def rows(scope, model=Call):
    scope.session.rollback()
    return list(scope.session.scalars(scope.select(model)))


@pytest.fixture
def later(monkeypatch):
    """Moves the clock on."""
    start = clock.now()

    def move(**by):
        moment = start + timedelta(**by)
        monkeypatch.setattr(clock, "now", lambda: moment)

    return move


def test_a_call_that_ended_is_kept(told):
    assert tell(told, ended()) == messages.EVENT_SAVED
    (call,) = rows(told)
    assert (call.conversation_id, call.kind) == ("conv-1", "post_call_transcription")
    assert (call.agent_id, call.agent_name) == ("agent-1", "Reception")
    assert (call.from_number, call.to_number) == ("+14155550123", "+15551234567")
    assert (call.duration_seconds, call.outcome) == (83, "success")
    assert call.started_at == datetime.fromtimestamp(1_790_000_000, UTC).replace(tzinfo=None)


def test_a_call_that_did_not_come_about_is_kept(told):
    tell(told, not_begun())
    (call,) = rows(told)
    assert (call.kind, call.outcome, call.duration_seconds) == ("call_initiation_failure", "busy", None)
    assert (call.from_number, call.to_number) == ("+15551234567", "+14155550123")


VARIABLES = {"dynamic_variables": {"system__caller_id": THEIRS, "system__called_number": OURS}}


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        (phone_call("+1 (415) 555-0100", "15551234567", direction="outbound"), ("15551234567", THEIRS)),
        (phone_call("anonymous", OURS), (None, OURS)),
        ({"metadata": {}, "conversation_initiation_client_data": VARIABLES}, (THEIRS, OURS)),
        ({"metadata": {"type": "twilio", "body": {"From": OURS, "To": THEIRS}}}, (OURS, THEIRS)),
        (phone_call("<script>", "12"), (None, None)),
        (phone_call("9" * 21, "٣٤٥٦"), (None, None)),
        ({"metadata": None}, (None, None)),
    ],
)
def test_numbers_are_found_where_they_are(told, data, numbers):
    tell(told, ended(**data))
    (call,) = rows(told)
    assert (call.from_number, call.to_number) == numbers


@pytest.mark.parametrize("lie", ["secret", "late", "early", "nothing"])
def test_what_is_not_signed_is_not_believed_and_nothing_is_written(told, engine, lie):
    now = clock.seconds(clock.now())
    ways: dict[str, dict[str, Any]] = {
        "secret": {"secret": "sample-and-wrong"},
        "late": {"at": now - 1802},
        "early": {"at": now + 1802},
        "nothing": {"secret": ""},
    }
    with statements(engine) as seen, pytest.raises(Unauthenticated) as refused:
        tell(told, ended(), **ways[lie])
    assert refused.value.code == "INVALID_SIGNATURE"
    assert not [line for line in seen if not line.lstrip().startswith("SELECT")]
    assert rows(told) == rows(told, WebhookReceipt) == []


def test_an_organization_without_a_secret_answers_as_one_that_does_not_exist(acme, globex, told):
    said = set()
    for known in (globex.organization.id, "nowhere", told.organization.id):
        for secret in ("", "sample-and-wrong"):
            with pytest.raises(Unauthenticated) as refused:
                tell(told, ended(), secret=secret, organization_id=known)
            said.add((refused.value.message, refused.value.code))
    assert len(said) == 1


def test_one_organizations_secret_is_nothing_to_another(told, globex):
    credentials.save(globex, PROVIDERS["elevenlabs"], {"webhook_secret": "sample-webhook-secret-of-globex"})
    with pytest.raises(Unauthenticated):
        tell(told, ended(), organization_id=globex.organization.id)
    tell(globex, ended(), secret="sample-webhook-secret-of-globex")
    assert (len(rows(told)), len(rows(globex))) == (0, 1)


def test_the_same_message_is_taken_once(told, later):
    tell(told, ended(), at=clock.seconds(clock.now()))
    at = clock.seconds(clock.now()) + 1790
    tell(told, ended("conv-9"), at=at)
    for minutes in (0, 29, 59):
        later(minutes=minutes)
        with pytest.raises(Conflict) as refused:
            tell(told, ended("conv-9"), at=at)
        assert refused.value.code == "REPLAYED"
    later(minutes=61)
    with pytest.raises(Unauthenticated):
        tell(told, ended("conv-9"), at=at)


def test_an_event_that_is_told_again_is_kept_once(told, later):
    for minutes in range(5):
        later(minutes=minutes)
        said = tell(told, ended())
    assert said == messages.EVENT_KNOWN
    tell(told, not_begun("conv-1"))
    assert sorted(call.kind for call in rows(told)) == sorted(CallEvent)


def test_receipts_go_once_they_are_of_no_use(told, later):
    tell(told, ended("conv-1"))
    later(minutes=59)
    tell(told, ended("conv-2"))
    assert len(rows(told, WebhookReceipt)) == 2
    later(minutes=61)
    tell(told, ended("conv-3"))
    assert len(rows(told, WebhookReceipt)) == 2
    assert len(rows(told)) == 3


def test_ten_deliveries_of_one_event_at_once_make_one_call(told, scopes):
    told.session.commit()
    now = clock.seconds(clock.now())
    different = [("dana", lambda scope, n=n: tell(scope, ended(), at=now - n)) for n in range(10)]
    answers = scopes.at_once(*different)
    assert winners(answers) == answers
    assert answers.count(messages.EVENT_SAVED) == 1
    assert len(rows(told)) == 1
    same = [("dana", lambda scope: tell(scope, ended("conv-5"), at=now))] * 10
    answers = scopes.at_once(*same)
    assert [answer.code for answer in answers if isinstance(answer, Conflict)] == ["REPLAYED"] * 9
    assert len(rows(told)) == 2


def test_another_kind_of_event_is_taken_and_not_kept(told):
    kinds: list[Any] = ["post_call_audio", "something_new", None, 7, [], {}]
    for place, kind in enumerate(kinds):
        event = ended(str(place)) | {"type": kind}
        assert tell(told, event) == messages.EVENT_IGNORED
    assert rows(told) == []


def test_what_is_signed_and_no_json_is_malformed(told):
    for body in (b"", b"{", b'{"type": NaN}', b"\xff", b'{"a": 1, "a": 2}'):
        with pytest.raises(Malformed):
            tell(told, body)
    assert rows(told, WebhookReceipt) == []


def test_what_people_said_loses_no_call(told):
    """A transcript has whatever characters were understood, and whatever depth tools answered with."""
    deep: Any = "end"
    for _ in range(60):
        deep = [deep]
    event = ended("conv-1")
    event["data"]["transcript"] = [{"message": "a \0 and half a \ud83d", "tool": deep}]
    assert tell(told, event) == messages.EVENT_SAVED


def test_a_call_without_a_conversation_is_refused(told):
    conversations: list[Any] = [None, "", "  ", 7, [], {}, "x" * 101, "\u202e"]
    for conversation in conversations:
        for event in (ended, not_begun):
            with pytest.raises(Invalid, match="conversation_id"):
                tell(told, event(conversation))
    others: list[Any] = [[], "text", 7, None]
    for other in others:
        with pytest.raises(Invalid, match="body"):
            tell(told, other)


def test_odd_values_anywhere_are_left_out_and_break_nothing(told):
    """Every value of both events in turn, and every object, is something odd."""
    number = 0
    for make in (ended, not_begun):
        for path in _paths(make()["data"]):
            if path == ("conversation_id",):
                continue
            for odd in ODD:
                number += 1
                event = make(f"conv-{number}")
                _put(event["data"], path, odd)
                call = LABS.read_report(event)
                _check(call)
                if number % 40 == 0:
                    tell(told, event)
    assert number > 300
    assert len(rows(told)) == number // 40
    for data in ODD:
        with pytest.raises(Invalid):
            tell(told, ended() | {"data": data})


def _paths(value, before=()):
    for name, inner in value.items():
        yield (*before, name)
        if isinstance(inner, dict):
            yield from _paths(inner, (*before, name))


def _put(value, path, odd):
    for name in path[:-1]:
        value = value[name]
    value[path[-1]] = odd


def _check(call):
    limits = {"agent_id": 100, "agent_name": 200, "from_number": 64, "to_number": 64, "outcome": 100}
    for name, longest in limits.items():
        value = getattr(call, name)
        assert value is None or (len(value) <= longest and (value == "" or value.isprintable())), name
    assert call.duration_seconds is None or 0 <= call.duration_seconds < 2**31
    assert call.started_at is None or call.started_at.year < 2101


class TestPages:
    """Newest first, a few at a time."""

    @pytest.fixture
    def many(self, told, later):
        for number in range(7):
            later(minutes=number // 3)
            agent = {"agent_name": f"Agent {number % 2}", "agent_id": f"id-{number}"}
            call = {"external_number": f"+1415555010{number}", "agent_number": "+15551234567"}
            tell(told, ended(f"conv-{number}", metadata={"phone_call": call}, **agent))
        return told

    def test_every_call_is_on_one_page(self, many):
        seen = []
        before = None
        while True:
            page = calls.page(many, before=before, limit=2)
            seen += page.rows
            before = page.next
            if before is None:
                break
        assert len({call.id for call in seen}) == 7
        assert [call.at for call in seen] == sorted((c.at for c in seen), reverse=True)

    def test_they_are_in_the_order_in_which_they_were(self, told):
        """Not in that in which they were told of; one that claims to be yet to come came just now."""
        now = clock.seconds(clock.now())
        for name, start in (("old", now - 900), ("older", now - 9000), ("to come", now + 90_000)):
            tell(told, ended(name, metadata={"start_time_unix_secs": start}))
        tell(told, ended("untold", metadata={}))
        tell(told, ended("oldest", metadata={"start_time_unix_secs": now - 90_000}))
        found = [calls.page(told, limit=5).rows, calls.page(told, limit=2).rows]
        assert [call.conversation_id for call in found[0]] == ["untold", "to come", "old", "older", "oldest"]
        after = calls.page(told, before=found[1][-1].id, limit=5).rows
        assert [call.conversation_id for call in after] == ["old", "older", "oldest"]

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("agent 1", {1, 3, 5}),
            ("id-4", {4}),
            ("+1 415-555-0103", {3}),
            ("0103", {3}),
            ("1555123", set(range(7))),
            ("%", set()),
            ("CONV-5", {5}),
            ("unknown", set()),
        ],
    )
    def test_text_in_agent_or_number(self, many, text, found):
        page = calls.page(many, text)
        assert {call.conversation_id for call in page.rows} == {f"conv-{number}" for number in found}

    def test_another_organizations_are_not_there(self, many, globex):
        assert calls.page(globex).rows == []
        theirs = calls.page(many, limit=1).next
        for unknown in (theirs, "nothing"):
            with pytest.raises(NotFound):
                calls.page(globex, before=unknown)
