"""Results of calls to a provider."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.provider import messages


class Outcome(StrEnum):
    """The codes of a connection test."""

    OK = "ok"
    NOT_PROVEN = "not_proven"
    LIMITED = "limited"
    NOT_CONFIGURED = "not_configured"
    BAD_CREDENTIALS = "bad_credentials"
    WRONG_ACCOUNT = "wrong_account"
    SUSPENDED = "suspended"
    TEST_CREDENTIALS = "test_credentials"
    SECONDARY_TOKEN = "secondary_token"  # noqa: S105  a code
    NO_CREDIT = "no_credit"
    NO_PERMISSION = "no_permission"
    NOT_FOUND = "not_found"
    TRUNK_DOMAIN_DIFFERS = "trunk_domain_differs"
    RATE_LIMITED = "rate_limited"
    UNEXPECTED_ANSWER = "unexpected_answer"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    """Patchbay had too many calls in progress, and did not make this one."""


@dataclass(frozen=True)
class Verified:
    """The result of a connection test.

    `code` is for programs, one of `Outcome`; `reason` is a sentence or two for people: what is wrong,
    and where in the provider's console to look. No reason repeats a secret or text of the provider.
    `NOT_PROVEN` and `LIMITED` count as success: `reason` names what could not be verified, or what the
    account cannot do. `facts` are a few words each about what was read, such as the account's name: they
    are shown with the test that a user requested, and not stored.
    """

    ok: bool
    code: str
    reason: str
    facts: tuple[str, ...] = ()


class Refusal(Exception):
    """The provider refused, or its response is unusable. `result` has the sentence for people."""

    def __init__(self, result: Verified) -> None:
        super().__init__(result.reason)
        self.result = result


def proven(reason: str, *facts: str) -> Verified:
    return Verified(True, Outcome.OK, reason, facts)


def limited(reason: str, *facts: str) -> Verified:
    return Verified(True, Outcome.LIMITED, reason, facts)


def summed(results: Iterable[Verified]) -> Verified:
    """Returns several successes as one, with the weakest code among them."""
    results = list(results)
    codes = [result.code for result in results]
    code = next((code for code in (Outcome.LIMITED, Outcome.NOT_PROVEN) if code in codes), Outcome.OK)
    facts = tuple(fact for result in results for fact in result.facts)
    return Verified(True, code, " ".join(result.reason for result in results), facts)


def foreign_caller(label: str, number: str) -> Verified:
    """Returns the result for a default caller number that the account does not have."""
    return limited(messages.foreign_caller(label, number))


def not_proven(reason: str, *facts: str) -> Verified:
    return Verified(True, Outcome.NOT_PROVEN, reason, facts)


def refused(code: Outcome, reason: str) -> Verified:
    return Verified(False, code, reason)
