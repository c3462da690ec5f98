"""The last proof of each connection: whether its provider accepts the stored credentials.

Every response to a call with the stored credentials is proof, whatever its purpose. An outage is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import delete, update

from app.core import clock
from app.core.labels import LabelledEnum
from app.models import CallbackTest, Check, WebhookTest
from app.provider import Field, Outcome, Provider, Verified
from app.services.connections import messages
from app.services.scope import Scope

CREDENTIAL_ERRORS = (
    Outcome.BAD_CREDENTIALS,
    Outcome.SUSPENDED,
    Outcome.WRONG_ACCOUNT,
    Outcome.TEST_CREDENTIALS,
    Outcome.NO_PERMISSION,
    Outcome.NO_CREDIT,
)
"""The provider did not accept the credentials. Other failures of a test are about other values."""

CONCLUDED = (Outcome.SUSPENDED, Outcome.WRONG_ACCOUNT)
"""Conclusions of a test from the account's data, although the provider accepts the credentials."""

EXPLAINED = (*CONCLUDED, Outcome.TEST_CREDENTIALS)
"""Reasons for refused credentials that are more specific than a plain refusal of another call."""

FORBIDDING = (Outcome.NO_PERMISSION, Outcome.SUSPENDED)
"""Refusals of valid credentials. A test names the missing permission; another call may not."""

INCONCLUSIVE = (
    Outcome.UNREACHABLE,
    Outcome.BUSY,
    Outcome.RATE_LIMITED,
    Outcome.UNEXPECTED_ANSWER,
    Outcome.NOT_CONFIGURED,
)
"""Results without information about the credentials."""

PASSING = (Outcome.UNREACHABLE, Outcome.BUSY, Outcome.RATE_LIMITED)
"""Temporary results: the same request may succeed later."""

FRESH = timedelta(minutes=1)
"""An equal result within this time of the last one is not stored."""


class Evidence(LabelledEnum):
    """The purpose of a call with the credentials; each has its label."""

    TEST = "test", "connection test"
    NUMBERS = "numbers", "list of numbers"
    NUMBER = "number", "check of a number"
    POINT = "point", "webhook set"
    CALLBACK = "callback", "callback URL"
    CALL_WEBHOOK = "call-webhook", "call webhook"
    AGENTS = "agents", "list of agents"
    AI_NUMBER = "ai-number", "number of an agent"
    LAST_CALLS = "last-calls", "list of calls"


LABELS: Mapping[str, str] = {evidence.value: evidence.label for evidence in Evidence}


def last(scope: Scope, provider: Provider) -> Check | None:
    """Returns the last proof about the credentials as they are stored now; None if there is none."""
    return scope.session.scalar(scope.select(Check).where(Check.provider == provider.key))


def last_of_all(scope: Scope) -> dict[str, Check]:
    """Returns the last proof of each connection, by provider key, in one query."""
    return {check.provider: check for check in scope.session.scalars(scope.select(Check))}


def is_news(check: Check | None, evidence: Evidence, result: Verified | None) -> bool:
    """Whether a result changes the last proof or refreshes an old one.

    `result` is None for a successful call. After a failure, the success of a call that is not a test counts
    only if it contradicts the failure.
    """
    if check is None:
        return True
    if result is None and not check.ok:
        return _is_contradicted(check, evidence)
    if _is_less_specific(check, evidence, result):
        return False
    is_same = check.ok if result is None else check.code == result.code
    return not is_same or check.checked_at < clock.now() - FRESH


def _is_contradicted(check: Check, evidence: Evidence) -> bool:
    """Whether a successful call, which was not a test, disproves the stored failure.

    It proves only that the credentials are accepted. It does not prove another value, a permission or
    credit that this call did not need, or what a test read of the account.
    """
    if check.code in (Outcome.NO_PERMISSION, Outcome.NO_CREDIT):
        return check.evidence == evidence
    is_concluded = check.code in CONCLUDED and check.evidence == Evidence.TEST
    return check.code in CREDENTIAL_ERRORS and not is_concluded


def _is_less_specific(check: Check, evidence: Evidence, result: Verified | None) -> bool:
    """Whether a refused call, not a test, is less specific than the failure already stored."""
    if result is None or check.ok or evidence is Evidence.TEST:
        return False
    if result.code == Outcome.BAD_CREDENTIALS and check.code in EXPLAINED:
        return True
    is_named = check.evidence == Evidence.TEST and check.code == Outcome.NO_PERMISSION
    return is_named and result.code in FORBIDDING


def record(scope: Scope, provider: Provider, evidence: Evidence, result: Verified | None) -> bool:
    """Stores a conclusive result in the open transaction. Returns whether it differs from the last one.

    `result` is None for the success of a call that is not a test. It does not overwrite what the last test
    left unproven, nor a failure that it does not contradict (one may have been stored since `is_news`). A
    refusal does not overwrite a more specific failure.
    """
    scope.require_transaction()
    stored = last(scope, provider)
    if result is None and stored and not stored.ok and not _is_contradicted(stored, evidence):
        return False
    if stored and _is_less_specific(stored, evidence, result):
        return False
    check = stored or Check(organization_id=scope.organization.id, provider=provider.key)
    before = (check.ok, check.code)
    if result is None and not check.ok:  # ok is None in a new row
        result = Verified(True, Outcome.OK, messages.accepted(provider.label))
    if result is not None:
        check.ok, check.code, check.reason = result.ok, str(result.code), result.reason[:1000]
    check.evidence, check.checked_at, check.actor_name = str(evidence), clock.now(), scope.actor.name
    scope.session.add(check)
    return before != (check.ok, check.code)


def outdate(scope: Scope, provider: Provider, changed: Iterable[Field]) -> None:
    """Deletes the last proof if a credential changed, in the transaction of the change.

    If another tested value changed, a success becomes NOT_PROVEN, which names the value.
    """
    fields = [field for field in changed if field.is_tested]
    is_void = any(field.is_credential for field in fields)
    if is_void:
        _void_webhook_tests(scope, provider)
    check = last(scope, provider) if fields else None
    if check is None:
        return
    if is_void or not (check.ok or check.code in CREDENTIAL_ERRORS):
        scope.session.delete(check)
    elif check.ok:
        check.code = str(Outcome.NOT_PROVEN)
        check.reason = messages.changed_since(field.label for field in fields)


def remove(scope: Scope, provider: Provider) -> None:
    """Deletes the proof, in the transaction that deletes the credentials."""
    own = (Check.organization_id == scope.organization.id, Check.provider == provider.key)
    scope.session.execute(delete(Check).where(*own))
    _void_webhook_tests(scope, provider)


def _void_webhook_tests(scope: Scope, provider: Provider) -> None:
    """Voids webhook tests, which were signed with the former credentials. The row of a running test stays."""
    for model in (WebhookTest, CallbackTest):
        own = (model.organization_id == scope.organization.id, model.provider == provider.key)
        scope.session.execute(update(model).where(*own).values(url="", is_proof=False))
