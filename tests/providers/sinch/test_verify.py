from __future__ import annotations

from app.core import clock
from app.provider import Outcome
from app.providers.sinch import messages

KEY = "sinch"


def test_verify_maps_every_error_code_and_names_a_wrong_clock(upstream, verify, subtests, monkeypatch):
    for status, error, code in [
        (400, 40003, Outcome.BAD_CREDENTIALS),
        (400, 40004, Outcome.BAD_CREDENTIALS),
        (400, 40001, Outcome.UNEXPECTED_ANSWER),
        (401, 40100, Outcome.BAD_CREDENTIALS),
        (401, 40102, Outcome.BAD_CREDENTIALS),
        (401, 40107, Outcome.BAD_CREDENTIALS),
        (401, 40108, Outcome.BAD_CREDENTIALS),
        (402, 40200, Outcome.NO_CREDIT),
        (403, 40300, Outcome.NO_PERMISSION),
        (404, 40400, Outcome.WRONG_ACCOUNT),
        (429, 42900, Outcome.RATE_LIMITED),
        (503, 50300, Outcome.UNEXPECTED_ANSWER),
    ]:
        with subtests.test(status=status, error=error, code=code):
            upstream.reset()
            upstream.refusal = (status, error)
            assert verify().code == code

    upstream.reset()
    for secret in ["sample-and-wrong", "!"]:
        with subtests.test(secret=secret):
            assert verify(application_secret=secret).code == Outcome.BAD_CREDENTIALS

    upstream.reset()
    for error in [40101, 40105]:
        with subtests.test(error=error):
            upstream.reset()
            upstream.refusal = (401, error)
            result = verify()
            assert result.code == Outcome.UNEXPECTED_ANSWER
            assert result.reason == messages.WRONG_TIME

    upstream.reset()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now.replace(year=now.year - 1))
    assert verify().reason == messages.WRONG_TIME
