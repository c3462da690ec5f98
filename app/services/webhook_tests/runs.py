"""Tests the webhook of an endpoint with up to three requests, as its provider makes them.

The default is one request without a signature, about a call that has ended: a runtime that verifies
signatures does not accept it, and others have no reason to start an agent. The signed request starts
whatever a call starts, unless the runtime knows the mark of a test. It is sent only if the user requested
it.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from app.core import clock
from app.core.errors import Conflict
from app.core.outbound.answer import Answer, OutboundError
from app.provider import CallsWebhooks, Outcome
from app.provider.webhooks import SampleCall, Signing
from app.services import rate_limits, sql
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, store
from app.services.connections.store import StoredConnection
from app.services.endpoints import crud
from app.services.lease import Lease
from app.services.rate_limits import Limit
from app.services.scope import Scope
from app.services.webhook_tests import messages, results, subjects, verdicts
from app.services.webhook_tests.results import Report, Result
from app.services.webhook_tests.subjects import Subject
from app.services.webhook_tests.verdicts import Received, ResponseVerdict, WebhookVerdict

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

LEASE = timedelta(minutes=3)
"""Longer than all requests of one test together."""

MOST = 10
"""How many tests of one subject can be made within `rate_limits.WINDOW`."""

_BEYOND_ASCII = re.compile(r"(%[89A-Fa-f][0-9A-Fa-f])+")


@dataclass(frozen=True)
class _Target:
    """A subject with its URL, and the credentials of its provider."""

    subject: Subject
    url: str
    connection: StoredConnection

    @property
    def provider(self) -> CallsWebhooks:
        return cast(CallsWebhooks, self.connection.provider)


def run(scope: Scope, http: Outbound, endpoint_id: str, *, signed: bool = False) -> Report:
    """Tests the endpoint's webhook, and stores the result. With `signed`, also as the provider calls it.

    Raises NotFound; Conflict if there is nothing to test, or another test is running; TooMany;
    ProviderBusy.
    """
    return run_test(scope, http, subject_of(scope, endpoint_id), signed=signed)


def run_test(scope: Scope, http: Outbound, subject: Subject, *, signed: bool = False) -> Report:
    """Tests a subject and stores the result, as `run` does."""
    target = _target(scope, subject, signed=signed)
    key = rate_limits.key("webhook-test", scope.organization.id, *subject.key.values())
    rate_limits.consume(scope, Limit(key, MOST))
    lease = _begin(scope, target, signed=signed)
    try:
        scope.end_read()
        tested = list(_Test(_client(scope, http, target), target).results(signed=signed))
    except BaseException:
        with scope.transaction(lock=False):
            lease.release()
        raise
    with scope.transaction():
        if not store.load(scope, subject.provider).has_credentials_of(target.connection):
            tested = [result for result in tested if result.name is Signing.UNSIGNED]
        report = results.save(scope, subject, target.url, tested)
        log.note(scope, Action.WEBHOOK_TESTED, subject.name, {"result": [None, report.code]})
        scope.session.flush()
        lease.release()
    return report


def _client(scope: Scope, http: Outbound, target: _Target) -> Outbound:
    rules = target.provider.webhook_rules
    own = http.for_organization(scope.organization.id)
    return own.as_provider(rules.wait_seconds, rules.most_bytes)


def last(scope: Scope, endpoint_id: str) -> Report:
    """Returns the stored report. Raises NotFound, and Conflict if the webhook cannot be tested."""
    return results.of(scope, subject_of(scope, endpoint_id))


def application(scope: Scope, key: str) -> Subject:
    """Returns the subject of an application. Raises NotFound, and Conflict if it cannot be tested."""
    subject = subjects.of_application(scope, key)
    if subject is None:
        raise Conflict(messages.cannot_test(store.provider_of(key).label), code="CANNOT_TEST")
    return subject


def subject_of(scope: Scope, endpoint_id: str) -> Subject:
    """Returns the subject of an endpoint. Raises NotFound, and Conflict if it cannot be tested."""
    row = crud.get(scope, endpoint_id)
    subject = subjects.of_endpoint(scope, row)
    if subject is None:
        label = store.provider_of(row.provider).label
        raise Conflict(messages.cannot_test(label), code="CANNOT_TEST")
    return subject


def _target(scope: Scope, subject: Subject, *, signed: bool) -> _Target:
    url, provider = subject.require_url(), subject.provider
    is_signed = signed and cast(CallsWebhooks, provider).webhook_rules.is_signed
    connection = gateway.configured(scope, provider) if is_signed else store.load(scope, provider)
    return _Target(subject, url, connection)


def _begin(scope: Scope, target: _Target, *, signed: bool) -> Lease:
    """Acquires the lease of the subject. A signed test is audited before its first request is sent."""
    subject = target.subject
    values = {"organization_id": scope.organization.id, "provider": subject.provider.key, **subject.key}
    empty = {"url": target.url, "is_proof": False, "results": {}, "actor_name": ""}
    lease = Lease(scope, subject.model, LEASE, *subject.conditions)
    with scope.transaction():
        sql.run(scope, sql.upsert(scope, subject.model).values(values | empty))
        if not lease.acquire():
            raise Conflict(messages.RUNNING, code="TEST_RUNNING")
        if signed:
            log.note(scope, Action.WEBHOOK_TEST_STARTED, subject.name, {"webhook": [None, target.url]})
    return lease


@dataclass(frozen=True)
class _Test:
    http: Outbound
    target: _Target

    def results(self, *, signed: bool) -> Iterator[Result]:
        """Makes the requests, and yields results up to the first that does not reach the runtime."""
        for signing, is_call in self._requests(signed=signed):
            verdict, received = self._make(signing, is_call=is_call)
            if verdict.verdict is WebhookVerdict.SIGNATURE_REFUSED and signing is Signing.SIGNED:
                verdict = self._with_cause(verdict)
            yield Result.of(signing, verdict, received, is_call=is_call)
            if verdict.verdict.is_unreached:
                return

    def _requests(self, *, signed: bool) -> list[tuple[Signing, bool]]:
        """Returns the requests to make, each with whether it is about a ringing call."""
        if not self.target.provider.webhook_rules.is_signed:
            return [(Signing.UNSIGNED, signed)]
        more = [(Signing.WRONGLY_SIGNED, True), (Signing.SIGNED, True)]
        return [(Signing.UNSIGNED, False), *(more if signed else [])]

    def _with_cause(self, refused: ResponseVerdict) -> ResponseVerdict:
        """Returns the verdict, with the cause if the runtime accepts a signature of a misread URL."""
        for verdict, url in misread(self.target.url):
            response_verdict, received = self._make(Signing.SIGNED, is_call=True, signed_url=url)
            if received.status and received.status < 300:
                return ResponseVerdict(verdict)
            if response_verdict.verdict.is_unreached:
                break
        return refused

    def _make(
        self, signing: Signing, *, is_call: bool, signed_url: str = ""
    ) -> tuple[ResponseVerdict, Received]:
        target = self.target
        call = SampleCall(secrets.token_hex(16), target.subject.phone_number, clock.now(), not is_call)
        values = target.connection.credentials
        request = target.provider.webhook_test(values, target.url, call, signing, signed_url)
        started = time.monotonic()
        outcome: Answer | OutboundError
        try:
            outcome = self.http.send(
                request.method, request.url, headers=request.headers, body=request.body or None
            )
        except OutboundError as error:
            if error.code == "busy":
                raise gateway.failed(Outcome.BUSY, error.message) from None
            outcome = error
        received = Received(outcome, round((time.monotonic() - started) * 1000))
        verdict = verdicts.judge(target.provider, signing, received, has_ended=not is_call)
        return verdict, received


def misread(url: str) -> Iterator[tuple[WebhookVerdict, str]]:
    """Yields the ways in which runtimes misread their own URL: as http behind a proxy, or decoded."""
    decoded = [_BEYOND_ASCII.sub(lambda match: unquote(match[0]), url), unquote(url)]
    spellings = [spelling for spelling in dict.fromkeys(decoded) if spelling != url]
    yield WebhookVerdict.HTTPS_UNSEEN, _as_http(url)
    for spelling in spellings:
        yield WebhookVerdict.ENCODING_MISREAD, spelling
    for spelling in spellings:
        yield WebhookVerdict.HTTPS_UNSEEN, _as_http(spelling)


def _as_http(url: str) -> str:
    return f"http{url.removeprefix('https')}"
