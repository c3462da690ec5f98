"""Calls, as ElevenLabs tells of them: taken, kept once, listed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_

from app.core import clock, strict_json, texts
from app.core.errors import Conflict, Invalid, Problem, Unauthenticated
from app.models import Call, Endpoint, Organization, WebhookReceipt
from app.providers import PROVIDERS
from app.providers.elevenlabs import signing
from app.providers.elevenlabs.signing import WINDOW
from app.services import keyset
from app.services.connections import store
from app.services.keyset import Mark, Order, Page
from app.services.scope import Scope

PAGE = 50
NEWEST_FIRST = Order(Call.at, Call.id, descends=True)
ENDED, FAILED = "post_call_transcription", "call_initiation_failure"
KINDS = (ENDED, FAILED)
MOST_SECONDS = 2**31 - 1
LATEST_START = 4_102_444_800
_SEPARATORS = re.compile(r"[\s().\-/]")
_NUMBER = re.compile(r"\+?[0-9]{3,20}", re.ASCII)

Told = Mapping[str, Any]


def receive(scope: Scope, organization_id: str, signature: str, body: bytes) -> str:
    """Keeps what an event tells of a call; says in a sentence what was done with it.

    Unauthenticated unless the organization's webhook secret signed it, and lately. Conflict where this
    very message came before; another one about the same event changes nothing.
    """
    organization = scope.session.get(Organization, organization_id)
    secret = _secret(scope, organization)
    receipt = signing.receipt(secret or "", signature, body, clock.seconds(clock.now()))
    if organization is None or secret is None or receipt is None:
        raise Unauthenticated("The signature does not fit.", code="INVALID_SIGNATURE")
    call = _read(organization.id, strict_json.parse_proved(body))
    inside = scope.for_organization(organization)
    with inside.transaction():
        _note_receipt(inside, receipt)
        if call is None:
            return "This kind of event is not kept."
        if _is_known(inside, call):
            return "This event is known already."
        inside.session.add(call)
    return "The call is kept."


def _secret(scope: Scope, organization: Organization | None) -> str | None:
    if organization is None:
        return None
    stored = store.load(scope.for_organization(organization), PROVIDERS["elevenlabs"]).secrets.get(
        "webhook_secret"
    )
    return stored.value if stored else None


def _note_receipt(scope: Scope, receipt: str) -> None:
    """A message can be signed for half an hour from now: its receipt is kept until it is late for sure."""
    now = clock.now()
    own = WebhookReceipt.organization_id == scope.organization.id
    scope.session.execute(delete(WebhookReceipt).where(own, WebhookReceipt.received_at < now - 2 * WINDOW))
    if scope.session.get(WebhookReceipt, (scope.organization.id, receipt)) is not None:
        raise Conflict("This message came before.", code="REPLAYED")
    scope.session.add(WebhookReceipt(organization_id=scope.organization.id, digest=receipt, received_at=now))


def _is_known(scope: Scope, call: Call) -> bool:
    same = scope.select(Call).where(Call.conversation_id == call.conversation_id, Call.kind == call.kind)
    return scope.session.scalar(same) is not None


def _read(organization_id: str, event: Any) -> Call | None:
    """The call that an event is about; None for a kind that is not kept. Invalid without a conversation."""
    if not isinstance(event, dict):
        raise Invalid([Problem("body", "Send a JSON object.")])
    kind, data = event.get("type"), _part(event, "data")
    if kind not in KINDS:
        return None
    conversation = data.get("conversation_id")
    if not isinstance(conversation, str) or not _line(conversation, 100) or len(conversation) > 100:
        raise Invalid([Problem("data.conversation_id", "This is required, in at most 100 characters.")])
    from_number, to_number = _numbers(data)
    metadata, analysis = _part(data, "metadata"), _part(data, "analysis")
    now, started_at = clock.now(), _moment(metadata.get("start_time_unix_secs"))
    return Call(
        organization_id=organization_id,
        conversation_id=_line(conversation, 100),
        kind=kind,
        agent_id=_line(data.get("agent_id"), 100) or "",
        agent_name=_line(data.get("agent_name"), 200),
        from_number=from_number,
        to_number=to_number,
        duration_seconds=_count(metadata.get("call_duration_secs"), MOST_SECONDS),
        outcome=_line(data.get("failure_reason") if kind == FAILED else analysis.get("call_successful"), 100),
        started_at=started_at,
        received_at=now,
        at=min(started_at or now, now),
    )


def _numbers(data: Told) -> tuple[str | None, str | None]:
    """Who called, and who was called, from the first place that has either."""
    metadata = _part(data, "metadata")
    phone_call, body = _part(metadata, "phone_call"), _part(metadata, "body")
    variables = _part(_part(data, "conversation_initiation_client_data"), "dynamic_variables")
    theirs, ours = phone_call.get("external_number"), phone_call.get("agent_number")
    is_outbound = phone_call.get("direction") == "outbound"
    for pair in (
        (ours, theirs) if is_outbound else (theirs, ours),
        (variables.get("system__caller_id"), variables.get("system__called_number")),
        (body.get("from_number"), body.get("to_number")),
        (body.get("From"), body.get("To")),
    ):
        found = _number(pair[0]), _number(pair[1])
        if any(found):
            return found
    return None, None


def _part(told: Told, name: str) -> Told:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _line(value: Any, longest: int) -> str | None:
    return (texts.one_line(value, longest) or None) if isinstance(value, str) else None


def _number(value: Any) -> str | None:
    """Of what looks like one: its digits, and a plus where it has one."""
    if not isinstance(value, str):
        return None
    written = _SEPARATORS.sub("", value)
    return written if _NUMBER.fullmatch(written) else None


def _count(value: Any, most: int) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= most else None


def _moment(value: Any) -> datetime | None:
    seconds = _count(value, LATEST_START)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds else None


def page(scope: Scope, text: str = "", *, before: str | None = None, limit: int = PAGE) -> Page[Call]:
    """Returns calls, newest first, from before the call with the id `before`.

    `text` is in the agent, a number or the conversation. Raises NotFound.
    """
    query = scope.select(Call)
    if text:
        query = query.where(_matches(scope, text))
    last = None if before is None else scope.get(Call, before, what="call")
    mark = Mark(last.at, last.id) if last else None
    return keyset.page(scope.session, query, NEWEST_FIRST, mark, limit=limit, cursor=_id)


def _id(call: Call, _is_before: bool) -> str:
    return call.id


def endpoints_of(scope: Scope, rows: Iterable[Call]) -> dict[str, str]:
    """The endpoints' ids of those numbers that the organization has, as the calls have them written."""
    written = {number for call in rows for number in (call.from_number, call.to_number) if number}
    full = {number: f"+{number.lstrip('+')}" for number in written}
    query = scope.select(Endpoint).where(Endpoint.phone_number.in_(full.values()))
    found = {row.phone_number: row.id for row in scope.session.scalars(query)} if full else {}
    return {number: found[full[number]] for number in written if full[number] in found}


def _matches(scope: Scope, text: str) -> ColumnElement[bool]:
    """The text in the agent or the conversation's id; its digits in the numbers, in whatever spelling."""
    named = (Call.agent_name, Call.agent_id, Call.conversation_id)
    found = [scope.contains(column, text) for column in named]
    digits = _SEPARATORS.sub("", text).lstrip("+")
    if digits.isascii() and digits.isdigit():
        found += [column.contains(digits) for column in (Call.from_number, Call.to_number)]
    return or_(*found)
