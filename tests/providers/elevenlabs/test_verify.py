from __future__ import annotations

import pytest

from app.provider import Outcome
from simulators.base import CANARY, Reply
from simulators.elevenlabs import error

KEY = "elevenlabs"


def test_one_call_is_enough_for_a_key_that_may_read_its_user(upstream, verify):
    assert verify().code == Outcome.OK
    assert [seen.path for seen in upstream.requests] == ["/v1/user"]


@pytest.mark.parametrize("is_newer", [False, True])
def test_a_wrong_key_and_a_restricted_one_are_told_apart(upstream, verify, is_newer):
    upstream.is_newer = is_newer
    assert verify(api_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    upstream.permissions = {"convai_read"}
    restricted = verify()
    assert restricted.code == Outcome.OK
    assert "restricted" in restricted.reason
    upstream.permissions = set()
    assert verify().code == Outcome.NO_PERMISSION


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (error(401, "quota_exceeded"), Outcome.RATE_LIMITED),
        (error(400, "quota_exceeded"), Outcome.RATE_LIMITED),
        (error(429, "too_many_concurrent_requests"), Outcome.RATE_LIMITED),
        (error(429, "system_busy"), Outcome.RATE_LIMITED),
        (error(401, "something_new"), Outcome.UNEXPECTED_ANSWER),
        (Reply(401, {"detail": {"type": "authentication_error"}}), Outcome.BAD_CREDENTIALS),
        (Reply(422, {"detail": [{"loc": [], "msg": CANARY, "type": "x"}]}), Outcome.UNEXPECTED_ANSWER),
        (Reply(401, {"detail": CANARY}), Outcome.UNEXPECTED_ANSWER),
        (Reply(200, {"detail": {"status": "invalid_api_key"}}), Outcome.UNEXPECTED_ANSWER),
    ],
)
def test_other_refusals(upstream, verify, refusal, code):
    upstream.refusal = refusal
    assert verify().code == code
