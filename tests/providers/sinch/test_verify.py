from __future__ import annotations

import pytest

from app.core import clock
from app.provider import Outcome

KEY = "sinch"


def test_a_wrong_key(verify):
    assert verify(application_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS


@pytest.mark.parametrize("secret", ["sample-and-wrong", "!"])
def test_a_wrong_secret_even_one_that_is_no_base64(verify, secret):
    assert verify(application_secret=secret).code == Outcome.BAD_CREDENTIALS


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, 40003, Outcome.BAD_CREDENTIALS),
        (400, 40004, Outcome.BAD_CREDENTIALS),
        (400, 40001, Outcome.UNEXPECTED_ANSWER),
        (401, 40100, Outcome.BAD_CREDENTIALS),
        (401, 40102, Outcome.BAD_CREDENTIALS),
        (401, 40107, Outcome.BAD_CREDENTIALS),
        (401, 40108, Outcome.BAD_CREDENTIALS),
        (402, 40200, Outcome.UNEXPECTED_ANSWER),
        (403, 40300, Outcome.NO_PERMISSION),
        (404, 40400, Outcome.NOT_FOUND),
        (429, 42900, Outcome.RATE_LIMITED),
        (503, 50300, Outcome.UNEXPECTED_ANSWER),
    ],
)
def test_its_errors(upstream, verify, status, error, code):
    upstream.refusal = (status, error)
    assert verify().code == code


@pytest.mark.parametrize("error", [40101, 40105])
def test_a_request_that_is_late_is_the_clocks_fault(upstream, verify, error):
    upstream.refusal = (401, error)
    result = verify()
    assert result.code == Outcome.UNEXPECTED_ANSWER
    assert "clock" in result.reason


def test_the_time_is_signed(upstream, verify, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now.replace(year=now.year - 1))
    assert "clock" in verify().reason
