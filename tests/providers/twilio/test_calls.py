"""Errors that Twilio reports about the last call."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from app.core import clock
from app.core.outbound.client import Outbound
from app.provider import ReadsCalls
from app.providers import PROVIDERS
from simulators.calls import CALLER

KEY = "twilio"
OURS = "https://voice.example.com/telephony/twilio/inbound/support"
OLD = "https://old.example.com/x"
NUMBER = "+15551234567"
MANY = [NUMBER, "+15551234568", *(f"+1555000{place:04}" for place in range(20))]


@pytest.fixture
def read(upstream):
    def read(*numbers, since=None):
        http = Outbound(upstream.upstreams, deadline=5.0)
        return cast(ReadsCalls, PROVIDERS[KEY]).last_calls(http, upstream.values, numbers or [NUMBER], since)

    return read


def test_last_call_is_read_in_its_region_with_errors_without_a_password(upstream, read):
    private = f"https://user:word@voice.example.com/x?From={CALLER}#rc=2"
    upstream.calls.add(NUMBER, ago=timedelta(hours=2), errors=[(12100, OLD)])
    upstream.calls.add(NUMBER, errors=[(11200, OURS), (99999, private)])
    upstream.calls.add("+15551234568", errors=[(11210, OLD)])
    expected = [("11200", OURS), ("99999", "https://…@voice.example.com/x")]
    for numbers, since in (((NUMBER,), None), (MANY, clock.now() - timedelta(days=1))):
        upstream.requests.clear()
        call = read(*numbers, since=since).calls[NUMBER]
        assert [(error.code, error.url) for error in call.errors] == expected
        assert (call.unread, len(upstream.requests)) == ("", 2)

    upstream.reset()
    upstream.calls.add(NUMBER)
    upstream.hides_errors = True
    for numbers, since in (((NUMBER,), None), (MANY, clock.now() - timedelta(days=1))):
        call = read(*numbers, since=since).calls[NUMBER]
        assert (call.errors, bool(call.unread)) == ((), True)

    upstream.reset()
    upstream.calls.add(NUMBER)
    upstream.values["region"] = upstream.region = "ie1"
    assert read().calls
    assert {request.host for request in upstream.requests} == {"api.dublin.ie1.twilio.com"}

    upstream.reset()
    upstream.calls.add(NUMBER, ago=timedelta(days=2))
    for _ in range(45):
        upstream.calls.add(NUMBER, is_inbound=False)
    assert read().calls[NUMBER].started_at < clock.now() - timedelta(days=1)
    assert len(upstream.requests) == 4


def test_every_known_code_has_a_sentence():
    sentences = PROVIDERS[KEY].call_errors
    codes = "10003 11200 11203 11205 11206 11210 11215 11217 11220 11235 11236 11237 11750 12100 12300"
    assert sorted(sentences) == codes.split()
    assert all(sentence.endswith(".") for sentence in sentences.values())
