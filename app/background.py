"""Checks that nobody waits for: one thread a process asks the providers about what is due.

What is due stands in the database, so that nothing is lost when the process ends meanwhile.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue

import structlog
from flask import Flask

from app import http
from app.extensions import db
from app.services import checking, organizations
from app.services.scope import Actor

log = structlog.get_logger(__name__)

PAUSE = 5.0
"""Seconds until an organization is tried again that another process was checking."""


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
                is_elsewhere = self._check(organization_id)
        except Exception:
            log.exception("check.failed", organization=organization_id)
            return
        if is_elsewhere:
            later = threading.Timer(PAUSE, self.soon, (organization_id,))
            later.daemon = True
            later.start()

    def _check(self, organization_id: str) -> bool:
        scope = http.scope(Actor(name="background check"))
        try:
            inside = scope.into(organizations.by_id(scope, organization_id))
            return checking.run(inside, http.outbound()).is_elsewhere
        finally:
            db.session.remove()


def init_app(app: Flask) -> None:
    """Where this is not called, what is due waits for `flask check`."""
    app.extensions["patchbay_check_soon"] = Checker(app).soon
