"""Changes at providers: the intention is recorded before the first write, and the outcome after the last.

If the process ends in between, the intention stays open, in the audit and as a row. What next reads the same
thing from the provider records what it found there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete

from app.core import clock
from app.models import ProviderWrite
from app.models.base import new_id
from app.provider import Provider
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.audit.numbers import Changes
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

LONGEST = timedelta(minutes=2)
"""No change takes longer: one that has no outcome then was broken off."""


class Intent:
    """One change that may be made: `http` is the client to make it with.

    Only a request that may change something records it, so a change that turns out to be none leaves nothing.
    """

    def __init__(
        self,
        scope: Scope,
        http: Outbound,
        action: Action,
        provider: Provider,
        *,
        subject: str,
        changes: Changes,
    ) -> None:
        self.http = http.calling(before_write=self._begin)
        self._scope, self._action, self._provider = scope, action, provider
        self._subject, self._changes = subject, changes
        self._id: str | None = None

    @property
    def has_begun(self) -> bool:
        """Whether something may have been changed."""
        return self._id is not None

    def _begin(self) -> None:
        """No transaction may be open. What cannot be recorded is not sent."""
        if self._id is not None:
            return
        row_id = new_id()
        with self._scope.transaction(lock=False):
            self._scope.session.add(
                ProviderWrite(
                    id=row_id,
                    organization_id=self._scope.organization.id,
                    provider=self._provider.key,
                    action=str(self._action),
                    subject=self._subject,
                )
            )
            self._note(Action.CHANGE_STARTED, self._changes)
        self._id = row_id

    def done(self) -> None:
        """The change was made. Inside the transaction that records it."""
        if self._id is not None:
            self._close()

    def failed(self, reason: str) -> None:
        """Nothing was changed, as the provider said or as was read afterwards."""
        if self._id is not None:
            with self._scope.transaction(lock=False):
                self.note_failure(reason)

    def note_failure(self, reason: str) -> None:
        """As `failed`, inside a transaction."""
        if self._id is not None:
            self._note(Action.CHANGE_FAILED, {"reason": [None, reason]})
            self._close()

    def is_unknown(self, reason: str) -> None:
        """It is not known what the provider has now: it stays open until that is read."""
        if self._id is not None:
            with self._scope.transaction(lock=False):
                self._note(Action.CHANGE_UNKNOWN, {"reason": [None, reason]})

    def _note(self, action: Action, changes: Changes) -> None:
        log.note(self._scope, action, self._subject, {"change": [None, self._action.label], **changes})

    def _close(self) -> None:
        self._scope.session.execute(delete(ProviderWrite).where(ProviderWrite.id == self._id))
        self._id = None


def unfinished(scope: Scope, actions: Collection[Action], subject: str | None = None) -> list[ProviderWrite]:
    """The changes of these kinds that have no recorded outcome, of all subjects or of one; oldest first."""
    query = scope.select(ProviderWrite).where(ProviderWrite.action.in_([str(action) for action in actions]))
    if subject is not None:
        query = query.where(ProviderWrite.subject == subject)
    return list(scope.session.scalars(query.order_by(ProviderWrite.started_at, ProviderWrite.id)))


def under_way(scope: Scope) -> set[tuple[str, str]]:
    """Returns provider and subject of each change that may still be running."""
    query = scope.select(ProviderWrite).where(ProviderWrite.started_at >= clock.now() - LONGEST)
    return {(row.provider, row.subject) for row in scope.session.scalars(query)}


def is_interrupted(write: ProviderWrite) -> bool:
    """Whether the change can no longer be running."""
    return write.started_at < clock.now() - LONGEST


def resolve(scope: Scope, provider: Provider, found: Mapping[str, str | None]) -> None:
    """Records what the provider has now, by subject, for changes that were broken off."""
    scope.require_transaction()
    query = scope.select(ProviderWrite).where(
        ProviderWrite.provider == provider.key, ProviderWrite.started_at < clock.now() - LONGEST
    )
    for row in scope.session.scalars(query):
        if row.subject in found:
            action = Action.of(row.action)
            changes = {
                "change": [None, action.label if action else row.action],
                "found": [None, found[row.subject] or ""],
            }
            log.note(scope, Action.CHANGE_RESOLVED, row.subject, changes)
            scope.session.delete(row)


def resolve_now(scope: Scope, provider: Provider, found: Mapping[str, str | None]) -> None:
    """As `resolve`, in a transaction of its own if there is anything to record. None may be open."""
    query = scope.select(ProviderWrite).where(ProviderWrite.provider == provider.key).limit(1)
    is_any = scope.session.scalar(query) is not None
    scope.end_read()
    if is_any:
        with scope.transaction(lock=False):
            resolve(scope, provider, found)
