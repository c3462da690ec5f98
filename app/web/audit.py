"""Who did what, newest first: in an organization, everywhere, and taken along as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, session, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, sheets, texts
from app.models import AuditEvent
from app.services import actions, organizations
from app.services import audit as service
from app.services.audit import Filter
from app.services.scope import Scope
from app.web import render
from app.web.guard import Pages, Who

audit = Pages("audit", __name__)

NAMES = {"about": "about", "q": "search", "who": "who", "action": "action", "from": "from", "to": "to"}
HEADER = ("Time (UTC)", "Who", "IP address", "Request", "What", "About", "Changes", "Event")

audit.add_app_template_filter(actions.happened)
audit.add_app_template_filter(actions.field_words)
audit.add_app_template_filter(actions.value_words)


@audit.page("/o/<slug>/audit", who=Who.SUPERADMIN)
def table(scope: Scope) -> ResponseReturnValue:
    slug = scope.organization.slug
    files = {"CSV": url_for("audit.csv", slug=slug), "JSON lines": url_for("audit.jsonl", slug=slug)}
    return _page(scope, url_for("audit.table", slug=slug), files=files)


@audit.page("/audit", who=Who.SUPERADMIN)
def everywhere(scope: Scope) -> ResponseReturnValue:
    """Every organization's events, and those of none, such as a sign-in with an unknown email."""
    if not session.get("saw_all_audit"):
        with scope.transaction(lock=False):
            service.note(scope, "audit.opened", "audit")
        session["saw_all_audit"] = True
    known = {found.id: found for found in organizations.every(scope)}
    return _page(scope, url_for("audit.everywhere"), known=known)


def _page(scope: Scope, base: str, **context: Any) -> Response:
    wanted, complaints = _filter()
    page = service.page(scope, wanted, before=_place("before"), after=_place("after"))
    query = _query()
    return render.page(
        "audit/table.html",
        page=page,
        base=base,
        query=query,
        newer=_address(base, query, after=page.newer),
        older=_address(base, query, before=page.older),
        wanted=wanted,
        complaints=complaints,
        chosen=request.args.get("action", ""),
        kinds=actions.KINDS,
        is_filtered=bool(query),
        **context,
    )


def _filter() -> tuple[Filter, dict[str, str]]:
    """What the address asks for; and what it says wrong, by the name of the field."""
    complaints: dict[str, str] = {}
    wanted = Filter(
        about=tuple(request.args.getlist("about")[:10]),
        text=request.args.get("q", "").strip()[:100],
        who=request.args.get("who", "").strip()[:100],
        actions=actions.chosen(request.args.get("action", "")),
        since=_day("from", complaints),
        until=_day("to", complaints),
    )
    if wanted.since and wanted.until and wanted.since > wanted.until:
        complaints["to"] = "This day is before the first one."
    return wanted, complaints


def _day(name: str, complaints: dict[str, str]) -> date | None:
    text = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        complaints[name] = "Write a day as 2026-03-18."
        return None


def _place(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _query() -> str:
    """The filter that the address shows, for links that keep it."""
    return urlencode([(name, value) for name in NAMES for value in request.args.getlist(name) if value])


def _address(base: str, query: str, **place: int | None) -> str | None:
    """Of a page beside this one, if there is one."""
    if None in place.values():
        return None
    return f"{base}?{query}&{urlencode(place)}" if query else f"{base}?{urlencode(place)}"


@audit.page("/o/<slug>/audit.csv", who=Who.SUPERADMIN)
def csv(scope: Scope) -> ResponseReturnValue:
    return _file(scope, "csv", "text/csv; charset=utf-8")


@audit.page("/o/<slug>/audit.jsonl", who=Who.SUPERADMIN)
def jsonl(scope: Scope) -> ResponseReturnValue:
    return _file(scope, "jsonl", "application/jsonl; charset=utf-8")


def _file(scope: Scope, form: str, content_type: str) -> Response:
    """What the page shows with the same filter, of every page."""
    wanted, complaints = _filter()
    if complaints:
        return render.see(f"{url_for('audit.table', slug=scope.organization.slug)}?{_query()}")
    asked = {
        words: ", ".join(request.args.getlist(name)) for name, words in NAMES.items() if name in request.args
    }
    service.note_export(scope, form, asked)
    name = f"audit-{scope.organization.slug}-{clock.now():%Y-%m-%d}.{form}"
    events = service.walk(scope, wanted)
    pieces = sheets.lines(_rows(events)) if form == "csv" else map(_json_line, events)
    response = Response(stream_with_context(pieces), content_type=content_type)
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _rows(events: Iterator[AuditEvent]) -> Iterator[tuple[str, ...]]:
    yield HEADER
    for event in events:
        changes = [
            f"{actions.field_words(name)}: {texts.apart(actions.value_words(before))} \N{RIGHTWARDS ARROW} "
            f"{texts.apart(actions.value_words(after))}"
            for name, (before, after) in event.changes.items()
        ]
        at = event.at.isoformat(sep=" ", timespec="seconds")
        told = (event.actor_name, event.ip, event.request_id, actions.happened(event.action), event.subject)
        yield (at, *told, "; ".join(changes), str(event.id))


def _json_line(event: AuditEvent) -> bytes:
    told = {
        "id": event.id,
        "at": event.at.isoformat() + "Z",
        "organizationId": event.organization_id,
        "actorId": event.actor_id,
        "actorName": event.actor_name,
        "ip": event.ip,
        "requestId": event.request_id,
        "action": event.action,
        "subject": event.subject,
        "changes": event.changes,
        "digest": event.digest,
    }
    return json.dumps(told).encode() + b"\n"


@dataclass(frozen=True)
class History:
    """The last events about one thing, and where all of them are."""

    events: list[AuditEvent]
    address: str


def history(scope: Scope, *subjects: str, kind: str = "") -> History:
    """Of what has these names in the audit; of one kind, where one is given."""
    events = service.about(scope, *subjects, actions=actions.chosen(kind))
    return History(events, _table(scope, about=subjects, action=kind or None))


def own_history(scope: Scope) -> History:
    """Of the organization itself. All of them are found by their kind: its name may have been another one."""
    return History(service.about(scope, scope.organization.name), _table(scope, action="organization"))


def _table(scope: Scope, **wanted: Any) -> str:
    return url_for("audit.table", slug=scope.organization.slug, **wanted)
