"""The state of checks, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.models import CheckRun, DriftCheck
from app.provider import Family
from app.providers import is_trunk, keys_in
from app.services import lease
from app.services.drift import queue, runs, tallies
from app.services.drift.tallies import Tally
from app.services.scope import Scope


@dataclass(frozen=True)
class Standing:
    """The state of the organization's numbers, and its active runs or their last failures.

    `voice`: the keys of the voice providers with drifted users' numbers; `trunks`: those of the SIP trunks
    with numbers that do not reach their agent. `is_moving`: a run is active or queued, so the state is
    about to change.
    """

    is_running: bool
    is_moving: bool
    done: int
    total: int
    failure: str | None
    tally: Tally
    voice: list[str]
    trunks: list[str]


def of(scope: Scope) -> Standing:
    rows = list(scope.session.scalars(scope.select(CheckRun).execution_options(populate_existing=True)))
    active = [row for row in rows if is_running(row)]
    failures = {row.provider: row.failure for row in rows if row.failure and row not in active}
    voice = tallies.drifted_providers(scope) - set(keys_in(Family.TELEPHONY))
    tally = tallies.tally(scope)
    is_queued = tally.due > 0 and (not failures or bool(queue.due_counts(scope).keys() - failures.keys()))
    return Standing(
        is_running=bool(active),
        is_moving=bool(active) or is_queued,
        done=sum(row.done for row in active),
        total=sum(row.total for row in active),
        failure=" ".join(dict.fromkeys(failures.values())) or None,
        tally=tally,
        voice=sorted(key for key in voice if not is_trunk(key)),
        trunks=sorted(filter(is_trunk, voice)),
    )


def failed_run(scope: Scope, provider: str, read_at: datetime | None) -> CheckRun | None:
    """Returns the last run at the provider if it is incomplete and ended after `read_at`, or None."""
    run = scope.session.get(CheckRun, (scope.organization.id, provider))
    if run is None or run.failure is None or run.finished_at is None:
        return None
    return run if read_at is None or read_at < run.finished_at else None


def is_running(run: CheckRun) -> bool:
    return run.finished_at is None and lease.is_held(run.leased_until, runs.LEASE)


@dataclass(frozen=True)
class Progress:
    """The progress of all active runs; `due` checks are pending."""

    organizations: int
    done: int
    total: int
    due: int


def progress(scope: Scope) -> Progress:
    """Returns the progress over every organization."""
    is_leased = lease.held_condition(CheckRun.leased_until, runs.LEASE)
    organizations = func.count(CheckRun.organization_id.distinct())
    columns = (organizations, func.sum(CheckRun.done), func.sum(CheckRun.total))
    active = select(*columns).where(CheckRun.finished_at.is_(None), is_leased)
    count, done, total = scope.session.execute(active).one()
    due = scope.session.scalar(select(func.count()).select_from(DriftCheck).where(DriftCheck.due))
    return Progress(count, done or 0, total or 0, due or 0)
