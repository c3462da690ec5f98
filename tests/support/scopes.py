"""Scopes of the cast, and services called in parallel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app.core.outbound.client import Outbound
from app.models import Organization, User
from app.services.scope import Keys, Scope
from devtools import scopes
from simulators import SIMULATORS
from tests.support import cast as support_cast

SECONDS = 60
OFFLINE = Outbound(
    {host: "http://127.0.0.1:9" for kind in SIMULATORS.values() for host in kind.hosts}, deadline=2.0
)
"""Reaches no provider: every host is refused."""


@dataclass(frozen=True)
class Scopes:
    """Makes scopes that have a session, and so a connection, of their own."""

    engine: Engine
    keys: Keys

    @contextmanager
    def of(self, name: str) -> Iterator[Scope]:
        """The scope of `dana`, `mo` or `gus` in their organization."""
        with Session(self.engine, expire_on_commit=False) as session:
            cast = support_cast.find(session)
            user: User = getattr(cast, name)
            organization = session.get_one(Organization, user.organization_id)
            yield scopes.scope_of(session, organization, user, self.keys)

    def in_parallel(self, *tasks: tuple[str, Callable[[Scope], Any]]) -> list[Any]:
        """Runs each task in a thread and scope of its own; answers what it returned or raised."""
        barrier = threading.Barrier(len(tasks))
        answers: list[Any] = [None] * len(tasks)

        def run(index: int, name: str, task: Callable[[Scope], Any]) -> None:
            try:
                with self.of(name) as scope:
                    scope.session.rollback()
                    barrier.wait(SECONDS)
                    answers[index] = task(scope)
            except Exception as error:  # noqa: BLE001 (the answer)
                answers[index] = error

        threads = [threading.Thread(target=run, args=(index, *task)) for index, task in enumerate(tasks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        return answers


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Fills up with the SQL that runs meanwhile, except what begins a transaction."""
    executed: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            executed.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Fault(Exception):
    """The database error that a test has injected."""


@contextmanager
def failing_at(engine: Engine, number: int) -> Iterator[list[str]]:
    """Fails instead of running the statement of that number, from 1."""
    executed: list[str] = []

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        executed.append(statement)
        if len(executed) == number:
            raise Fault(statement)

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield executed
    finally:
        event.remove(engine, "before_cursor_execute", fail)


def winners(answers: Sequence[Any]) -> list[Any]:
    """What was returned, without what was raised."""
    return [answer for answer in answers if not isinstance(answer, Exception)]


def open_during_requests(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Returns a list that fills up: whether the scope has an open transaction at each provider request."""
    observed: list[bool] = []
    send = Outbound.send

    def watch(self: Outbound, *arguments: Any, **more: Any) -> Any:
        observed.append(scope.session.in_transaction())
        return send(self, *arguments, **more)

    monkeypatch.setattr(Outbound, "send", watch)
    return observed
