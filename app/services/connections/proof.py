"""The last proof of each connection: that its provider accepts the stored credentials, or that it does not.

Every response to a call with the stored credentials is proof, whatever it was for. An outage is none.
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
"""The provider did not accept the credentials; other failures of a test are about other values."""

CONCLUDED = (Outcome.SUSPENDED, Outcome.WRONG_ACCOUNT)
"""What a test concludes from the account that it reads, although the provider accepts the credentials."""

EXPLAINED = (*CONCLUDED, Outcome.TEST_CREDENTIALS)
"""Why credentials may be refused: a plain refusal by another call says less."""

FORBIDDING = (Outcome.NO_PERMISSION, Outcome.SUSPENDED)
"""Refusals of credentials that are right: a test names the missing permission, another call may not."""

INCONCLUSIVE = (
    Outcome.UNREACHABLE,
    Outcome.BUSY,
    Outcome.RATE_LIMITED,
    Outcome.UNEXPECTED_ANSWER,
    Outcome.NOT_CONFIGURED,
)
"""Results that say nothing about the credentials."""

PASSING = (Outcome.UNREACHABLE, Outcome.BUSY, Outcome.RATE_LIMITED)
"""Results that say only that the request has to be sent again."""

FRESH = timedelta(minutes=1)
"""The same result again within this time is not stored."""


class Evidence(LabelledEnum):
    """What the credentials were used for; each has its label."""

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
    """Returns the last proof about the credentials as they are stored now."""
    return scope.session.scalar(scope.select(Check).where(Check.provider == provider.key))


def last_of_all(scope: Scope) -> dict[str, Check]:
    """As `last`, by provider key, in one query."""
    return {check.provider: check for check in scope.session.scalars(scope.select(Check))}


def is_news(check: Check | None, evidence: Evidence, result: Verified | None) -> bool:
    """Whether a response says something that the last proof does not. `result` is None for success.

    Success beside a test is news to a failure only if it contradicts it.
    """
    if check is None:
        return True
    if result is None and not check.ok:
        return _is_contradicted(check, evidence)
    if _says_less(check, evidence, result):
        return False
    is_same = check.ok if result is None else check.code == result.code
    return not is_same or check.checked_at < clock.now() - FRESH


def _is_contradicted(check: Check, evidence: Evidence) -> bool:
    """Whether success, of a call that was no test, disproves the failure.

    It proves that the credentials are accepted: nothing about another value, about a permission that this
    call did not need, which may also cost nothing, or about what a test read of the account.
    """
    if check.code in (Outcome.NO_PERMISSION, Outcome.NO_CREDIT):
        return check.evidence == evidence
    is_concluded = check.code in CONCLUDED and check.evidence == Evidence.TEST
    return check.code in CREDENTIAL_ERRORS and not is_concluded


def _says_less(check: Check, evidence: Evidence, result: Verified | None) -> bool:
    """Whether a refusal beside a test follows from what is known of the same credentials."""
    if result is None or check.ok or evidence is Evidence.TEST:
        return False
    if result.code == Outcome.BAD_CREDENTIALS and check.code in EXPLAINED:
        return True
    is_named = check.evidence == Evidence.TEST and check.code == Outcome.NO_PERMISSION
    return is_named and result.code in FORBIDDING


def record(scope: Scope, provider: Provider, evidence: Evidence, result: Verified | None) -> bool:
    """Stores a conclusive result in the open transaction; returns whether it is another one than before.

    `result` is None for success beside a test: it leaves what the last test could not prove as it is, and a
    failure that it does not contradict, which may have been stored since `is_news`; so does a refusal that
    says less than that failure.
    """
    scope.require_transaction()
    found = last(scope, provider)
    if result is None and found and not found.ok and not _is_contradicted(found, evidence):
        return False
    if found and _says_less(found, evidence, result):
        return False
    check = found or Check(organization_id=scope.organization.id, provider=provider.key)
    before = (check.ok, check.code)
    if result is None and not check.ok:  # None in a new row
        result = Verified(True, Outcome.OK, messages.accepted(provider.label))
    if result is not None:
        check.ok, check.code, check.reason = result.ok, str(result.code), result.reason[:1000]
    check.evidence, check.checked_at, check.actor_name = str(evidence), clock.now(), scope.actor.name
    scope.session.add(check)
    return before != (check.ok, check.code)


def outdate(scope: Scope, provider: Provider, changed: Iterable[Field]) -> None:
    """Voids the last proof if a credential changed; another tested value is no longer proven.

    In the transaction of the change.
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
    """They were signed with other credentials. A test that is running keeps its row."""
    for model in (WebhookTest, CallbackTest):
        own = (model.organization_id == scope.organization.id, model.provider == provider.key)
        scope.session.execute(update(model).where(*own).values(url="", is_proof=False))
