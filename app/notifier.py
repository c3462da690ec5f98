"""Creates notifications and sends them. Every process of a server does so.

All waiting work is in the database: a process that is killed loses nothing, and several share the work.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

from flask import Flask

from app import context
from app.models import Organization
from app.services.notifications import delivery, derive, digest, timed
from app.services.scope import Scope
from app.workers import Worker, run_in_scope

LOOK_SECONDS = 3.0
"""Seconds between two rounds, which create notifications and queue messages that can be sent."""

TIMED_SECONDS = 20.0
"""Seconds between two checks for events that depend on time alone."""

THREADS = 8
"""Threads that send, each to one destination at a time: one that hangs does not delay the others."""

NAME = "notifications"


class Notifier:
    def __init__(self, app: Flask, every: timedelta) -> None:
        self._app = app
        self._every = every
        self._lock = threading.Lock()
        self._queued: set[str] = set()
        self._senders: Worker[str] = Worker(NAME, self._send, threads=THREADS)
        self._timed_at: float | None = None
        self.idle = self._senders.idle
        """Set while every queued destination has been handled."""

    def start(self) -> None:
        """Starts the thread, without waiting for the database."""
        threading.Thread(target=self._run, name=NAME, daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self.run_once()
            pause.wait(LOOK_SECONDS)

    def run_once(self, *, quiet: timedelta = derive.QUIET) -> None:
        """Creates notifications of new events, and queues the destinations with messages to send."""
        for owner in run_in_scope(self._app, NAME, derive.pending) or ():
            run_in_scope(self._app, NAME, partial(_derive, owner=owner, quiet=quiet))
        self._reconcile_timed()
        for destination_id in run_in_scope(self._app, NAME, delivery.ready) or ():
            self._queue(destination_id)

    def _reconcile_timed(self) -> None:
        now = time.monotonic()
        if self._timed_at is not None and now - self._timed_at < TIMED_SECONDS:
            return
        self._timed_at = now
        run_in_scope(self._app, NAME, lambda scope: timed.reconcile(scope, self._every))
        run_in_scope(self._app, NAME, digest.collect)

    def _queue(self, destination_id: str) -> None:
        """Queues a destination, unless it is queued or being handled."""
        with self._lock:
            if destination_id in self._queued:
                return
            self._queued.add(destination_id)
        self._senders.add(destination_id)

    def _send(self, destination_id: str) -> None:
        try:
            run_in_scope(self._app, NAME, lambda scope: _send_all(scope, destination_id))
        finally:
            with self._lock:
                self._queued.discard(destination_id)


def _derive(scope: Scope, *, owner: str | None, quiet: timedelta) -> int:
    organization = scope.session.get(Organization, owner) if owner else None
    if owner and organization is None:
        return 0
    return derive.derive(replace(scope, organization_or_none=organization), quiet=quiet)


def _send_all(scope: Scope, destination_id: str) -> None:
    """Sends messages until none is ready, or one was not accepted."""
    sender = context.sender()
    while delivery.send_next(scope, sender, destination_id):
        pass
