"""Proven numbers: the provider, the webhook test and the last call agree that calls get through.

One rule, in Python for a row and in SQL for a query.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from app.core import clock
from app.models import DriftCheck, Endpoint, LastCall, Verdict, WebhookTest
from app.provider.calls import CONNECTED
from app.services import sql
from app.services.scope import Scope

TESTS_KEPT = timedelta(days=90)
"""How long the result of a webhook test is retained, and proves something."""


@dataclass(frozen=True)
class Evidence:
    """The stored results about one number."""

    test: WebhookTest | None
    check: DriftCheck | None
    call: LastCall | None

    @property
    def is_proven(self) -> bool:
        """Whether the provider has the URL that was tested, and the last call since then got through."""
        test, check, call = self.test, self.check, self.call
        if test is None or check is None or call is None:
            return False
        is_tested = test.is_proof and test.tested_at is not None and test.tested_at >= _earliest()
        is_in_sync = check.verdict == Verdict.HEALTHY and check.expected == test.url
        return is_tested and is_in_sync and _is_through(call, check.in_sync_since)


def _is_through(call: LastCall, since: datetime | None) -> bool:
    """Whether the call came after that time, and nothing about it failed."""
    if call.error_code is not None or call.unread is not None or call.problem is not None:
        return False
    is_late = since is not None and call.started_at is not None and call.started_at >= since
    return is_late and call.outcome in CONNECTED


def of_endpoint(scope: Scope, row: Endpoint) -> bool:
    """Whether an endpoint's number is proven."""
    query = (
        select(WebhookTest, DriftCheck, LastCall)
        .select_from(Endpoint)
        .outerjoin(WebhookTest, WebhookTest.endpoint_id == Endpoint.id)
        .outerjoin(DriftCheck, _of_number(DriftCheck))
        .outerjoin(LastCall, _of_number(LastCall))
        .where(Endpoint.id == row.id)
    )
    evidence = scope.session.execute(query).one_or_none()
    return evidence is not None and Evidence(*evidence).is_proven


def counts(scope: Scope, organization_id: str | None = None) -> dict[str, int]:
    """Returns how many numbers are proven, by organization id, without zeros."""
    query = ids().with_only_columns(WebhookTest.organization_id, func.count())
    if organization_id is not None:
        query = query.where(WebhookTest.organization_id == organization_id)
    return {row[0]: row[1] for row in scope.session.execute(query.group_by(WebhookTest.organization_id))}


def times(scope: Scope, endpoint_ids: Collection[str] | None = None) -> dict[str, datetime]:
    """Returns when each proven number was proven, by endpoint id; None: for all endpoints.

    That is the time of the test or the call, whichever was later.
    """
    query = scope.select(Endpoint).where(Endpoint.id.in_(ids()))
    if endpoint_ids is not None:
        query = query.where(sql.in_list(scope, Endpoint.id, endpoint_ids))
    rows = scope.session.execute(query.with_only_columns(Endpoint.id, at()))
    return {row_id: moment for row_id, moment in rows if moment}


def times_at_commit(scope: Scope, rows: Collection[Endpoint]) -> Mapping[str, datetime]:
    """Returns a mapping that is filled with `times` of the rows at the end of the transaction.

    A response then needs no query after the commit, whose failure would be reported for a saved change.
    """
    moments: dict[str, datetime] = {}
    scope.before_commit(_fill, ([row.id for row in rows], moments))
    return moments


def _fill(scope: Scope, items: list[tuple[list[str], dict[str, datetime]]]) -> None:
    for endpoint_ids, moments in items:
        moments.update(times(scope, endpoint_ids))


def ids() -> Select[str]:
    """Selects the ids of endpoints with a proven number, from the tests, which few have."""
    return (
        select(WebhookTest.endpoint_id)
        .join(Endpoint, Endpoint.id == WebhookTest.endpoint_id)
        .join(DriftCheck, _of_number(DriftCheck))
        .join(LastCall, _of_number(LastCall))
        .where(*_conditions())
    )


def at() -> ColumnElement[datetime | None]:
    """Returns when the number of an endpoint was proven, in SQL; NULL if it is not."""
    is_later = LastCall.started_at > WebhookTest.tested_at
    return (
        select(case((is_later, LastCall.started_at), else_=WebhookTest.tested_at))
        .select_from(WebhookTest)
        .join(DriftCheck, _of_number(DriftCheck))
        .join(LastCall, _of_number(LastCall))
        .where(WebhookTest.endpoint_id == Endpoint.id, *_conditions())
        .correlate(Endpoint)
        .scalar_subquery()
    )


def _conditions() -> list[ColumnElement[bool]]:
    return [
        and_(WebhookTest.is_proof, WebhookTest.tested_at >= _earliest()),
        and_(DriftCheck.verdict == Verdict.HEALTHY, DriftCheck.expected == WebhookTest.url),
        LastCall.outcome.in_([str(outcome) for outcome in CONNECTED]),
        LastCall.started_at >= DriftCheck.in_sync_since,
        *(column.is_(None) for column in (LastCall.error_code, LastCall.unread, LastCall.problem)),
    ]


def _of_number(model: type[DriftCheck] | type[LastCall]) -> ColumnElement[bool]:
    return and_(
        model.organization_id == Endpoint.organization_id,
        model.provider == Endpoint.provider,
        model.phone_number == Endpoint.phone_number,
    )


def _earliest() -> datetime:
    return clock.now() - TESTS_KEPT
