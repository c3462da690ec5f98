"""Work that takes a while: a page that tells how far it is, and leads on when it is done.

The work has a thread and a database session of its own, and tells into memory. So whoever reads slowly
holds up no transaction, and it comes to its end also where nobody reads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from flask import Flask, Response, current_app, get_template_attribute, render_template
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError

from app import context, disk
from app.core.errors import Busy, PatchbayError, StorageFull
from app.extensions import db
from app.services.organizations import directory
from app.services.progress import Tell
from app.services.scope import Scope

MANY = 2_000
"""From so many rows on it is told; fewer are done before a page could be read."""

EVERY = 0.1
"""Seconds between two looks at how far it is."""

MOST = 4
"""Of a process at once: each has a thread of requests for as long as its page shows it."""

HERE = Markup("<!-- steps -->")

log = structlog.get_logger(__name__)


_places = threading.BoundedSemaphore(MOST)


class Job:
    """`run` answers the address that shows what came of it. Raises Busy before it begins, never later."""

    def __init__(self, scope: Scope, run: Callable[[Scope, Tell], str]) -> None:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._run = run
        self._database = db.engine.url.database
        self._step: tuple[str, int, int] = ("", 0, 0)
        self._done = threading.Event()
        self._address = self._problem = ""
        if not _places.acquire(blocking=False):
            raise Busy("Several imports are under way. Nothing was changed. Try again in a moment.")
        place = (app, scope.actor, scope.organization.id)
        threading.Thread(target=self._work, args=place, name="work", daemon=True).start()

    def _work(self, app: Flask, actor: Any, organization_id: str) -> None:
        try:
            with app.app_context():
                scope = context.scope(actor)
                inside = scope.for_organization(directory.by_id(scope, organization_id))
                self._address = self._run(inside, self._tell)
        except PatchbayError as error:
            self._problem = error.message
        except Exception as error:
            log.exception("work.failed", request_id=actor.request_id)
            self._problem = f"Something went wrong here. The log has it under the id {actor.request_id}."
            if isinstance(error, OSError | DBAPIError) and disk.is_full(error, self._database):
                self._problem = StorageFull().message
        finally:
            _places.release()
            self._done.set()

    def _tell(self, what: str, done: int, total: int) -> None:
        self._step = (what, done, total)

    def steps(self) -> Iterator[tuple[str, int, int]]:
        """Each that differs from the one before, until the work is done."""
        shown = ("", 0, 0)
        while not self._done.wait(EVERY):
            if self._step != shown:
                yield (shown := self._step)

    @property
    def end(self) -> tuple[str, str]:
        """The address to go on to, and what went wrong; one of them is empty."""
        return self._address, self._problem


def stream(work: Job, *, back: str, **context: Any) -> Response:
    """The page is made first, with the request's own session; then what is new is sent as it comes.

    `back` leads on from a problem.
    """
    page = render_template("shell/job.html", here=HERE, **context)
    step, end = (get_template_attribute("shell/progress.html", name) for name in ("step", "end"))
    response = Response(_pieces(page, work, step, lambda: end(*work.end, back)), mimetype="text/html")
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _pieces(page: str, work: Job, step: Callable[..., str], end: Callable[[], str]) -> Iterator[str]:
    head, tail = page.split(HERE)
    yield head
    before = ""
    for what, done, total in work.steps():
        yield step(what, done, total, is_new=what != before)
        before = what
    yield end()
    yield tail
