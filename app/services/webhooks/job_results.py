"""Unconfirmed results of jobs: the next reading of their numbers decides them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from app import providers
from app.models import Job, JobResult
from app.provider import numbers as provider_numbers
from app.services import jobs
from app.services.connections import provider_writes
from app.services.drift import verdicts
from app.services.drift.verdicts import ProbeResult
from app.services.jobs import Kind, State
from app.services.scope import Scope
from app.services.webhooks import edits, messages
from app.services.webhooks.edits import Result


def unsettled(scope: Scope) -> dict[str, set[str]]:
    """Returns the numbers with unconfirmed results, by the key of their provider."""
    numbers: dict[str, set[str]] = {}
    for row, _ in _unconfirmed(scope):
        numbers.setdefault(row.provider, set()).add(row.phone_number)
    return numbers


def confirm_outcomes(scope: Scope, provider: str, read: Mapping[str, ProbeResult]) -> None:
    """Decides unconfirmed results by the numbers as read, in the open transaction.

    The result of a number that could not be read stays unconfirmed.
    """
    for row, job in _unconfirmed(scope):
        reading = read.get(row.phone_number)
        if row.provider == provider and reading and not reading.trouble:
            result = _result(scope, Kind(job.kind), row, reading)
            row.ok, row.code, row.reason = result.ok, result.code, result.reason
            row.settings = row.settings if result.ok else None


def _unconfirmed(scope: Scope) -> list[tuple[JobResult, Job]]:
    """Returns the unconfirmed results, with their jobs.

    Results of running jobs, and of changes that may still be running, are left out.
    """
    query = select(JobResult, Job).join(Job, Job.id == JobResult.job_id)
    query = query.where(JobResult.organization_id == scope.organization.id, JobResult.ok.is_(None))
    ended = [(row, job) for row, job in scope.session.execute(query) if jobs.state(job) is not State.RUNNING]
    busy = provider_writes.under_way(scope) if ended else set()
    return [(row, job) for row, job in ended if (row.provider, row.phone_number) not in busy]


def _result(scope: Scope, kind: Kind, row: JobResult, read: ProbeResult) -> Result:
    """Returns the result for the number, by the webhook that the job should have set."""
    label, number = providers.label(row.provider), read.number
    if kind is Kind.SET_WEBHOOKS:
        observation = verdicts.observation(label, read, row.url)
        return Result(bool(observation.in_sync), str(observation.reason or "in_sync"), observation.message)
    if kind is Kind.CLEAR_WEBHOOKS:
        base = scope.organization.public_base_url or ""
        url = (number and number.webhook_url) or ""
        return edits.cleared(label, number, is_left=url != "" and provider_numbers.has_same_host(url, base))
    if number and verdicts.address(number) == row.url:
        return Result(True, "restored", messages.RESTORED)
    return Result(False, "not_restored", messages.NOT_RESTORED)
