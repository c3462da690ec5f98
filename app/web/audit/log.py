"""The audit log of one organization or of all of them, and its exports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request, session, url_for
from flask.typing import ResponseReturnValue
from pydantic.alias_generators import to_camel

from app.core import clock, csv_text, texts
from app.models import AuditEvent, Organization
from app.services.audit import actions, log, search
from app.services.audit.actions import Action, Group
from app.services.audit.numbers import Changes
from app.services.audit.search import Filter
from app.services.endpoints import undo
from app.services.organizations import directory
from app.services.scope import Scope
from app.web.shell import actors, chips, figures, labels, render, zones
from app.web.shell.chips import Chip
from app.web.shell.days import Days
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

audit = Pages("audit", __name__)

NAMES = {
    "in": "organization",
    "about": "about",
    "q": "search",
    "who": "who",
    "action": "action",
    "from": "from",
    "to": "to",
}
HEADER = ("Time (UTC)", "Who", "IP address", "Request", "What", "About", "Changes", "Event", "Organization")
TYPES = {"csv": render.CSV, "jsonl": "application/jsonl; charset=utf-8"}
NOWHERE = "-"
"""Selects the events of no organization. It is not a valid slug."""

audit.add_app_template_filter(actions.label_of, "action_label")
audit.add_app_template_filter(actions.value_text)
audit.add_app_template_filter(actions.changed_fields)
audit.add_app_template_filter(actors.name_of, "actor_name")

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z")

Run = list[AuditEvent]
"""Successive events of one action and user in one organization, newest first; or one event alone."""

FOLDED = 3
"""The number of such events from which they are shown as one row."""


@audit.app_template_filter()
def value_display(value: object, name: str) -> str:
    """Returns a field's value as text; a time is in the user's zone."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        moment = datetime.fromisoformat(value).replace(tzinfo=None)
        return f"{figures.plain_day(zones.local_day(moment))}, {zones.local_clock(moment)}"
    return actions.value_display(value, name)


@audit.app_template_filter()
def groupby_day(events: Iterable[AuditEvent]) -> list[tuple[date, list[Run]]]:
    """Groups events, sorted by time, by the date in the user's zone, and by run."""
    return [
        (day, [run for same in groupby(group, _run_key) for run in _fold(list(same[1]))])
        for day, group in groupby(events, lambda event: zones.local_day(event.at))
    ]


def _run_key(event: AuditEvent) -> tuple[str | None, ...]:
    return (event.action, event.actor_id, event.actor_name, event.organization_id)


def _fold(events: Run) -> list[Run]:
    return [events] if len(events) >= FOLDED else [[event] for event in events]


@audit.page(
    "/o/<slug>/audit",
    who=Who.SUPERADMIN,
    title="Audit",
    link=Link(Section.ORGANIZATION, 30, icon="log", key="a"),
)
def table(scope: Scope) -> ResponseReturnValue:
    return _page(scope, url_for("audit.table"))


@audit.page(
    "/audit",
    who=Who.SUPERADMIN,
    title="Audit of every organization",
    link=Link(Section.GLOBAL, 20, label="Audit", icon="log", key="a"),
)
def everywhere(scope: Scope) -> ResponseReturnValue:
    """Shows all organizations' events, and those of none, such as sign-ins of unknown emails."""
    if not session.get("saw_all_audit"):
        with scope.transaction(lock=False):
            log.note(scope, Action.AUDIT_OPENED, "audit")
        session["saw_all_audit"] = True
    organizations = {organization.id: organization for organization in directory.every(scope)}
    return _page(
        _chosen_scope(scope),
        url_for("audit.everywhere"),
        organizations=organizations,
        chosen_in=request.args.get("in", ""),
    )


def _chosen_scope(scope: Scope) -> Scope:
    """Returns the scope of the organization in the query; the given one if there is none."""
    slug = request.args.get("in", "")
    return scope if slug in ("", NOWHERE) else scope.for_organization(directory.by_slug(scope, slug))


def _page(scope: Scope, base: str, chosen_in: str = "", **context: Any) -> Response:
    days = Days.of_request()
    filters = _filter(days)
    page = search.page(scope, filters, before=_place("before"), after=_place("after"))
    actors.prepare(scope, page.rows)
    query = _filter_string()
    return render.page(
        "audit/log.html",
        page=page,
        base=base,
        files={"CSV": f"{base}.csv", "JSON lines": f"{base}.jsonl"},
        query=query,
        newer=_address(base, query, after=page.previous),
        older=_address(base, query, before=page.next),
        filters=filters,
        complaints=days.problems,
        chosen=request.args.get("action", ""),
        groups=tuple(Group),
        is_filtered=bool(query),
        chips=list(_chips(filters, context.get("organizations", {}).values(), chosen_in)),
        is_part=render.is_fragment_request("events"),
        undoable=undo.can,
        chosen_in=chosen_in,
        **context,
    )


def _chips(filters: Filter, organizations: Iterable[Organization], chosen_in: str) -> Iterator[Chip]:
    """Yields a chip for each part of the filter except the text, which the search field shows."""
    places = {organization.slug: texts.bidi_isolate(organization.name) for organization in organizations} | {
        NOWHERE: "None"
    }
    chosen = request.args.get("action", "")
    parts = [
        ("in", "Organization", places.get(chosen_in)),
        ("about", "About", ", ".join(map(texts.bidi_isolate, filters.about))),
        ("action", "Action", actions.filter_word(chosen)),
        ("who", "User", filters.who),
        *chips.days(filters.since, filters.until),
    ]
    return chips.of_request(NAMES, parts)


def _filter(days: Days) -> Filter:
    return Filter(
        about=tuple(filter(None, request.args.getlist("about")[:10])),
        text=request.args.get("q", "").strip()[:100],
        who=request.args.get("who", "").strip()[:100],
        actions=actions.for_filter(request.args.get("action", "")),
        outside=request.args.get("in") == NOWHERE and "slug" not in g,
        since=days.since,
        until=days.until,
        zone=zones.zone(),
    )


def _place(name: str) -> int | None:
    text = request.args.get(name, "")
    is_id = text.isascii() and text.isdigit() and len(text) <= search.LONGEST_ID
    return int(text) if is_id else None


def _filter_string() -> str:
    """Returns the query string of the filter, for links that preserve it."""
    return urlencode([(name, value) for name in NAMES for value in request.args.getlist(name) if value])


def _address(base: str, query: str, **place: int | None) -> str | None:
    """Returns the address of an adjacent page; None if there is none."""
    if None in place.values():
        return None
    return f"{base}?{query}&{urlencode(place)}" if query else f"{base}?{urlencode(place)}"


@audit.page("/o/<slug>/audit.csv", who=Who.SUPERADMIN)
def csv(scope: Scope) -> ResponseReturnValue:
    return _file(scope, "csv")


@audit.page("/o/<slug>/audit.jsonl", who=Who.SUPERADMIN)
def jsonl(scope: Scope) -> ResponseReturnValue:
    return _file(scope, "jsonl")


@audit.page("/audit.csv", who=Who.SUPERADMIN)
def everywhere_csv(scope: Scope) -> ResponseReturnValue:
    return _file(scope, "csv")


@audit.page("/audit.jsonl", who=Who.SUPERADMIN)
def everywhere_jsonl(scope: Scope) -> ResponseReturnValue:
    return _file(scope, "jsonl")


def _file(scope: Scope, form: str) -> Response:
    """Exports all events of the same filter."""
    days = Days.of_request()
    if days.problems:
        return render.redirect_to(f"{request.path.removesuffix(f'.{form}')}?{_filter_string()}")
    inside = scope if scope.organization_or_none else _chosen_scope(scope)
    place = inside.organization_or_none.slug if inside.organization_or_none else "everywhere"
    organization_names = {organization.id: organization.name for organization in directory.every(scope)}
    filters = {
        words: ", ".join(request.args.getlist(name)) for name, words in NAMES.items() if name in request.args
    }
    log.note_export(inside, Action.AUDIT_EXPORTED, form, filters)
    events = search.walk(inside, _filter(days))
    pieces = (
        csv_text.lines(_rows(events, organization_names))
        if form == "csv"
        else (_json_line(*each) for each in events)
    )
    return render.file(scope, f"audit-{place}-{clock.now():%Y-%m-%d}.{form}", iter(pieces), TYPES[form])


def _rows(
    events: Iterator[tuple[AuditEvent, Changes]], organization_names: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    yield HEADER
    for event, changed in events:
        changes = [
            f"{labels.field_label(name)}: {texts.bidi_isolate(actions.value_words(before, name))} "
            "\N{RIGHTWARDS ARROW} "
            f"{texts.bidi_isolate(actions.value_words(after, name))}"
            for name, (before, after) in changed.items()
        ]
        at = event.at.isoformat(sep=" ", timespec="seconds")
        what = (event.actor_name, event.ip, event.request_id, actions.label_of(event.action), event.subject)
        yield (
            at,
            *what,
            "; ".join(changes),
            str(event.id),
            organization_names.get(event.organization_id or "", ""),
        )


def _json_line(event: AuditEvent, changed: Changes) -> bytes:
    document = {to_camel(name): value for name, value in search.document(event, changed).items()}
    return json.dumps(document).encode() + b"\n"
