"""Background threads: drift checks, and when API tokens were last used.

Pending checks are rows, so a restart loses none of them. A token's last use may be lost: it is shown to
users and decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog
from cachetools import TTLCache
from flask import Flask
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app import context
from app.core import clock
from app.extensions import db
from app.outage import reason
from app.services.access import tokens
from app.services.drift import runs
from app.services.organizations import directory
from app.services.scope import Actor

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0
"""Until an organization is tried again: another process checks it, or the database is away."""

Item = TypeVar("Item")


class Worker(Generic[Item]):
    """One thread that handles items in the order in which they are added; the first item starts it."""

    def __init__(self, name: str, handle: Callable[[Item], None]) -> None:
        self._name = name
        self._handle = handle
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._lock = threading.Lock()
        self._unhandled = 0
        self._thread: threading.Thread | None = None
        self.idle = threading.Event()
        """Set while every item has been handled."""

    def add(self, item: Item) -> None:
        with self._lock:
            self._unhandled += 1
            self.idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._queue.put(item)

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            try:
                self._handle(item)
            except Exception:
                log.exception("background.failed", worker=self._name)
            with self._lock:
                self._unhandled -= 1
                if not self._unhandled:
                    self.idle.set()


class Checker:
    """Checks the pending numbers of organizations at their providers."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._queued: set[str] = set()
        self._worker = Worker("checks", self._handle)
        self.idle = self._worker.idle

    def queue(self, organization_id: str) -> None:
        """Queues a check of the organization, unless one is queued already."""
        with self._lock:
            if organization_id in self._queued:
                return
            self._queued.add(organization_id)
            self._worker.add(organization_id)

    def resume(self) -> None:
        """Queues what was left pending when the last process ended, without waiting for the database."""
        threading.Thread(target=self._resume, name="resume checks", daemon=True).start()

    def _resume(self) -> None:
        try:
            with self._app.app_context():
                pending = runs.pending_organization_ids(context.scope(Actor(name="background check")))
                db.session.remove()
        except Exception:
            log.warning("check.not_resumed", exc_info=True)
            return
        for organization_id in pending:
            self.queue(organization_id)

    def _handle(self, organization_id: str) -> None:
        with self._lock:
            self._queued.discard(organization_id)
        try:
            with self._app.app_context():
                is_left = self._check(organization_id)
        except (OperationalError, InterfaceError) as error:
            log.warning("check.postponed", organization=organization_id, reason=reason(error))
            is_left = True
        except Exception:
            log.exception("check.failed", organization=organization_id)
            return
        if is_left:
            later = threading.Timer(RETRY_SECONDS, self.queue, (organization_id,))
            later.daemon = True
            later.start()

    def _check(self, organization_id: str) -> bool:
        """Returns whether another process is checking the organization."""
        scope = context.scope(Actor(name="background check"))
        try:
            inside = scope.for_organization(directory.by_id(scope, organization_id))
            report = runs.run(inside, context.outbound())
            return report.already_running or runs.has_running_changes(inside)
        finally:
            db.session.remove()


class TokenUses:
    """Stores when tokens were last used, so that no request waits for that."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._recent: TTLCache[str, bool] = TTLCache(10_000, tokens.USED_EVERY.total_seconds())
        self._worker = Worker("token uses", self._store)
        self.idle = self._worker.idle

    def note(self, token_id: str) -> None:
        """Queues the use, unless one of the token was queued a short time ago."""
        with self._lock:
            if token_id in self._recent:
                return
            self._recent[token_id] = True
        self._worker.add((token_id, clock.now()))

    def _store(self, use: tuple[str, datetime]) -> None:
        token_id, at = use
        try:
            with self._app.app_context():
                tokens.mark_used(db.engine, token_id, at)
        except DBAPIError as error:
            log.warning("token.use_not_written", reason=reason(error))


def init_app(app: Flask, *, serves: bool = False) -> None:
    """Starts the background work. Without it, pending checks wait for `flask check`.

    `serves`: this process answers requests, so it also resumes the checks that another one left.
    """
    checker = Checker(app)
    app.extensions["patchbay_check_soon"] = checker.queue
    app.extensions["patchbay_token_used"] = TokenUses(app).note
    if serves:
        checker.resume()
