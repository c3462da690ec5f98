"""Reports of calls: accepted if they are signed, stored once, whatever is in them."""

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
from app.services.voice_ai.call_search import CallFilter
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
def signing(acme):
    """Acme, which knows its webhook's secret."""
    credentials.save(acme, PROVIDERS["elevenlabs"], {"webhook_secret": SECRET})
    return acme


def report(scope, event, *, secret=SECRET, at=None, organization_id=None):
    """As ElevenLabs would, now or at another time."""
    body, headers = signed(event, secret, clock.seconds(clock.now()) if at is None else at)
    anonymous = scope.for_organization(None)
    own = organization_id or scope.organization.id
    return calls.receive(anonymous, LABS, own, headers["ElevenLabs-Signature"], body)


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


def test_receive_stores_an_ended_call_and_a_failed_one(signing):
    assert report(signing, ended()) == messages.EVENT_SAVED
    (call,) = rows(signing)
    assert (call.conversation_id, call.kind) == ("conv-1", "post_call_transcription")
    assert (call.agent_id, call.agent_name) == ("agent-1", "Reception")
    assert (call.from_number, call.to_number) == ("+14155550123", "+15551234567")
    assert (call.duration_seconds, call.outcome) == (83, "success")
    assert call.started_at == datetime.fromtimestamp(1_790_000_000, UTC).replace(tzinfo=None)

    report(signing, not_begun("conv-2"))
    _, call = sorted(rows(signing), key=lambda row: row.conversation_id)
    assert (call.kind, call.outcome, call.duration_seconds) == ("call_initiation_failure", "busy", None)
    assert (call.from_number, call.to_number) == ("+15551234567", "+14155550123")


VARIABLES = {"dynamic_variables": {"system__caller_id": THEIRS, "system__called_number": OURS}}


def test_read_report_finds_the_numbers_and_leaves_out_odd_values(signing):
    """Every value of both events in turn, and every object, is something odd."""
    wrong = []
    for data, numbers in (
        (phone_call("+1 (415) 555-0100", "15551234567", direction="outbound"), ("15551234567", THEIRS)),
        (phone_call("anonymous", OURS), (None, OURS)),
        ({"metadata": {}, "conversation_initiation_client_data": VARIABLES}, (THEIRS, OURS)),
        ({"metadata": {"type": "twilio", "body": {"From": OURS, "To": THEIRS}}}, (OURS, THEIRS)),
        (phone_call("<script>", "12"), (None, None)),
        (phone_call("9" * 21, "٣٤٥٦"), (None, None)),
        ({"metadata": None}, (None, None)),
    ):
        reported_call = LABS.read_report(ended(**data))
        if (reported_call.from_number, reported_call.to_number) != numbers:
            wrong.append((data, reported_call))
    assert wrong == []

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
                    report(signing, event)
    assert number > 300
    assert len(rows(signing)) == number // 40
    for data in ODD:
        with pytest.raises(Invalid):
            report(signing, ended() | {"data": data})


def test_receive_not_signed_for_the_organization_is_refused_as_for_none(signing, globex, engine):
    now = clock.seconds(clock.now())
    ways: list[dict[str, Any]] = [
        {"secret": "sample-and-wrong"},
        {"at": now - 1802},
        {"at": now + 1802},
        {"secret": ""},
    ]
    for way in ways:
        with statements(engine) as sql_statements, pytest.raises(Unauthenticated) as refused:
            report(signing, ended(), **way)
        assert refused.value.code == "INVALID_SIGNATURE"
        assert not [line for line in sql_statements if not line.lstrip().startswith("SELECT")], way
    assert rows(signing) == rows(signing, WebhookReceipt) == []

    said = set()
    for organization_id in (globex.organization.id, "nowhere", signing.organization.id):
        for secret in ("", "sample-and-wrong"):
            with pytest.raises(Unauthenticated) as refused:
                report(signing, ended(), secret=secret, organization_id=organization_id)
            said.add((refused.value.message, refused.value.code))
    credentials.save(globex, PROVIDERS["elevenlabs"], {"webhook_secret": "sample-webhook-secret-of-globex"})
    with pytest.raises(Unauthenticated) as refused:
        report(signing, ended(), organization_id=globex.organization.id)
    assert {(refused.value.message, refused.value.code)} == said
    report(globex, ended(), secret="sample-webhook-secret-of-globex")
    assert (len(rows(signing)), len(rows(globex))) == (0, 1)


def test_receive_repeated_message_is_a_replay(signing, later):
    report(signing, ended(), at=clock.seconds(clock.now()))
    at = clock.seconds(clock.now()) + 1790
    report(signing, ended("conv-9"), at=at)
    for minutes in (0, 29, 59):
        later(minutes=minutes)
        with pytest.raises(Conflict) as refused:
            report(signing, ended("conv-9"), at=at)
        assert refused.value.code == "REPLAYED"
    later(minutes=61)
    with pytest.raises(Unauthenticated):
        report(signing, ended("conv-9"), at=at)


def test_receive_repeated_event_is_stored_once_and_its_receipts_deleted(signing, later):
    for minutes in (0, 1, 59):
        later(minutes=minutes)
        said = report(signing, ended())
    assert said == messages.EVENT_KNOWN
    assert len(rows(signing, WebhookReceipt)) == 3
    later(minutes=62)
    report(signing, not_begun("conv-1"))
    assert len(rows(signing, WebhookReceipt)) == 2
    assert sorted(call.kind for call in rows(signing)) == sorted(CallEvent)


@pytest.mark.both_databases
def test_receive_concurrently_stores_one_call(signing, scopes):
    signing.session.commit()
    now = clock.seconds(clock.now())
    different = [("dana", lambda scope, n=n: report(scope, ended(), at=now - n)) for n in range(10)]
    answers = scopes.in_parallel(*different)
    assert winners(answers) == answers
    assert answers.count(messages.EVENT_SAVED) == 1
    assert len(rows(signing)) == 1
    same = [("dana", lambda scope: report(scope, ended("conv-5"), at=now))] * 10
    answers = scopes.in_parallel(*same)
    assert [answer.code for answer in answers if isinstance(answer, Conflict)] == ["REPLAYED"] * 9
    assert len(rows(signing)) == 2


def test_receive_stores_calls_with_a_conversation_only(signing):
    for body in (b"", b"{", b'{"type": NaN}', b"\xff", b'{"a": 1, "a": 2}'):
        with pytest.raises(Malformed):
            report(signing, body)
    assert rows(signing, WebhookReceipt) == []

    kinds: list[Any] = ["post_call_audio", "something_new", None, 7, [], {}]
    for place, kind in enumerate(kinds):
        event = ended(str(place)) | {"type": kind}
        assert report(signing, event) == messages.EVENT_IGNORED
    assert rows(signing) == []

    deep: Any = "end"
    for _ in range(60):
        deep = [deep]
    event = ended("conv-1")
    event["data"]["transcript"] = [{"message": "a \0 and half a \ud83d", "tool": deep}]
    assert report(signing, event) == messages.EVENT_SAVED, "whatever is in the transcript"

    conversations: list[Any] = [None, "", "  ", 7, [], {}, "x" * 101, "\u202e"]
    for conversation in conversations:
        for make in (ended, not_begun):
            with pytest.raises(Invalid):
                report(signing, make(conversation))
    others: list[Any] = [[], "text", 7, None]
    for other in others:
        with pytest.raises(Invalid):
            report(signing, other)


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
    def many(self, signing, later):
        for number in range(7):
            later(minutes=number // 3)
            agent = {"agent_name": f"Agent {number % 2}", "agent_id": f"id-{number}"}
            call = {"external_number": f"+1415555010{number}", "agent_number": "+15551234567"}
            report(signing, ended(f"conv-{number}", metadata={"phone_call": call}, **agent))
        return signing

    @pytest.mark.both_databases
    def test_page_has_every_call_of_the_organization_once_and_finds_text(self, many, globex):
        listed_calls = []
        before = None
        while True:
            page = calls.page(many, before=before, limit=2)
            listed_calls += page.rows
            before = page.next
            if before is None:
                break
        assert len({call.id for call in listed_calls}) == 7
        assert [call.at for call in listed_calls] == sorted((c.at for c in listed_calls), reverse=True)

        numbers_by_text = {
            "agent 1": {1, 3, 5},
            "id-4": {4},
            "+1 415-555-0103": {3},
            "0103": {3},
            "1555123": set(range(7)),
            "%": set(),
            "CONV-5": {5},
            "unknown": set(),
        }
        expected = {
            text: {f"conv-{number}" for number in numbers} for text, numbers in numbers_by_text.items()
        }
        assert {
            text: {call.conversation_id for call in calls.page(many, CallFilter(text=text)).rows}
            for text in numbers_by_text
        } == expected

        assert calls.page(globex).rows == []
        foreign_cursor = calls.page(many, limit=1).next
        for unknown in (foreign_cursor, "nothing"):
            with pytest.raises(NotFound):
                calls.page(globex, before=unknown)

    def test_page_is_in_the_order_of_the_calls(self, signing):
        """By their start, not by when they were reported; a start in the future counts as now."""
        now = clock.seconds(clock.now())
        for name, start in (("old", now - 900), ("older", now - 9000), ("to come", now + 90_000)):
            report(signing, ended(name, metadata={"start_time_unix_secs": start}))
        report(signing, ended("untold", metadata={}))
        report(signing, ended("oldest", metadata={"start_time_unix_secs": now - 90_000}))
        pages = [calls.page(signing, limit=5).rows, calls.page(signing, limit=2).rows]
        assert [call.conversation_id for call in pages[0]] == ["untold", "to come", "old", "older", "oldest"]
        after = calls.page(signing, before=pages[1][-1].id, limit=5).rows
        assert [call.conversation_id for call in after] == ["old", "older", "oldest"]
