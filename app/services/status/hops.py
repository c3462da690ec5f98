"""The hops of a call, from the number to the webhook at its provider, each with its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app import providers
from app.core import urls
from app.models import Check, DriftCheck, Endpoint, Verdict
from app.provider import Family
from app.provider.numbers import Reason
from app.services.connections import health, proof
from app.services.connections.health import Health
from app.services.connections.number_health import BlockedReason, Cause
from app.services.connections.store import StoredConnection
from app.services.drift import messages as drift_messages
from app.services.drift import verdicts
from app.services.drift.verdicts import Observation
from app.services.endpoints.fields import LABELS
from app.services.last_calls import readings
from app.services.last_calls.states import CallState, LastCallReport
from app.services.providers import active
from app.services.scope import Scope
from app.services.status import messages
from app.services.status.places import Place, Tone
from app.services.webhook_tests import results, subjects


class HopState(StrEnum):
    """The state of a hop. Each line gives the code, the tone and the label."""

    tone: Tone
    label: str

    def __new__(cls, value: str, tone: Tone, label: str) -> HopState:
        self = str.__new__(cls, value)
        self._value_, self.tone, self.label = value, tone, label
        return self

    KNOWN = "known", Tone.OK, "Known"
    SET = "set", Tone.OK, "Set"
    ACTIVE = "active", Tone.OK, "Active"
    INACTIVE = "inactive", Tone.IDLE, "Inactive"
    UNKNOWN = "unknown", Tone.BAD, "Unknown"
    NOT_CONNECTED = "not-connected", Tone.WARN, "Not connected"
    DISABLED = "disabled", Tone.WARN, "Disabled"
    UNTESTED = "untested", Tone.IDLE, "Saved, untested"
    FAILED = "failed", Tone.BAD, "Connection failed"
    LIMITED = "limited", Tone.WARN, "Works with limits"
    PARTLY_TESTED = "partly-tested", Tone.WARN, "Partly tested"
    WORKS = "works", Tone.OK, "Connection OK"
    NO_AGENT = "no-agent", Tone.IDLE, "No agent"
    OUTBOUND_ONLY = "outbound-only", Tone.IDLE, "Outbound only"
    NO_BASE_URL = "no-base-url", Tone.WARN, "No base URL"
    NOT_COMPARED = "not-compared", Tone.IDLE, "Not compared"
    NO_RESPONSE = "no-response", Tone.WARN, "No response"
    NOT_CHECKED = "not-checked", Tone.IDLE, "Not checked"
    IN_SYNC = "in-sync", Tone.OK, "In sync"
    DRIFTED = "drifted", Tone.BAD, "Drifted"
    NOT_SHOWN = "not-shown", Tone.IDLE, "Can't verify"
    NOT_TESTED = "not-tested", Tone.IDLE, "Not tested"
    PARTLY_PROVEN = "partly-proven", Tone.IDLE, "Unsigned refused"
    ANSWERS = "answers", Tone.OK, "Answers calls"
    FAILS = "fails", Tone.BAD, "Fails"
    NOT_LISTED = "not-listed", Tone.IDLE, CallState.NOT_LISTED.label
    NOT_READ = "not-read", Tone.IDLE, CallState.NOT_READ.label
    UNREADABLE = "unreadable", Tone.WARN, CallState.UNREADABLE.label
    NEVER_CALLED = "never-called", Tone.IDLE, CallState.NEVER_CALLED.label
    CONNECTED = "connected", Tone.OK, CallState.CONNECTED.label
    MISSED = "missed", Tone.WARN, CallState.MISSED.label
    CALL_FAILED = "call-failed", Tone.BAD, CallState.CALL_FAILED.label
    WEBHOOK_FAILED = "webhook-failed", Tone.BAD, CallState.WEBHOOK_FAILED.label
    FAILED_ELSEWHERE = "failed-elsewhere", Tone.WARN, CallState.FAILED_ELSEWHERE.label
    UNCLEAR = "unclear", Tone.IDLE, CallState.UNCLEAR.label


@dataclass(frozen=True)
class Hop:
    """One hop of a call: its value, its problem, and the place to fix it.

    `at` is when its state was observed. `is_code`: its text is a number or a URL. `moment`: shown in place
    of the text, as a time.
    """

    key: str
    title: str
    text: str
    state: HopState
    problem: str = ""
    place: Place | None = None
    note: str = ""
    at: datetime | None = None
    is_code: bool = False
    moment: datetime | None = None

    @property
    def tone(self) -> Tone:
        return self.state.tone


def number(row: Endpoint) -> Hop:
    return Hop("number", "Number", row.phone_number, HopState.KNOWN, is_code=True)


def endpoint(row: Endpoint) -> Hop:
    text = row.label or "No label"
    if row.is_active:
        return Hop("endpoint", "Endpoint", text, HopState.ACTIVE, place=Place.ENDPOINT)
    problem = messages.ENDPOINT_INACTIVE
    return Hop("endpoint", "Endpoint", text, HopState.INACTIVE, problem, Place.EDIT_ENDPOINT)


def provider(scope: Scope, states: Mapping[str, StoredConnection], row: Endpoint) -> Hop:
    connection = states.get(row.provider)
    if connection is None:
        problem = messages.unknown_provider(row.provider)
        return Hop("provider", "Provider", row.provider, HopState.UNKNOWN, problem, Place.ENDPOINT)
    is_default = active.active(scope, Family.TELEPHONY) == row.provider
    note = messages.IS_DEFAULT if is_default else messages.NOT_DEFAULT
    check = proof.last(scope, connection.provider)
    state, problem = _connection(connection, check)
    at = check.checked_at if check and connection.is_usable else None
    return Hop("provider", "Provider", connection.provider.label, state, problem, Place.PROVIDER, note, at)


def _connection(connection: StoredConnection, check: Check | None) -> tuple[HopState, str]:
    """Returns the state of a connection, and its problem."""
    label = connection.provider.label
    state = health.of(connection, check)
    if state in (Health.NOT_CONNECTED, Health.INCOMPLETE):
        missing = [field.label for field in connection.missing]
        return HopState.NOT_CONNECTED, messages.not_connected(label, missing)
    problems = {
        Health.DISABLED: messages.disabled(label),
        Health.UNTESTED: messages.test_outdated(label),
        Health.FAILED: check.reason if check else "",
    }
    return HopState[state.name], problems.get(state, "")


def agent(row: Endpoint, direction: str) -> Hop:
    """Returns the hop of the agent. An outbound agent alone is not a problem."""
    is_inbound = direction == "inbound"
    title = LABELS[f"{direction}_agent_name"]
    name = row.inbound_agent_name if is_inbound else row.outbound_agent_name
    if name:
        return Hop("agent", title, name, HopState.SET, place=Place.EDIT_ENDPOINT)
    if row.outbound_agent_name:
        return Hop("agent", title, "—", HopState.OUTBOUND_ONLY, place=Place.EDIT_ENDPOINT)
    problem = messages.NO_INBOUND_AGENT if is_inbound else messages.NO_OUTBOUND_AGENT
    return Hop("agent", title, "—", HopState.NO_AGENT, problem, Place.EDIT_ENDPOINT)


def url(scope: Scope, row: Endpoint, direction: str) -> Hop:
    """Returns the hop of the webhook URL; for outbound calls, of the agent runtime's base URL."""
    base = scope.organization.public_base_url
    title = "Webhook URL" if direction == "inbound" else "Agent runtime"
    if not base:
        return Hop("url", title, "—", HopState.NO_BASE_URL, messages.NO_BASE_URL, Place.SETTINGS)
    webhook = urls.inbound_webhook_url(base, row.provider, row.inbound_agent_name)
    text = base if direction == "outbound" else webhook
    if text is None:
        return Hop("url", title, "—", HopState.NO_AGENT)
    return Hop("url", title, text, HopState.SET, place=Place.SETTINGS, is_code=True)


def webhook_test(scope: Scope, row: Endpoint) -> Hop:
    """Returns the hop of the agent runtime, with the result of the last webhook test."""
    key, title, place = "webhook_test", "Agent runtime", Place.WEBHOOK_TEST
    subject = subjects.of_endpoint(scope, row)
    if subject is None or subject.url is None:
        return Hop(key, title, "—", HopState.NOT_TESTED)
    report = results.of(scope, subject)
    if report.deciding is None:
        return Hop(key, title, "Unknown", HopState.NOT_TESTED, "", place)
    text = report.deciding.how
    if not report.ok:
        return Hop(key, title, text, HopState.FAILS, report.reason, place, at=report.tested_at)
    state = HopState.ANSWERS if report.is_proof else HopState.PARTLY_PROVEN
    return Hop(key, title, text, state, "", place, at=report.tested_at)


def last_call(scope: Scope, row: Endpoint, check: DriftCheck | None) -> Hop:
    """Returns the hop of the last call, with the last reading. An unknown outcome is not a problem."""
    key, title, place = "last_call", "Last call", Place.LAST_CALL
    declared = providers.PROVIDERS.get(row.provider)
    if declared is None:
        return Hop(key, title, "—", HopState.NOT_READ)
    call = readings.of_number(scope, row.provider, row.phone_number)
    expected = verdicts.expected_url(scope.organization.public_base_url, row)
    report = LastCallReport(declared, call, expected, check)
    state = HopState[report.state.name]
    problem = report.sentence if state.tone in (Tone.BAD, Tone.WARN) else ""
    moment = call.started_at if call else None
    return Hop(key, title, "—", state, problem, place, at=report.at, moment=moment)


def at_provider(scope: Scope, row: Endpoint, check: DriftCheck | None, observed: Observation | None) -> Hop:
    """Returns the hop of the webhook at the provider, as just observed or as last checked."""
    label = providers.label(row.provider)
    key, title, place = "at_provider", f"At {label}", Place.AT_PROVIDER
    if verdicts.expected_url(scope.organization.public_base_url, row) is None:
        return Hop(key, title, "—", HopState.NOT_COMPARED)
    if observed and observed.reason in verdicts.UNANSWERED:
        return Hop(key, title, "Unknown", HopState.NO_RESPONSE, observed.message, place)
    if check is None or check.verdict is None or check.cause == Cause.NOT_CHECKED:
        return Hop(key, title, "Unknown", HopState.NOT_CHECKED, messages.not_checked(label), place)
    text, at = check.actual or "No webhook set", check.checked_at
    if check.verdict == Verdict.HEALTHY:
        return Hop(key, title, text, HopState.IN_SYNC, "", place, at=at, is_code=True)
    if check.cause in list(BlockedReason):
        return Hop(key, title, "Unknown", HopState.NOT_COMPARED)
    reason = Reason(check.cause or "")
    if reason in (Reason.CREDENTIALS_REFUSED, Reason.NO_CREDIT):
        text = "Unknown"
    problem = drift_messages.verdict(label, reason)
    if observed and observed.reason:
        problem = observed.message
    state = HopState.DRIFTED if check.verdict == Verdict.UNHEALTHY else HopState.NOT_SHOWN
    return Hop(key, title, text, state, problem, place, at=at, is_code=text == check.actual)
