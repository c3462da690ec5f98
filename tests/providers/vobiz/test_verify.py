from __future__ import annotations

import pytest

from app.provider import Outcome
from simulators.vobiz import SHAPES

KEY = "vobiz"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_error_is_understood(upstream, verify, shape):
    upstream.shape = shape
    assert verify(auth_token="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert verify(auth_id="MA_WRONG").code == Outcome.BAD_CREDENTIALS
    upstream.is_forbidden = True
    assert verify().code == Outcome.NO_PERMISSION


def test_another_accounts_id(upstream, verify):
    upstream.account = {"auth_id": "MA_SAMPLE02"}
    assert verify().code == Outcome.WRONG_ACCOUNT


@pytest.mark.parametrize("flag", ["enabled", "is_active"])
def test_an_account_that_is_not_active(upstream, verify, flag):
    upstream.account = {flag: False}
    assert verify().code == Outcome.SUSPENDED
    upstream.account = {flag: None}
    assert verify().code == Outcome.OK


def test_an_account_without_an_id_proves_nothing(upstream, verify):
    upstream.account = {"auth_id": None}
    assert verify().code == Outcome.UNEXPECTED_ANSWER
