"""What reading the last calls promises for every provider that can do it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import Any, cast

import pytest

from app.core import clock
from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Capability, Outcome, ReadsCalls, Refusal
from app.provider.calls import CallOutcome, LastCalls
from app.providers import PROVIDERS
from simulators.base import CANARY, PLAIN, Reply
from simulators.calls import CALLER
from simulators.elevenlabs import ElevenLabs
from tests.providers.test_numbers import FEW, ODD, SILENT, TROUBLES, _names, _spoiled
from tests.support.lines import check_refusal

KEYS = [key for key, provider in PROVIDERS.items() if Capability.LAST_CALLS in provider.capabilities]
pytestmark = pytest.mark.parametrize("key", KEYS, indirect=True)
DAY = timedelta(days=1)


@pytest.fixture
def key(request):
    return request.param


class Reader:
    """Reads the calls of the simulated account; what every result promises is checked."""

    def __init__(self, key, upstream):
        self.key, self.upstream = key, upstream
        if isinstance(upstream, ElevenLabs):
            for number in ("+14165550100", "+14165550101", "+14165550102"):
                upstream.convai.add(number)
            self.numbers = [one["phone_number"] for one in upstream.convai.numbers.values()]
        else:
            while len(upstream.phone_numbers) < 3:
                upstream.add(f"+1416555020{len(upstream.phone_numbers)}")
            self.numbers = upstream.phone_numbers[:3]
        self.first, self.second, self.third = self.numbers

    def read(self, *numbers, since=None, **changes) -> LastCalls:
        provider = cast(ReadsCalls, PROVIDERS[self.key])
        http = Outbound(self.upstream.upstreams, deadline=5.0)
        last_calls = provider.last_calls(http, self.upstream.values | changes, numbers or [self.first], since)
        assert CANARY not in repr(last_calls)
        assert CALLER not in repr(last_calls)
        assert last_calls.calls.keys() <= set(numbers or [self.first])
        return last_calls

    def last(self, *numbers, **more) -> Any:
        """The outcome of the last call to each number that has one."""
        last_calls = self.read(*numbers, **more)
        return {number: call.outcome for number, call in last_calls.calls.items()}

    def refusal(self, **changes):
        with pytest.raises(Refusal) as refused:
            self.read(**changes)
        check_refusal(self.key, self.upstream, refused.value.result)
        return refused.value.result

    @property
    def many(self):
        """More numbers than are read one by one."""
        return [*self.numbers, *(f"+1555000{place:04}" for place in range(20))]


@pytest.fixture
def reader(key, upstream):
    return Reader(key, upstream)


def test_last_calls_returns_the_last_incoming_one(reader):
    calls, first = reader.upstream.calls, reader.first
    assert reader.last() == {}
    calls.add(first, CallOutcome.FAILED, ago=3 * DAY)
    call = calls.add(first, ago=DAY)
    calls.add(first, CallOutcome.FAILED, is_inbound=False)
    calls.add(f"{first}9", CallOutcome.FAILED)
    calls.add(reader.second, CallOutcome.FAILED)
    vars(reader.upstream)["ignores_direction"] = True
    (last_call,) = reader.read().calls.values()
    assert (last_call.phone_number, last_call.outcome) == (first, CallOutcome.ANSWERED)
    assert abs(last_call.started_at - call.at.replace(tzinfo=None)) < timedelta(seconds=2)
    assert reader.upstream.writes == []

    reader.upstream.calls.clear()
    reader.upstream.calls.add(reader.first, CallOutcome.NO_ANSWER, ago=70 * DAY)
    last_calls = reader.read()
    assert list(last_calls.calls) == [reader.first]
    assert last_calls.since is None or last_calls.since < clock.now() - 80 * DAY


def test_last_calls_reads_many_numbers_in_few_requests_without_secrets(reader):
    calls = reader.upstream.calls
    calls.add(reader.second, CallOutcome.FAILED, ago=DAY / 2)
    for place in range(30):
        calls.add(reader.first, ago=DAY / (place + 2))
    calls.add(reader.third, ago=5 * DAY)
    reader.upstream.page_size_cap = 7
    expected = {reader.first: CallOutcome.ANSWERED, reader.second: CallOutcome.FAILED}
    reader.upstream.requests.clear()
    assert reader.last(*reader.many, since=clock.now() - 2 * DAY) == expected
    if reader.key != "elevenlabs":
        assert len(reader.upstream.requests) < len(reader.many)
    assert reader.last(*reader.many, since=clock.now() - 7 * DAY).keys() == set(reader.numbers)

    reader.upstream.requests.clear()
    reader.read()
    reader.read(*reader.many, since=clock.now() - DAY)
    assert {request.host for request in reader.upstream.requests} <= set(reader.upstream.hosts)
    assert reader.upstream.writes == []
    secrets = [reader.upstream.values.get(field.name) for field in PROVIDERS[reader.key].secrets]
    assert not [secret for secret in secrets if secret and secret in repr(reader.upstream.requests)]


def test_last_calls_knows_every_outcome(reader):
    wrong = []
    for outcome in CallOutcome:
        reader.upstream.calls.clear()
        reader.upstream.calls.add(reader.first, outcome)
        observed = reader.last().get(reader.first)
        less = {CallOutcome.FAILED} if reader.key == "elevenlabs" else {CallOutcome.UNKNOWN}
        is_unsaid = reader.key == "vobiz" and outcome in (CallOutcome.IN_PROGRESS, CallOutcome.UNKNOWN)
        if not (observed in (outcome, *less) or is_unsaid):
            wrong.append((outcome, observed))
    assert wrong == []


def test_last_calls_refusals_have_their_codes(reader):
    required = PROVIDERS[reader.key].required
    missing = reader.refusal(**{field.name: None for field in required})
    assert missing.code == Outcome.NOT_CONFIGURED
    wrong = {field.name: "sample-and-wrong" for field in required if field.secret}
    assert reader.refusal(**wrong).code == Outcome.BAD_CREDENTIALS
    normal, codes = reader.upstream.answer, []
    reader.upstream.trouble_at = "conversations" if reader.key == "elevenlabs" else ""
    for trouble, code in TROUBLES.items():
        reader.upstream.trouble = trouble
        codes += [(trouble, refusal_code) for refusal_code in [reader.refusal().code] if refusal_code != code]
    reader.upstream.trouble = None
    for body in SILENT:
        reader.upstream.answer = lambda request, body=body: Reply(401, body, PLAIN)
        codes += [
            (body, refusal_code)
            for refusal_code in [reader.refusal().code]
            if refusal_code != Outcome.BAD_CREDENTIALS
        ]
    assert codes == []
    reader.upstream.answer = normal
    if hasattr(reader.upstream, "hides_calls"):
        reader.upstream.hides_calls = True
        assert reader.refusal().code == Outcome.NO_PERMISSION


def test_last_calls_with_any_field_spoiled_is_a_call_or_a_refusal(reader, thorough):
    """Spoils each field of each response in turn, with one odd value of each type; thorough with all."""
    upstream, normal = reader.upstream, reader.upstream.answer
    upstream.calls.add(reader.first)
    upstream.calls.add(reader.second, errors=[(11200, "https://voice.example.com/x")])
    names: set[str] = set()
    spoilt: tuple[str, Any] = ("", None)

    def answer(request):
        reply = normal(request)
        names.update(_names(reply.body))
        return Reply(reply.status, _spoiled(reply.body, *spoilt))

    upstream.answer = answer
    since, numbers = clock.now() - DAY, reader.many[:6]
    reader.read(*numbers, since=since)
    assert len(names) > 5
    for name, odd in product(sorted(names), ODD if thorough else FEW):
        spoilt = (name, odd)
        with suppress(Refusal, OutboundError):
            reader.read(*numbers, since=since)
