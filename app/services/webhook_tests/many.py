"""Tests the webhooks of many endpoints, one after the other, as a job."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field
from sqlalchemy import Select, func

from app.core.errors import PatchbayError, TryLater
from app.models import Endpoint, JobResult
from app.services import validation
from app.services.endpoints import bulk, crud
from app.services.endpoints.bulk import Selection
from app.services.jobs import Running
from app.services.scope import Scope
from app.services.webhook_tests import messages, runs, subjects
from app.services.webhook_tests.results import Report
from app.services.webhooks import targets
from app.services.webhooks.targets import EndpointTargets

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


WAIT_SECONDS = 1.0
"""Seconds between two checks whether the job must stop."""


class WebhookTestTargets(EndpointTargets):
    signed: bool = Field(False, description=messages.SIGNED)


def read(scope: Scope, payload: Any) -> tuple[Selection, bool]:
    """Returns the selection, and whether signed requests are sent too. Raises Invalid, NotFound."""
    chosen = validation.read(WebhookTestTargets, payload)
    return targets.selected(scope, chosen), chosen.signed


def count(scope: Scope, selection: Selection) -> int:
    query = _selected(scope, selection).with_only_columns(func.count())
    return scope.session.scalar(query) or 0


def run(scope: Scope, http: Outbound, job: Running, selection: Selection, *, signed: bool = False) -> None:
    """Tests the selected endpoints, and stores each result, or why one was not tested."""
    columns = (Endpoint.id, Endpoint.phone_number)
    ordered = _selected(scope, selection).order_by(Endpoint.provider, Endpoint.phone_number)
    ids = [row.id for row in scope.session.execute(ordered.with_only_columns(*columns))]
    _Tests(scope, http, job, signed=signed).run(ids)


def _selected(scope: Scope, selection: Selection) -> Select[Endpoint]:
    """Selects the endpoints: of a filter, only those with a webhook; of ids, all."""
    query = bulk.selected(scope, selection)
    return query.where(Endpoint.inbound_agent_name.is_not(None)) if selection.filters is not None else query


class _Tests:
    """The tests of one job.

    A runtime that cannot be reached is called once, not for each of its numbers. A test that must wait, for
    a rate limit or other calls, is made after the others.
    """

    def __init__(self, scope: Scope, http: Outbound, job: Running, *, signed: bool) -> None:
        self._scope, self._http, self._job, self._signed = scope, http, job, signed
        self._unreached: dict[str | None, Report] = {}

    def run(self, ids: Sequence[str]) -> None:
        waiting, done = deque((row_id, 0.0) for row_id in ids), 0
        while waiting:
            row_id, ready_at = waiting.popleft()
            self._job.report(messages.WAITING if ready_at else messages.TESTING, done, len(ids))
            if not self._wait(ready_at):
                self._job.has_stopped = True
                return
            try:
                self._test(row_id)
                done += 1
            except TryLater as error:
                waiting.append((row_id, time.monotonic() + error.retry_after))

    def _wait(self, ready_at: float) -> bool:
        """Waits until the time. Returns False as soon as the job must stop."""
        while not self._job.must_stop:
            seconds = ready_at - time.monotonic()
            if seconds <= 0:
                return True
            time.sleep(min(seconds, WAIT_SECONDS))
            self._job.keep_alive()
        return False

    def _test(self, row_id: str) -> None:
        """Tests one endpoint. One that was deleted meanwhile has no result. Raises TryLater."""
        row = self._scope.session.scalar(self._scope.select(Endpoint).where(Endpoint.id == row_id))
        if row is None:
            return
        subject = subjects.of_endpoint(self._scope, row)
        url = subject.url if subject else None
        try:
            report = self._unreached.get(url) or runs.run(
                self._scope, self._http, row_id, signed=self._signed
            )
        except TryLater:
            raise
        except PatchbayError as error:
            self._store(row_id, ok=False, code=error.code.lower(), reason=error.message)
            return
        if report.deciding and report.deciding.verdict.is_unreached:
            self._unreached[url] = report
        self._store(row_id, ok=report.ok is True, code=report.code, reason=report.reason)

    def _store(self, row_id: str, *, ok: bool, code: str, reason: str) -> None:
        with self._scope.transaction(lock=False):
            row = crud.get(self._scope, row_id)
            self._scope.session.merge(
                JobResult(
                    job_id=self._job.id,
                    phone_number=row.phone_number,
                    organization_id=self._scope.organization.id,
                    endpoint_id=row.id,
                    provider=row.provider,
                    ok=ok,
                    code=code,
                    reason=reason,
                )
            )
