"""One thread of a process computes at a time, in the order in which they came."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from app.core import computing
from app.core.computing import Turns

LONG = 60.0


def test_turns_are_given_in_order_and_a_thread_that_waited_long_has_none() -> None:
    turns, order = Turns(), list[int]()

    def take(number: int) -> None:
        assert turns.acquire(LONG)
        order.append(number)
        turns.release()

    assert turns.acquire(0)
    with ThreadPoolExecutor(5) as threads:
        for number in range(5):
            threads.submit(take, number)
            while len(turns._waiting) <= number:
                time.sleep(0)
        turns.release()
    assert order == [0, 1, 2, 3, 4]
    assert turns.acquire(0)
    assert not turns.acquire(0)
    turns.release()
    assert turns.acquire(0)
    turns.release()


def test_threads_compute_one_at_a_time_except_while_they_are_paused() -> None:
    inside, most = list[None](), list[int]()
    together = threading.Barrier(4)

    def work() -> None:
        for _ in range(50):
            with computing.turn():
                inside.append(None)
                time.sleep(0)  # Another thread runs meanwhile.
                most.append(len(inside))
                inside.pop()
                with computing.paused():
                    together.wait(LONG)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: work(), range(4)))
    assert set(most) == {1}

    with computing.paused():
        pass
    with computing.turn():
        pass
