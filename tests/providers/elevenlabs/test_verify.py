from __future__ import annotations

from app.provider import Outcome
from simulators.base import CANARY, Reply
from simulators.elevenlabs import error

KEY = "elevenlabs"


def test_verify_needs_one_request_for_a_full_key(upstream, verify):
    assert verify().code == Outcome.OK
    assert [seen.path for seen in upstream.requests] == ["/v1/user"]


def test_verify_distinguishes_wrong_and_restricted_keys(upstream, verify, subtests):
    for is_newer in [False, True]:
        with subtests.test(is_newer=is_newer):
            upstream.reset()
            upstream.is_newer = is_newer
            assert verify(api_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            upstream.permissions = {"convai_read"}
            restricted = verify()
            assert restricted.code == Outcome.OK
            assert "restricted" in restricted.reason
            upstream.permissions = set()
            assert verify().code == Outcome.NO_PERMISSION


def test_verify_maps_other_refusals(upstream, verify, subtests):
    for refusal, code in [
        (error(401, "quota_exceeded"), Outcome.RATE_LIMITED),
        (error(400, "quota_exceeded"), Outcome.RATE_LIMITED),
        (error(429, "too_many_concurrent_requests"), Outcome.RATE_LIMITED),
        (error(429, "system_busy"), Outcome.RATE_LIMITED),
        (error(401, "something_new"), Outcome.UNEXPECTED_ANSWER),
        (Reply(401, {"detail": {"type": "authentication_error"}}), Outcome.BAD_CREDENTIALS),
        (Reply(422, {"detail": [{"loc": [], "msg": CANARY, "type": "x"}]}), Outcome.UNEXPECTED_ANSWER),
        (Reply(401, {"detail": CANARY}), Outcome.UNEXPECTED_ANSWER),
        (Reply(200, {"detail": {"status": "invalid_api_key"}}), Outcome.UNEXPECTED_ANSWER),
    ]:
        with subtests.test(refusal=refusal, code=code):
            upstream.reset()
            upstream.refusal = refusal
            assert verify().code == code
