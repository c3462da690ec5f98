from __future__ import annotations

from app.provider import Outcome
from simulators.base import Reply
from simulators.vobiz import SHAPES

KEY = "vobiz"


def test_verify_reads_every_shape_of_error_and_kind_of_account(upstream, verify, subtests):
    for shape in SHAPES:
        with subtests.test(shape=shape):
            upstream.reset()
            upstream.shape = shape
            assert verify(auth_token="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            assert verify(auth_id="MA_WRONG").code == Outcome.BAD_CREDENTIALS
            upstream.is_forbidden = True
            assert verify().code == Outcome.NO_PERMISSION

    upstream.reset()
    refusal = Reply(403, SHAPES["flat"]("forbidden"))
    for path, name in (("/numbers", "phone numbers"), ("/Application/", "applications")):
        with subtests.test(path=path):
            upstream.instead = {("GET", path): refusal}
            result = verify()
            assert (result.code, name in result.reason) == (Outcome.NO_PERMISSION, True)
    upstream.instead = {("GET", "/numbers"): Reply(503, {})}
    assert verify().code == Outcome.OK

    upstream.reset()
    upstream.account = {"auth_id": "MA_SAMPLE02"}
    assert verify().code == Outcome.WRONG_ACCOUNT

    upstream.account = {"auth_id": None}
    assert verify().code == Outcome.UNEXPECTED_ANSWER

    for flag in ["enabled", "is_active"]:
        with subtests.test(flag=flag):
            upstream.reset()
            upstream.account = {flag: False}
            assert verify().code == Outcome.SUSPENDED
            upstream.account = {flag: None}
            assert verify().code == Outcome.OK

    upstream.reset()
    assert "active" in verify().reason
    upstream.account = {"enabled": "perhaps", "is_active": None}
    assert "active" not in verify().reason
