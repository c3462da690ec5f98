"""Threads that handle queued items, and work that runs in its own scope."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog
from flask import Flask
from sqlalchemy.exc import InterfaceError, OperationalError

from app import context
from app.extensions import db
from app.outage import reason
from app.services.scope import Actor, Scope

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


class Work:
    """Counts the unhandled items of several workers: `idle` is set while there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unhandled = 0
        self.idle = threading.Event()

    def begin(self) -> None:
        with self._lock:
            self._unhandled += 1
            self.idle.clear()

    def end(self) -> None:
        with self._lock:
            self._unhandled -= 1
            if not self._unhandled:
                self.idle.set()


class Worker(Generic[Item]):
    """Handles items in the order in which they are added, in up to `threads` threads, started on demand."""

    def __init__(
        self, name: str, handle: Callable[[Item], None], *, threads: int = 1, work: Work | None = None
    ) -> None:
        self._name = name
        self._handle = handle
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._lock = threading.Lock()
        self._startable = threads
        self._work = work or Work()
        self.idle = self._work.idle
        """Set while every item has been handled."""

    def add(self, item: Item) -> None:
        self._work.begin()
        with self._lock:
            if self._startable:
                self._startable -= 1
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
        self._queue.put(item)

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            try:
                self._handle(item)
            except Exception:
                log.exception("background.failed", worker=self._name)
            self._work.end()


def run_in_scope(app: Flask, name: str, work: Callable[[Scope], Result]) -> Result | None:
    """Returns the result of `work`; None if it failed, which is logged. `name` is the actor's."""
    try:
        with app.app_context():
            try:
                return work(context.scope(Actor(name=name)))
            finally:
                db.session.remove()
    except (OperationalError, InterfaceError) as error:
        log.warning(f"{name}.postponed", reason=reason(error))
    except Exception:
        log.exception(f"{name}.failed")
    return None
