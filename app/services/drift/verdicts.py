"""What providers have for the organization's numbers, against what they should have, as last seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import clock, urls
from app.provider import Outcome
from app.provider.numbers import ProviderNumber, Reason, difference
from app.providers import PROVIDERS
from app.services.connections import provider_writes
from app.services.connections.gateway import ProviderCallFailed
from app.services.scope import Scope

CREDENTIAL_ERRORS = (Outcome.BAD_CREDENTIALS, Outcome.SUSPENDED, Outcome.WRONG_ACCOUNT, Outcome.NO_PERMISSION)

WORDS = {
    Reason.DIFFERENT_URL: "{provider} calls another address when this number rings.",
    Reason.DIFFERENT_METHOD: "{provider} calls the right address, but not with POST.",
    Reason.NO_WEBHOOK: "{provider} calls nothing when this number rings.",
    Reason.APPLICATION_IN_THE_WAY: "An application at {provider} answers in place of this number's webhook.",
    Reason.TRUNK_IN_THE_WAY: "A SIP trunk at {provider} takes the calls of this number.",
    Reason.NUMBER_GONE: "The {provider} account does not have this number.",
    Reason.CREDENTIALS_REFUSED: "{provider} refuses the stored credentials.",
    Reason.NOT_SHOWN: "{provider} does not tell what the number's flow calls, so compare it there by hand.",
    Reason.NOTHING_EXPECTED: "Nothing is expected of {provider}: the number has no inbound webhook here.",
    Reason.PROVIDER_NOT_CONFIGURED: "{provider} is not connected, or is disabled.",
    Reason.PROVIDER_UNREACHABLE: "{provider} gave no answer that can be used.",
}


@dataclass(frozen=True)
class ProbeResult:
    """What asking a provider about one number gave: its line (None: no such number), or trouble.

    `outcome`: the code of what the provider refused with, or that it could not be reached.
    """

    line: ProviderNumber | None = None
    trouble: Reason | None = None
    sentence: str = ""
    outcome: str | None = None


@dataclass(frozen=True)
class Observation:
    """One number at its provider. `in_sync` is None where that cannot be told; `message` is for people."""

    in_sync: bool | None
    reason: Reason | None
    expected: str | None
    actual: str | None
    checked_at: datetime
    message: str
    line: ProviderNumber | None = None

    def document(self) -> dict[str, Any]:
        return {
            "in_sync": self.in_sync,
            "reason": self.reason and str(self.reason),
            "expected": self.expected,
            "actual": self.actual,
            "checked_at": clock.iso(self.checked_at),
        }


def run_probe(call: Callable[[], ProviderNumber | None]) -> ProbeResult:
    """Returns the number that the gateway call `call` returns, or the trouble in getting it."""
    try:
        return ProbeResult(call())
    except ProviderCallFailed as error:
        is_shut = error.result.code in CREDENTIAL_ERRORS
        reason = Reason.CREDENTIALS_REFUSED if is_shut else Reason.PROVIDER_UNREACHABLE
        return ProbeResult(trouble=reason, sentence=error.result.reason, outcome=error.result.code)


def expected_url(base: str | None, row: Any) -> str | None:
    """What an endpoint's number should call; None for one that is not to be answered."""
    return urls.inbound_webhook_url(base, row.provider, row.inbound_agent_name) if row.is_active else None


def compare(sight: ProbeResult, expected: str | None) -> tuple[bool | None, Reason | None]:
    """Whether the number is as expected, and why not, or why that is not known."""
    if sight.trouble in (Reason.PROVIDER_UNREACHABLE, Reason.PROVIDER_NOT_CONFIGURED):
        return None, sight.trouble
    if expected is None:
        return None, Reason.NOTHING_EXPECTED
    if sight.trouble:
        return (None if sight.trouble is Reason.NOT_SHOWN else False), sight.trouble
    reason = difference(sight.line, expected)
    return (None if reason is Reason.NOT_SHOWN else reason is None), reason


def observation(label: str, sight: ProbeResult, expected: str | None) -> Observation:
    in_sync, reason = compare(sight, expected)
    words = WORDS[reason] if reason else "{provider} calls the right address for this number."
    message = sight.sentence if sight.sentence and reason is sight.trouble else words.format(provider=label)
    return Observation(in_sync, reason, expected, address(sight.line), clock.now(), message, sight.line)


def address(line: ProviderNumber | None) -> str | None:
    """What the number calls, as it may be shown and kept: without a password that stands in it."""
    return urls.shown(line.webhook_url) if line and line.webhook_url else None


def resolve_changes(scope: Scope, provider: str, sights: Mapping[str, ProbeResult]) -> None:
    """Of single numbers, and of the application that all of them call."""
    found = {number: address(sight.line) for number, sight in sights.items() if not sight.trouble}
    if found:
        declared = PROVIDERS[provider]
        every = {declared.label: next((url for url in found.values() if url), None)}
        provider_writes.resolve(scope, declared, found | every)
