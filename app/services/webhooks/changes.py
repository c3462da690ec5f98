"""One change of a number at its provider: its intent is recorded first, then its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core import urls
from app.core.errors import Conflict
from app.provider import Outcome
from app.provider.numbers import OUT_OF_REACH, ProviderNumber, Reason
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.audit.numbers import Changes
from app.services.connections import gateway
from app.services.connections.proof import Evidence
from app.services.connections.provider_writes import Intent
from app.services.connections.store import StoredConnection
from app.services.drift import verdicts
from app.services.drift.verdicts import Observation, ProbeResult
from app.services.scope import Scope
from app.services.webhooks import messages

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

Operation = Callable[["Outbound", Mapping[str, Any]], None]


@dataclass(frozen=True)
class Step:
    """A change to make. `before` is the number as read, `url` its webhook afterwards, or None for none."""

    action: Action
    before: ProviderNumber
    url: str | None
    operation: Operation

    @property
    def number(self) -> str:
        return self.before.phone_number

    def changes(self, after: str | None) -> Changes:
        """Returns the changes for the audit log: the webhook, and an override removed with it."""
        number = self.before
        removed = {str(number.override): [number.override_name, None]} if number.override else {}
        return {"webhook": [verdicts.address(number), after]} | removed


@dataclass(frozen=True)
class Change:
    """A step that was sent. `response` has the trouble if the provider refused it or did not respond."""

    step: Step
    intent: Intent
    response: ProbeResult


def send(scope: Scope, http: Outbound, state: StoredConnection, step: Step) -> Change:
    changes = step.changes(step.url)
    intent = Intent(scope, http, step.action, state.provider, subject=step.number, changes=changes)
    response = verdicts.run_probe(
        lambda: gateway.call(scope, intent.http, state, step.operation, evidence=Evidence.POINT)
    )
    return Change(step, intent, response)


def record_outcome(scope: Scope, change: Change, is_done: bool | None, actual: str | None) -> bool:
    """Records the outcome. Returns whether the change was made, or the provider responded that it was.

    `is_done` and `actual`, the webhook, are as read afterwards; `is_done` is None if it could not be read.
    """
    trouble = change.response
    if is_done is False and not trouble.trouble and not _is_set(change.step, actual):
        change.intent.fail(messages.NOT_TAKEN)
        return True
    if is_done or not trouble.trouble:
        with scope.transaction():
            log.record(scope, change.step.action, change.step.number, change.step.changes(actual))
            change.intent.succeed()
        return True
    if is_done is None:
        change.intent.mark_unknown(trouble.sentence)
    else:
        change.intent.fail(trouble.sentence)
    return False


def _is_set(step: Step, actual: str | None) -> bool:
    """Whether the webhook that was read is the step's, whatever else differs."""
    if not actual or not step.url:
        return not actual and not step.url
    return urls.is_same(actual.partition("#")[0], step.url.partition("#")[0])


def expect_within_reach(observation: Observation) -> ProviderNumber:
    """Returns the number. Raises Conflict if it was not read, or these credentials may not change it."""
    if observation.number is None or observation.reason in OUT_OF_REACH or observation.number.owner:
        if observation.reason is Reason.BUSY:
            raise gateway.failed(Outcome.BUSY, observation.message)
        raise Conflict(observation.message, code=str(observation.reason or "").upper())
    return observation.number
