"""The stored results of a webhook test, and the report about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import delete

from app.core import clock
from app.core.errors import NotFound
from app.models import CallbackTest, Endpoint, WebhookTest
from app.provider import CallsWebhooks, Provider
from app.provider.webhooks import Signing, WebhookRules
from app.services import messages as scope_messages
from app.services import sql
from app.services.endpoints import proven
from app.services.scope import Scope
from app.services.webhook_tests import messages, subjects
from app.services.webhook_tests.subjects import Subject, Tested
from app.services.webhook_tests.verdicts import Received, ResponseVerdict, WebhookVerdict

KEPT = proven.TESTS_KEPT
"""How long results are retained, and prove something."""

NOT_TESTED = "not_tested"


@dataclass(frozen=True)
class Result:
    """The result of one request. `is_call`: it was about a ringing call, not about one that had ended."""

    name: Signing
    verdict: WebhookVerdict
    status: int | None
    latency_ms: int
    root: str
    verbs: Sequence[str]
    at: datetime
    is_call: bool

    @property
    def how(self) -> str:
        """The status and duration of the response."""
        return messages.response(self.status, self.latency_ms)

    @classmethod
    def of(cls, name: Signing, judged: ResponseVerdict, received: Received, *, is_call: bool) -> Result:
        shown = (judged.root, judged.verbs)
        return cls(name, judged.verdict, received.status, received.latency_ms, *shown, clock.now(), is_call)

    @classmethod
    def stored(cls, name: str, row: Mapping[str, Any]) -> Result:
        own = {"verdict": WebhookVerdict(row["verdict"]), "at": datetime.fromisoformat(row["at"])}
        return cls(Signing(name), **{**row, **own})

    def as_stored(self) -> dict[str, Any]:
        shared = {name: getattr(self, name) for name in ("status", "latency_ms", "root", "is_call")}
        own = {"verdict": str(self.verdict), "verbs": list(self.verbs), "at": self.at.isoformat()}
        return shared | own


@dataclass(frozen=True)
class Report:
    """The report about an endpoint's webhook; `results` are in the order of `Signing`.

    `is_proof`: the webhook answers calls as the provider makes them, and refuses other requests.
    """

    provider: Provider
    results: tuple[Result, ...] = ()
    tested_at: datetime | None = None
    actor_name: str = ""

    @property
    def deciding(self) -> Result | None:
        """The first result that is not ok, or else the last one."""
        wrong = (result for result in self.results if not result.verdict.is_ok)
        return next(wrong, self.results[-1] if self.results else None)

    @property
    def ok(self) -> bool | None:
        return self.deciding.verdict.is_ok if self.deciding else None

    @property
    def code(self) -> str:
        return str(self.deciding.verdict) if self.deciding else NOT_TESTED

    @property
    def is_proof(self) -> bool:
        is_signed = _rules(self.provider).is_signed
        required = set(Signing) if is_signed else {Signing.UNSIGNED}
        tested = {result.name for result in self.results}
        return self.ok is True and tested == required and self.results[-1].is_call

    @property
    def reason(self) -> str:
        if self.deciding is None:
            return messages.NOT_TESTED
        only = f" {messages.REFUSES_ONLY}" if self.ok and not self.deciding.is_call else ""
        return self.sentence(self.deciding) + only

    @property
    def limit_ms(self) -> int:
        return int(_rules(self.provider).limit_seconds * 1000)

    def sentence(self, result: Result) -> str:
        rules = _rules(self.provider)
        shown = (result.status, result.latency_ms, result.root, result.verbs)
        facts = messages.Facts(self.provider.label, self.limit_ms, rules.most_bytes, *shown)
        return messages.sentence(result.verdict, facts)

    def document(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "code": self.code,
            "reason": self.reason,
            "latency_ms": self.deciding.latency_ms if self.deciding else None,
            "limit_ms": self.limit_ms,
            "tests": [self._document(result) for result in self.results],
            "tested_at": clock.utc(self.tested_at) if self.tested_at else None,
        }

    def _document(self, result: Result) -> dict[str, Any]:
        return {
            "name": str(result.name),
            "ok": result.verdict.is_ok,
            "code": str(result.verdict),
            "reason": self.sentence(result),
            "status": result.status,
            "latency_ms": result.latency_ms,
        }


def _rules(provider: Provider) -> WebhookRules:
    return cast(CallsWebhooks, provider).webhook_rules


def of(scope: Scope, subject: Subject) -> Report:
    """Returns the stored report; an empty one if the URL has changed since the test."""
    stored = subject.stored(scope)
    if stored is None or stored.url != subject.url:
        return Report(subject.provider)
    return Report(subject.provider, _recent_results(stored), stored.tested_at, stored.actor_name)


def of_endpoint(scope: Scope, row: Endpoint) -> Report | None:
    """Returns the stored report about an endpoint; None if its webhook cannot be tested."""
    subject = subjects.of_endpoint(scope, row)
    return of(scope, subject) if subject else None


def _recent_results(stored: Tested) -> tuple[Result, ...]:
    earliest = clock.now() - KEPT
    stored_results = (Result.stored(name, stored.results[name]) for name in Signing if name in stored.results)
    return tuple(result for result in stored_results if result.at >= earliest)


def save(scope: Scope, subject: Subject, url: str, results: Sequence[Result]) -> Report:
    """Merges the results with those of other requests to the same URL, in the open transaction.

    Raises NotFound if the subject was deleted.
    """
    stored = subject.stored(scope)
    if stored is None:
        raise NotFound(scope_messages.not_found("endpoint"))
    by_name = {
        result.name: result for result in (*(_recent_results(stored) if stored.url == url else ()), *results)
    }
    merged = tuple(by_name[name] for name in Signing if name in by_name)
    report = Report(subject.provider, merged, clock.now(), scope.actor.name)
    stored.url, stored.results = url, {str(one.name): one.as_stored() for one in merged}
    stored.ok, stored.code, stored.is_proof = report.ok, report.code, report.is_proof
    stored.tested_at, stored.actor_name = report.tested_at, report.actor_name
    return report


def sweep(scope: Scope) -> int:
    """Deletes every organization's results that are no longer retained. Returns how many."""
    end = clock.now() - KEPT
    with scope.transaction(lock=False):
        models = (WebhookTest, CallbackTest)
        return sum(sql.run(scope, delete(model).where(model.tested_at < end)) for model in models)
