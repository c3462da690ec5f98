from __future__ import annotations

import threading

from app.background import Worker

SECONDS = 20


def test_worker_handles_every_item_in_order_and_is_idle_then():
    handled: list[int] = []
    worker = Worker("numbers", handled.append)
    for number in range(100):
        worker.add(number)
    assert worker.idle.wait(SECONDS)
    assert handled == list(range(100))
    assert [thread.name for thread in threading.enumerate()].count("numbers") == 1


def test_worker_continues_after_an_item_that_fails():
    handled: list[int] = []

    def handle(number: int) -> None:
        handled.append(10 // number)

    worker = Worker("divisions", handle)
    for number in (0, 5):
        worker.add(number)
    assert worker.idle.wait(SECONDS)
    assert handled == [2]
