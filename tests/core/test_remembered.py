from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.core import remembered
from app.core.remembered import Remembered


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(remembered, "time", clock)
    return clock


def test_a_text_is_kept_for_so_long_and_no_longer(clock):
    known = Remembered(seconds=60)
    known.keep("key", "text")
    clock.now += 59
    assert known.get("key") == "text"
    clock.now += 1
    assert known.get("key") is None


@pytest.mark.parametrize(("seconds", "life"), [(10, 10), (600, 60), (0, 0), (-5, 0)])
def test_one_may_be_kept_for_less_and_not_for_more(clock, seconds, life):
    known = Remembered(seconds=60)
    known.keep("key", "text", seconds)
    clock.now += max(life - 1, 0)
    assert known.get("key") == ("text" if life else None)
    clock.now += 1
    assert known.get("key") is None


def test_what_is_forgotten_is_gone(clock):
    known = Remembered(seconds=60)
    known.keep("one", "text")
    known.keep("two", "text")
    known.forget("one")
    known.forget("never kept")
    assert (known.get("one"), known.get("two")) == (None, "text")
    known.clear()
    assert known.get("two") is None


def test_there_are_never_too_many(clock):
    known = Remembered(seconds=60, most=3)
    for number in range(4):
        known.keep(number, "text")
    assert [known.get(number) for number in range(4)] == [None, None, None, "text"]
