"""`/api/organizations/{organization_id}/audit`: who changed what, and when."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask.typing import ResponseReturnValue

from app.api import examples, parameters, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import Parameter
from app.core import days, messages
from app.core.errors import Invalid, Problem
from app.services import keyset
from app.services.audit import actions, search
from app.services.audit.actions import Action, Group
from app.services.audit.search import Filter
from app.services.scope import Scope

audit = blueprint(
    "audit",
    "/api/organizations",
    Tag("Audit", "Every change, and every access to another organization or to credentials."),
)

TEXT = parameters.TEXT | {"maxLength": search.TEXT_LONGEST}
EVENT_ID = {"type": "string", "pattern": f"^[1-9][0-9]{{0,{search.LONGEST_ID - 1}}}$"}
DAY = {"type": "string", "format": "date"}
FILTERS = (
    Parameter("q", "Text to find in the subject, such as part of a phone number or an email.", TEXT),
    Parameter("about", "The whole subject, such as a phone number, an email or a provider.", TEXT),
    Parameter("who", "Text to find in the actor's name.", TEXT),
    Parameter(
        "action",
        "An action, or a group of actions.",
        {"type": "string", "enum": [*map(str, Group), *map(str, Action)]},
    ),
    Parameter("from", "First day, in UTC.", DAY),
    Parameter("to", "Last day, in UTC.", DAY),
)


@audit.operation(
    "GET",
    "/<organization_id>/audit",
    who=Who.SUPERADMIN,
    returns="A page of events, newest first.",
    parameters=(*FILTERS, *parameters.paging("events", search.PAGE, search.TOGETHER, EVENT_ID)),
    response=schemas.AuditEvent,
    is_list=True,
    example=[examples.AUDIT_EVENT],
    headers=("ETag", "Link"),
)
def list_audit_events(scope: Scope, query: Any) -> ResponseReturnValue:
    """List audit events

    Returns a page of the organization's events. The `Link` header has the URL of the next page, with older
    ones. With `about` a phone number, changes of many numbers are included, and `of_number` has what they
    changed of this one.
    """
    before = _event_id(query["cursor"]) if "cursor" in query else None
    page = search.page(scope, _filter(query), before=before, limit=query.get("limit", search.PAGE))
    events = [search.document(event, page.changes(event)) for event in page.rows]
    response = responses.document(events, tagged=True)
    return responses.with_next(response, None if page.next is None else str(page.next))


def _filter(query: Any) -> Filter:
    since, until = (_day(name, query[name]) if name in query else None for name in ("from", "to"))
    if since and until and since > until:
        raise Invalid([Problem("to", messages.END_BEFORE_START)])
    return Filter(
        about=(query["about"],) if "about" in query else (),
        text=query.get("q", "").strip(),
        who=query.get("who", "").strip(),
        actions=actions.for_filter(query.get("action", "")),
        since=since,
        until=until,
    )


def _day(name: str, text: str) -> date:
    try:
        return days.parse(text)
    except ValueError:
        raise Invalid([Problem(name, messages.NO_DATE)]) from None


def _event_id(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > search.LONGEST_ID:
        raise keyset.BadCursor
    return int(cursor)
