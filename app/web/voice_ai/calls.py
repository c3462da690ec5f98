"""The calls that voice AI providers reported: figures, a list, and each call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from flask import request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core import clock, csv_text
from app.models import Call
from app.provider.voice_ai import Direction
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.scope import Scope
from app.services.voice_ai import call_figures, call_search, webhook
from app.services.voice_ai import calls as voice_ai_calls
from app.services.voice_ai.call_search import CallFilter, CallOutcome
from app.web.shell import chips, render
from app.web.shell.chips import Chip
from app.web.shell.days import Days
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

calls = Pages("calls", __name__)

Choice = TypeVar("Choice", CallOutcome, Direction)

NAMES = ("q", "agent", "outcome", "direction", "from", "to")
TONES = {
    CallOutcome.SUCCESS: "ok",
    CallOutcome.FAILURE: "bad",
    CallOutcome.NOT_STARTED: "bad",
    CallOutcome.BUSY: "warn",
    CallOutcome.NO_ANSWER: "warn",
    CallOutcome.UNKNOWN: "idle",
}
OUTCOMES = {
    CallOutcome.SUCCESS: "Success",
    CallOutcome.FAILURE: "Failure",
    CallOutcome.NOT_STARTED: "Not started",
    CallOutcome.BUSY: "Busy",
    CallOutcome.NO_ANSWER: "No answer",
    CallOutcome.UNKNOWN: "Unknown",
}
DIRECTIONS = {Direction.INBOUND: "Inbound", Direction.OUTBOUND: "Outbound"}
PERIODS = (7, 14, 30, 90)
"""The periods up to today, in days, that the page links to."""

HEADER = ("Time (UTC)", "Direction", "From", "To", "Agent", "Agent ID", "Seconds", "Outcome", "Conversation")


@calls.app_template_filter()
def outcome_tone(call: Call) -> str:
    return TONES[call_search.outcome_of(call)]


@calls.app_template_filter()
def outcome_word(call: Call) -> str:
    """Returns the outcome as text: in the provider's words if it is unknown here."""
    outcome = call_search.outcome_of(call)
    has_own = outcome is CallOutcome.UNKNOWN and call.outcome and call.outcome not in OUTCOMES
    return call.outcome or "" if has_own else OUTCOMES[outcome]


@calls.app_template_filter()
def duration(seconds: int | None) -> str | Markup:
    """Returns minutes and seconds; a dash if the duration is unknown."""
    if seconds is None:
        return Markup('<span aria-hidden="true">—</span><span class="visually-hidden">unknown</span>')
    return f"{seconds // 60}:{seconds % 60:02d}"


@calls.page(
    "/o/<slug>/calls",
    who=Who.SUPERADMIN,
    title="Calls",
    link=Link(Section.CALLS, 60, icon="calls", key="c"),
)
def table(scope: Scope) -> ResponseReturnValue:
    days = Days.of_request()
    filters = _filter(days)
    before = request.args.get("before") or None
    page = voice_ai_calls.page(scope, filters, before=before)
    query = _query()
    today = clock.now().date()
    first, last = call_figures.period(filters, today)
    return render.page(
        "voice_ai/calls.html",
        rows=page.rows,
        older=urlencode({**query, "before": page.next}) if page.next else None,
        filters=filters,
        days=days,
        query=query,
        chips=list(_chips(filters)),
        today=today,
        is_part=render.is_fragment_request("calls"),
        agents=voice_ai_calls.agents(scope),
        figures=call_figures.of(scope, filters, first, last) if before is None else None,
        periods={number: _period(query, today, number) for number in PERIODS},
        is_first=before is None,
        outcomes=OUTCOMES,
        directions=DIRECTIONS,
        endpoint_ids=voice_ai_calls.endpoints_of(scope, page.rows),
        reporting=[provider.label for provider in webhook.providers()],
        reports=not page.rows
        and any(one.state in webhook.WORKING for one in webhook.statuses(scope).values()),
    )


def _filter(days: Days) -> CallFilter:
    return CallFilter(
        text=request.args.get("q", "").strip()[:100],
        agent=request.args.get("agent", "")[:200],
        outcome=_choice(CallOutcome, "outcome"),
        direction=_choice(Direction, "direction"),
        since=days.since,
        until=days.until,
    )


def _chips(filters: CallFilter) -> Iterator[Chip]:
    """Yields a chip for each part of the filter except the text, which the search field shows."""
    parts = [
        ("outcome", "Outcome", filters.outcome and OUTCOMES[filters.outcome]),
        ("direction", "Direction", filters.direction and DIRECTIONS[filters.direction]),
        ("agent", "Agent", filters.agent),
        *chips.days(filters.since, filters.until),
    ]
    return chips.of_request(NAMES, parts)


def _choice(kind: type[Choice], name: str) -> Choice | None:
    text = request.args.get(name, "")
    return kind(text) if text in list(kind) else None


def _query() -> dict[str, str]:
    return {name: request.args[name] for name in NAMES if request.args.get(name)}


def _period(query: dict[str, str], today: date, days: int) -> str:
    other_filters = {name: value for name, value in query.items() if name not in ("from", "to")}
    return urlencode({**other_filters, "from": str(today - timedelta(days=days - 1)), "to": str(today)})


@calls.page("/o/<slug>/calls.csv", who=Who.SUPERADMIN)
def export(scope: Scope) -> ResponseReturnValue:
    """Exports every call that the filter selects."""
    days = Days.of_request()
    if days.problems:
        return render.redirect_to(f"{url_for('calls.table')}?{urlencode(_query())}")
    audit_log.note_export(scope, Action.CALLS_EXPORTED, "csv", _query())
    rows = voice_ai_calls.export(scope, _filter(days))
    return render.file(scope, f"{scope.organization.slug}-calls.csv", csv_text.lines(_lines(rows)))


def _lines(rows: Iterator[Call]) -> Iterator[tuple[str, ...]]:
    yield HEADER
    for call in rows:
        yield (
            f"{call.at:%Y-%m-%d %H:%M:%S}",
            call.direction or "",
            call.from_number or "",
            call.to_number or "",
            call.agent_name or "",
            call.agent_id,
            "" if call.duration_seconds is None else str(call.duration_seconds),
            str(call_search.outcome_of(call)),
            call.conversation_id,
        )


@calls.page("/o/<slug>/calls/<call_id>", who=Who.SUPERADMIN, title="Call")
def show(scope: Scope, call_id: str) -> ResponseReturnValue:
    call = voice_ai_calls.get(scope, call_id)
    return render.page(
        "voice_ai/call.html",
        call=call,
        endpoint_ids=voice_ai_calls.endpoints_of(scope, [call]),
        pages=voice_ai_calls.pages_of(scope, call),
    )
