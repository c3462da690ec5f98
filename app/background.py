"""What nobody waits for: checks of what is due, and when tokens were last used.

What is due stands in the database, so that nothing is lost when the process ends meanwhile. When a
token was used may be lost: it is told to people who look, and decides nothing.
"""

from __future__ import annotations

import threading
from datetime import datetime
from queue import SimpleQueue

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

PAUSE = 5.0
"""Seconds until an organization is tried again: another process checks it, or the database is away."""


class Checker:
    def __init__(self, app: Flask) -> None:
        self._app = app
        self._asked: SimpleQueue[str] = SimpleQueue()
        self._waiting: set[str] = set()
        self.idle = threading.Event()
        """Set while nothing waits and nothing is being checked."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def soon(self, organization_id: str) -> None:
        """Returns at once. An organization that waits already is not put in line again."""
        with self._lock:
            if organization_id in self._waiting:
                return
            self._waiting.add(organization_id)
            self.idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="checks", daemon=True)
                self._thread.start()
        self._asked.put(organization_id)

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
            self.soon(organization_id)

    def _work(self) -> None:
        while True:
            organization_id = self._asked.get()
            with self._lock:
                self._waiting.discard(organization_id)
            self._try(organization_id)
            with self._lock:
                if not self._waiting:
                    self.idle.set()

    def _try(self, organization_id: str) -> None:
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
            later = threading.Timer(PAUSE, self.soon, (organization_id,))
            later.daemon = True
            later.start()

    def _check(self, organization_id: str) -> bool:
        scope = context.scope(Actor(name="background check"))
        try:
            inside = scope.for_organization(directory.by_id(scope, organization_id))
            return runs.run(inside, context.outbound()).already_running
        finally:
            db.session.remove()


class Uses:
    """Writes down when tokens were used, so that whoever asks with one does not wait for the disk."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._told: SimpleQueue[tuple[str, datetime]] = SimpleQueue()
        self._known: TTLCache[str, bool] = TTLCache(10_000, tokens.USED_EVERY.total_seconds())
        self.idle = threading.Event()
        """Set while nothing waits to be written."""
        self._lock = threading.Lock()
        self._waiting = 0
        self._thread: threading.Thread | None = None

    def note(self, token_id: str) -> None:
        """Returns at once; most often it has nothing to do but to look."""
        with self._lock:
            if token_id in self._known:
                return
            self._known[token_id] = True
            self._waiting += 1
            self.idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="token uses", daemon=True)
                self._thread.start()
        self._told.put((token_id, clock.now()))

    def _work(self) -> None:
        while True:
            self._write(*self._told.get())
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self.idle.set()

    def _write(self, token_id: str, at: datetime) -> None:
        try:
            with self._app.app_context():
                tokens.mark_used(db.engine, token_id, at)
        except DBAPIError as error:
            log.warning("token.use_not_written", reason=reason(error))


def init_app(app: Flask, *, serves: bool = False) -> None:
    """If this is not called, what is due waits for `flask check`, and no use of a token is noted.

    `serves`: this process answers requests, so it also resumes the checks that another one left.
    """
    checker = Checker(app)
    app.extensions["patchbay_check_soon"] = checker.soon
    app.extensions["patchbay_token_used"] = Uses(app).note
    if serves:
        checker.resume()
