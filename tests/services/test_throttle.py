from __future__ import annotations

import pytest

from app.core import clock
from app.core.errors import TooMany
from app.models import Throttle
from app.services import throttle

KEY = throttle.key("sign-in", "mo@acme.example")


def _miss(scope, times=1, key=KEY):
    for _ in range(times):
        with scope.transaction():
            throttle.miss(scope, key)


@pytest.mark.asvs("6.3.1")
def test_ten_misses_are_enough_and_others_unaffected(acme):
    _miss(acme, 9)
    throttle.refuse_if_exhausted(acme, KEY)
    _miss(acme)
    with pytest.raises(TooMany) as refused:
        throttle.refuse_if_exhausted(acme, KEY)
    assert (refused.value.status, refused.value.message) == (
        429,
        "Too many tries. Wait 15 minutes, then try again.",
    )
    assert 0 < refused.value.retry_after <= throttle.WINDOW.total_seconds()
    throttle.refuse_if_exhausted(acme, throttle.key("sign-in", "dana@acme.example"))
    throttle.refuse_if_exhausted(acme, throttle.key("totp", "mo@acme.example"))


def test_after_the_window_it_starts_again(acme):
    _miss(acme, 10)
    with acme.transaction():
        acme.session.get_one(Throttle, KEY).window_started_at = clock.now() - throttle.WINDOW
    throttle.refuse_if_exhausted(acme, KEY)
    _miss(acme)
    assert acme.session.get_one(Throttle, KEY).count == 1


def test_misses_go_on_to_count_while_it_is_refused(acme):
    _miss(acme, 12)
    assert acme.session.get_one(Throttle, KEY).count == 12


def test_a_success_clears(acme):
    _miss(acme, 9)
    with acme.transaction():
        throttle.clear(acme, KEY)
        throttle.clear(acme, throttle.key("sign-in", "nobody"))
    _miss(acme)
    throttle.refuse_if_exhausted(acme, KEY)


def test_a_key_does_not_tell_who(acme):
    assert "mo" not in KEY.split(":")[1]
    assert len(throttle.key("sign-in", "x" * 1_000_000)) <= 120


def test_misses_at_once_are_all_counted(scopes):
    """Strangers have no organization whose lock they could wait for."""
    tasks = [("dana", lambda scope: _miss(scope.into(None), 3))] * 8
    assert scopes.at_once(*tasks) == [None] * 8
    with scopes.of("dana") as scope:
        assert scope.session.get_one(Throttle, KEY).count == 24
