"""Background threads: checks on a schedule and after changes, and when API tokens were last used.

Pending checks are rows, so that a restart loses none. The last use of a token may be lost: it is only shown.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog
from cachetools import TTLCache
from flask import Flask
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app import context
from app.config import Settings
from app.core import clock
from app.extensions import db
from app.notifier import Notifier
from app.outage import reason
from app.services.access import tokens
from app.services.connections import check_days, transitions
from app.services.drift import hooks, runs, schedule
from app.services.drift.schedule import Place
from app.services.last_calls import daily
from app.services.notifications import inbox
from app.services.organizations import directory
from app.services.scope import Actor, Scope
from app.services.webhook_tests import results as webhook_test_results
from app.workers import Work, Worker, run_in_scope

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0
"""Seconds until a retry: another process checks the place, a change is running, or the database is down."""

LOOK_SECONDS = 20.0
"""Seconds between two searches for checks that are scheduled, or that a process left unfinished."""

SWEEP_SECONDS = 24 * 60 * 60.0
"""Seconds between two sweeps of old rows by one process. A second process then finds none."""

SWEEPS = (transitions.sweep, check_days.sweep, webhook_test_results.sweep, daily.sweep, inbox.sweep)

USES_SECONDS = 2.0
"""Seconds for which uses of tokens are collected before they are stored together."""

MOST_USES = 50_000
"""Tokens of one process whose recent use is cached, so that it is not stored again."""

THREADS_PER_PROVIDER = 2
"""Two, so that an account with many numbers does not delay the others."""

Result = TypeVar("Result")


class Checker:
    """Runs pending checks. Each provider has its own queue, so that a slow one does not delay others."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._queued: set[Place] = set()
        self._postponed: set[str | Place] = set()
        self._work = Work()
        self._finder: Worker[Callable[[], None]] = Worker("checks", lambda find: find(), work=self._work)
        self._queues: dict[str, Worker[Place]] = {}
        self.idle = self._work.idle

    def queue(self, organization_id: str) -> None:
        """Queues the pending checks of the organization."""
        self._finder.add(partial(self._queue_pending, organization_id))

    def queue_place(self, place: Place) -> None:
        """Queues a check of an organization at a provider, unless it is queued already."""
        key = place[1]
        with self._lock:
            if place in self._queued:
                return
            self._queued.add(place)
            if key not in self._queues:
                self._queues[key] = Worker(
                    f"checks {key}", self._check, threads=THREADS_PER_PROVIDER, work=self._work
                )
            self._queues[key].add(place)

    def _queue_pending(self, organization_id: str, *, after_changes: bool = False) -> None:
        """Queues the pending checks. With `after_changes`, postpones them while a change is running."""
        try:
            with _scope(self._app, organization_id) as scope:
                is_early = after_changes and hooks.has_running_changes(scope)
                keys = set() if is_early else runs.pending(scope)
        except (OperationalError, InterfaceError) as error:
            self._postpone(organization_id, reason(error))
            return
        if is_early:
            self._retry_later(organization_id)
        for key in keys:
            self.queue_place((organization_id, key))

    def _check(self, place: Place) -> None:
        organization_id, key = place
        with self._lock:
            self._queued.discard(place)
        try:
            with _scope(self._app, organization_id) as scope:
                report = runs.run_at(scope, context.outbound(), key)
                is_changing = hooks.has_running_changes(scope)
        except (OperationalError, InterfaceError) as error:
            self._postpone(organization_id, reason(error))
            return
        except Exception:
            log.exception("check.failed", organization=organization_id, provider=key)
            return
        if report.already_running:
            self._retry_later(place)
        if is_changing:
            self._retry_later(organization_id)

    def _postpone(self, organization_id: str, why: str) -> None:
        log.warning("check.postponed", organization=organization_id, reason=why)
        self._retry_later(organization_id)

    def _retry_later(self, target: str | Place) -> None:
        """Retries a place, or an organization's pending checks, after a pause; once for several calls."""
        with self._lock:
            if target in self._postponed:
                return
            self._postponed.add(target)
        timer = threading.Timer(RETRY_SECONDS, self._retry, (target,))
        timer.daemon = True
        timer.start()

    def _retry(self, target: str | Place) -> None:
        with self._lock:
            self._postponed.discard(target)
        if isinstance(target, str):
            self._finder.add(partial(self._queue_pending, target, after_changes=True))
        else:
            self.queue_place(target)


@contextmanager
def _scope(app: Flask, organization_id: str) -> Iterator[Scope]:
    with app.app_context():
        scope = context.scope(Actor(name="background check"))
        try:
            yield scope.for_organization(directory.by_id(scope, organization_id))
        finally:
            db.session.remove()


class Schedule:
    """Requests scheduled checks, resumes those that a process left unfinished, and sweeps old rows."""

    def __init__(self, app: Flask, checker: Checker, every: timedelta) -> None:
        self._app = app
        self._checker = checker
        self._every = every
        self._swept_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self._stopped = threading.Event()

    def start(self) -> None:
        """Starts the thread, without waiting for the database."""
        self._thread.start()

    def stop(self) -> None:
        """Stops the thread, and returns when its last round has ended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        """Queues checks and sweeps until the stop. The first round repeats checks that failed before."""
        has_failed = True
        while not self._stopped.is_set():
            if self.run_once(has_failed=has_failed):
                has_failed = False
            self.sweep()
            self._stopped.wait(LOOK_SECONDS)

    def run_once(self, *, has_failed: bool = False) -> bool:
        """Queues the waiting checks; with `has_failed` also failed ones.

        Returns False if the database is down.
        """
        places = self._do(lambda scope: self._waiting(scope, has_failed=has_failed))
        for place in places or ():
            self._checker.queue_place(place)
        return places is not None

    def sweep(self) -> None:
        """Deletes old rows, once a day."""
        now = time.monotonic()
        if self._swept_at is not None and now - self._swept_at < SWEEP_SECONDS:
            return
        if all(self._do(sweep) is not None for sweep in SWEEPS):
            self._swept_at = now

    def _waiting(self, scope: Scope, *, has_failed: bool) -> list[Place]:
        if self._every:
            schedule.request_due(scope, self._every)
        return schedule.waiting(scope, has_failed=has_failed)

    def _do(self, work: Callable[[Scope], Result]) -> Result | None:
        """Returns what `work` returns; None if it failed, which is logged."""
        return run_in_scope(self._app, "schedule", work)


class TokenUses:
    """Stores the times of tokens' last uses in the background, many in one statement."""

    def __init__(self, app: Flask, *, seconds: float = USES_SECONDS) -> None:
        self._app = app
        self._seconds = seconds
        self._lock = threading.Lock()
        self._recent: TTLCache[str, bool] = TTLCache(MOST_USES, tokens.USED_EVERY.total_seconds())
        self._collected: set[str] = set()
        self._worker: Worker[float] = Worker("token uses", self._store)
        self.idle = self._worker.idle

    def note(self, token_id: str) -> None:
        """Collects a use, unless the token was used a short time ago."""
        with self._lock:
            if token_id in self._recent:
                return
            self._recent[token_id] = True
            self._collected.add(token_id)
            is_first = len(self._collected) == 1
        if is_first:
            self._worker.add(self._seconds)

    def _store(self, seconds: float) -> None:
        time.sleep(seconds)
        with self._lock:
            used, self._collected = self._collected, set()
        try:
            with self._app.app_context():
                tokens.mark_used(db.engine, used, clock.now())
        except DBAPIError as error:
            log.warning("token.use_not_written", reason=reason(error))


def init_app(app: Flask, *, serves: bool = False) -> None:
    """Starts the background work. Without it, pending checks wait for `flask check`.

    `serves`: this process serves requests, so it also starts and resumes checks.
    """
    checker = Checker(app)
    app.extensions["patchbay_check_soon"] = checker.queue
    app.extensions["patchbay_token_used"] = TokenUses(app).note
    if serves:
        settings: Settings = app.extensions["patchbay_settings"]
        Schedule(app, checker, settings.check_every).start()
        Notifier(app, settings.check_every).start()
