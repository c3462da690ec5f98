"""Changes at providers: recorded as intents before the first write, with their outcome after the last.

If the process ends in between, the intent stays open, as a row and in the audit log. The next reading of
the same subject at the provider records what it found there, and closes the intent.
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
"""The longest time that a change can take. One that is older and has no outcome was interrupted."""


class Intent:
    """A possible change at a provider. Make it with the client `http`.

    The intent is recorded before the first request that may change something. A change that turns out to be
    unnecessary records nothing.
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
        """Whether a request that may have changed something was sent."""
        return self._id is not None

    def _begin(self) -> None:
        """Records the intent before the first write; if that fails, the write is not sent.

        No transaction may be open.
        """
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
            self._audit(Action.CHANGE_STARTED, self._changes)
        self._id = row_id

    def succeed(self) -> None:
        """Closes the intent. Call it in the transaction that records the successful change."""
        if self._id is not None:
            self._close()

    def fail(self, reason: str) -> None:
        """Records that nothing was changed, as the provider stated or as was read afterwards."""
        if self._id is not None:
            with self._scope.transaction(lock=False):
                self.note_failure(reason)

    def note_failure(self, reason: str) -> None:
        """Records that nothing was changed, in the open transaction."""
        if self._id is not None:
            self._audit(Action.CHANGE_FAILED, {"reason": [None, reason]})
            self._close()

    def mark_unknown(self, reason: str) -> None:
        """Records that the outcome is unknown. The intent stays open until the provider is read again."""
        if self._id is not None:
            with self._scope.transaction(lock=False):
                self._audit(Action.CHANGE_UNKNOWN, {"reason": [None, reason]})

    def _audit(self, action: Action, changes: Changes) -> None:
        log.note(self._scope, action, self._subject, {"change": [None, self._action.label], **changes})

    def _close(self) -> None:
        self._scope.session.execute(delete(ProviderWrite).where(ProviderWrite.id == self._id))
        self._id = None


def unfinished(scope: Scope, actions: Collection[Action], subject: str | None = None) -> list[ProviderWrite]:
    """Returns changes of these kinds without an outcome, oldest first, of one subject or all."""
    query = scope.select(ProviderWrite).where(ProviderWrite.action.in_([str(action) for action in actions]))
    if subject is not None:
        query = query.where(ProviderWrite.subject == subject)
    return list(scope.session.scalars(query.order_by(ProviderWrite.started_at, ProviderWrite.id)))


def under_way(scope: Scope) -> set[tuple[str, str]]:
    """Returns provider and subject of each change that may still be running."""
    query = scope.select(ProviderWrite).where(ProviderWrite.started_at >= clock.now() - LONGEST)
    return {(row.provider, row.subject) for row in scope.session.scalars(query)}


def is_interrupted(write: ProviderWrite) -> bool:
    """Whether the change is too old to be running still."""
    return write.started_at < clock.now() - LONGEST


def resolve(scope: Scope, provider: Provider, observed: Mapping[str, str | None]) -> None:
    """Closes interrupted changes, and audits the value now at the provider: `observed`, by subject."""
    scope.require_transaction()
    query = scope.select(ProviderWrite).where(
        ProviderWrite.provider == provider.key, ProviderWrite.started_at < clock.now() - LONGEST
    )
    for row in scope.session.scalars(query):
        if row.subject in observed:
            action = Action.of(row.action)
            changes = {
                "change": [None, action.label if action else row.action],
                "found": [None, observed[row.subject] or ""],
            }
            log.note(scope, Action.CHANGE_RESOLVED, row.subject, changes)
            scope.session.delete(row)


def resolve_now(scope: Scope, provider: Provider, observed: Mapping[str, str | None]) -> None:
    """Closes interrupted changes as `resolve` does, in a transaction of its own. None may be open."""
    query = scope.select(ProviderWrite).where(ProviderWrite.provider == provider.key).limit(1)
    is_any = scope.session.scalar(query) is not None
    scope.end_read()
    if is_any:
        with scope.transaction(lock=False):
            resolve(scope, provider, observed)
