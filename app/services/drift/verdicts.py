"""Whether a number at its provider is as expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app import providers
from app.core import clock, urls
from app.models import Check, DriftCheck, Verdict
from app.provider import Outcome
from app.provider.numbers import (
    OUT_OF_REACH,
    REPAIRABLE,
    UNKNOWN,
    Fault,
    ProviderNumber,
    Reason,
    cautions,
    differences,
)
from app.providers import PROVIDERS
from app.services.connections import number_health, proof, provider_writes
from app.services.connections.gateway import ProviderCallFailed
from app.services.drift import messages
from app.services.scope import Scope

UNANSWERED = (Reason.PROVIDER_UNREACHABLE, Reason.BUSY)
"""Reasons of a check that read nothing: the earlier result stays."""

UNREAD = (Reason.CREDENTIALS_REFUSED, Reason.NO_CREDIT, Reason.PROVIDER_NOT_CONFIGURED)
"""The number was not read, for a reason that is stored with its connection."""


OF_CONNECTION = (Reason.CREDENTIALS_REFUSED, Reason.NO_CREDIT, Reason.SECONDARY_TOKEN)
"""Verdicts on a number that follow from its connection alone."""


@dataclass(frozen=True)
class ProbeResult:
    """The result of reading one number: its settings (None: not in the account), or the trouble.

    `outcome`: the code of a refusal or outage.
    """

    number: ProviderNumber | None = None
    trouble: Reason | None = None
    sentence: str = ""
    outcome: str | None = None

    @property
    def is_read(self) -> bool:
        """Whether the provider responded about the number, even if its API does not show webhooks."""
        return self.trouble not in (*UNANSWERED, *UNREAD)


@dataclass(frozen=True)
class Observation:
    """One number at its provider, compared with `expected`. `in_sync` is None if that is unknown.

    `message`: a sentence about the result. `warnings`: further differences, and cautions.
    """

    in_sync: bool | None
    reason: Reason | None
    expected: str | None
    actual: str | None
    checked_at: datetime
    message: str
    number: ProviderNumber | None = None
    warnings: tuple[Fault, ...] = ()

    @property
    def is_answered(self) -> bool:
        """Whether the provider was connected, and responded."""
        return self.reason not in (*UNANSWERED, Reason.PROVIDER_NOT_CONFIGURED)

    @property
    def is_mendable(self) -> bool:
        """Whether setting the webhook would remove a difference."""
        reasons = {self.reason, *(warning.reason for warning in self.warnings)}
        return not reasons & OUT_OF_REACH and bool(reasons & REPAIRABLE)

    def document(self) -> dict[str, Any]:
        return {
            "in_sync": self.in_sync,
            "reason": self.reason and str(self.reason),
            "detail": self.message,
            "warnings": [warning.document() for warning in self.warnings],
            "expected": self.expected,
            "actual": self.actual,
            "checked_at": clock.iso(self.checked_at),
        }


def run_probe(call: Callable[[], ProviderNumber | None]) -> ProbeResult:
    """Returns the number that the gateway call `call` returns, or the trouble if it fails."""
    try:
        return ProbeResult(call())
    except ProviderCallFailed as error:
        reason = Reason.PROVIDER_UNREACHABLE
        if error.result.code in proof.CREDENTIAL_ERRORS:
            reason = number_health.REFUSED.get(error.result.code, Reason.CREDENTIALS_REFUSED)
        elif error.result.code == Outcome.BUSY:
            reason = Reason.BUSY
        return ProbeResult(trouble=reason, sentence=error.result.reason, outcome=error.result.code)


def expected_url(base: str | None, row: Any) -> str | None:
    """Returns the URL that an endpoint's number should call; None if it takes no calls."""
    return urls.inbound_webhook_url(base, row.provider, row.inbound_agent_name) if row.is_active else None


def compare(result: ProbeResult, expected: str | None) -> tuple[bool | None, Reason | None]:
    """Returns whether the number is in sync (None: unknown), and the reason if it is not."""
    if result.trouble in (*UNANSWERED, Reason.PROVIDER_NOT_CONFIGURED):
        return None, result.trouble
    if expected is None:
        return None, Reason.NOTHING_EXPECTED
    if result.trouble:
        return (None if result.trouble is Reason.NOT_SHOWN else False), result.trouble
    problems = faults(result.number, expected)
    reason = problems[0].reason if problems else None
    return (None if reason in UNKNOWN else reason is None), reason


def faults(number: ProviderNumber | None, expected: str) -> list[Fault]:
    """Returns the differences from the expected settings, worst first.

    If a known service answers the number's calls instead, the difference names it.
    """
    return differences(number, expected, providers.answering_service(number.webhook_url if number else None))


def observation(label: str, result: ProbeResult, expected: str | None) -> Observation:
    in_sync, reason = compare(result, expected)
    problems = faults(result.number, expected) if expected and not result.trouble else []
    message = messages.verdict(label, reason)
    if result.sentence and reason is result.trouble:
        message = result.sentence
    elif problems and problems[0].detail:
        message = problems[0].detail
    others = (*problems[1:], *(cautions(result.number, expected) if expected else ()))
    warnings = tuple(replace(one, detail=one.detail or messages.verdict(label, one.reason)) for one in others)
    actual = address(result.number)
    return Observation(in_sync, reason, expected, actual, clock.now(), message, result.number, warnings)


def with_connection(at_provider: Observation, check: DriftCheck | None, last: Check | None) -> Observation:
    """Returns the observation with the stored verdict, if that follows from the connection.

    The difference that was observed at the number is then a warning.
    """
    cause = check.cause if check else None
    if at_provider.in_sync is None or cause == at_provider.reason or cause not in OF_CONNECTION:
        return at_provider
    reason = Reason(cause)
    at_number = (Fault(at_provider.reason, at_provider.message),) if at_provider.reason else ()
    message = last.reason if last else at_provider.message
    warnings = (*at_number, *at_provider.warnings)
    return replace(at_provider, in_sync=False, reason=reason, message=message, warnings=warnings)


def last_sentence(check: DriftCheck | None) -> str | None:
    """Returns the sentence about the last check of the number; None if it was never read."""
    if check is None or check.checked_at is None:
        return None
    if sentence := detail(check):
        return sentence
    label = providers.label(check.provider)
    if check.verdict == Verdict.HEALTHY:
        return messages.verdict(label, None)
    return messages.verdict(label, Reason(check.cause)) if check.cause in set(Reason) else None


def is_compared(check: DriftCheck | None) -> bool:
    """Whether the last check found a difference at the number that Patchbay can repair."""
    return check is not None and check.verdict == Verdict.UNHEALTHY and check.cause in REPAIRABLE


def detail(check: DriftCheck) -> str | None:
    """Returns the sentence of the last check, if the verdict on the number follows from it."""
    return check.detail if check.cause == check.reason else None


def address(number: ProviderNumber | None) -> str | None:
    """Returns the URL that the number calls, without credentials, to show and store it."""
    return urls.sanitized(number.webhook_url) if number and number.webhook_url else None


def resolve_changes(scope: Scope, provider: str, results: Mapping[str, ProbeResult]) -> None:
    """Closes interrupted changes of the numbers, and of the application that all of them call."""
    current = {number: address(result.number) for number, result in results.items() if not result.trouble}
    if current:
        declared = PROVIDERS[provider]
        every = {declared.label: next((url for url in current.values() if url), None)}
        provider_writes.resolve(scope, declared, current | every)
