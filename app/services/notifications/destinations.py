"""Destinations: adding, changing and deleting them. Their fields are declared by their kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, WithJsonSchema, create_model
from pydantic import Field as PydanticField
from sqlalchemy import ColumnElement, func, select, update

from app.core import clock, etag
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.sealing import SealBroken
from app.destination import Kind
from app.destinations import KINDS
from app.models import Delivery, Destination
from app.models.base import new_id
from app.provider import Field
from app.services import messages as shared_messages
from app.services import sql, validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.fields import Label
from app.services.notifications import events, messages, quiet, record, sealed
from app.services.notifications.events import Event
from app.services.notifications.states import State
from app.services.scope import Scope, expect_version
from app.services.validation import Checked, Variant

MOST = 50
"""How many destinations one owner can have."""

OVERLAP = timedelta(hours=24)
"""How long a replaced secret still signs beside the new one."""


@dataclass(frozen=True)
class Saved:
    """A destination, and the secrets generated for it, which are not shown again."""

    row: Destination
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def _check_hour(value: int, _country: str | None) -> int:
    if not 0 <= value <= 23:
        raise ValueError(messages.HOUR)
    return value


def _check_events(value: list[str], _country: str | None) -> list[str]:
    if not value:
        raise ValueError(messages.EVENTS_EMPTY)
    return list(dict.fromkeys(value))


def _event_names(*, installation: bool) -> Checked:
    return validation.one_of([events.ALL, *map(str, events.choosable(installation=installation))])


_CHOSEN = Checked(_check_events, {"minItems": 1, "uniqueItems": True})
Events = Annotated[list[Annotated[str, _event_names(installation=True)]], _CHOSEN]
OrganizationEvents = Annotated[list[Annotated[str, _event_names(installation=False)]], _CHOSEN]
Hour = Annotated[int, Checked(_check_hour, {"minimum": 0, "maximum": 23})]


def _field_definitions() -> dict[str, Any]:
    """Returns the definition of each field of any kind, by name. The chosen kind checks the value.

    The schema is that of the first kind with the field: `url` of Slack is a web address like the others.
    """
    helps_by_name: dict[str, list[str]] = {}
    described: dict[str, dict[str, Any]] = {}
    for kind in KINDS.values():
        for declared in kind.typed_fields:
            helps_by_name.setdefault(declared.name, []).append(
                f"{kind.label}: {declared.help or declared.label}"
            )
            described.setdefault(declared.name, _described(declared))
    return {
        name: (
            Annotated[str | None, WithJsonSchema(described[name] | {"description": " ".join(helps)})],
            None,
        )
        for name, helps in helps_by_name.items()
    }


def _describe_kinds(schema: dict[str, Any], model: type[BaseModel]) -> None:
    owner = model.__name__.removesuffix("DestinationDraft")
    own = {declared.name for kind in KINDS.values() for declared in kind.typed_fields}
    shared = {name: described for name, described in schema["properties"].items() if name not in own}
    variants = {}
    for kind in KINDS.values():
        fields = {"kind": {"type": "string", "const": kind.key}}
        fields |= {declared.name: _described(declared) for declared in kind.typed_fields}
        required = ["kind", *(declared.name for declared in kind.typed_fields if declared.required)]
        variants[f"New{owner}{type(kind).__name__}Destination"] = Variant(shared | fields, required)
    validation.describe_variants(schema, variants)


def _described(declared: Field) -> dict[str, Any]:
    return {"type": "string"} | declared.schema() | declared.constraints()


class _Edit(BaseModel):
    model_config = validation.STRICT
    fixed: ClassVar[Mapping[str, str]] = validation.read_only(
        *("id", "kind", "url_hint", "disabled_reason", "failing_since", "previous_secret_until"),
        *("created_at", "updated_at", "version"),
    )

    label: Label = ""
    events: Events = PydanticField(default=[events.ALL])
    digest_hour: Hour | None = None
    muted_until: quiet.Time | None = None
    enabled: bool = True


class _New(_Edit):
    model_config = ConfigDict(**validation.STRICT, json_schema_extra=_describe_kinds)

    kind: Annotated[str, validation.one_of(KINDS)]


InstallationDestinationEdit: type[BaseModel] = create_model(
    "InstallationDestinationEdit", __base__=_Edit, **_field_definitions()
)
InstallationDestinationDraft: type[BaseModel] = create_model(
    "InstallationDestinationDraft", __base__=_New, **_field_definitions()
)


class DestinationEdit(InstallationDestinationEdit):  # type: ignore[misc,valid-type]
    """What may be changed of an organization's destination."""

    # For the schema only: `_refuse_events` refuses other events with a better sentence.
    events: OrganizationEvents = PydanticField(default=[events.ALL])


class DestinationDraft(InstallationDestinationDraft):  # type: ignore[misc,valid-type]
    """A new destination of an organization."""

    events: OrganizationEvents = PydanticField(default=[events.ALL])


def listed(scope: Scope) -> list[Destination]:
    """Returns the owner's destinations, oldest first."""
    query = select(Destination).where(_own(scope)).order_by(Destination.created_at, Destination.id)
    return list(scope.session.scalars(query))


def get(scope: Scope, destination_id: str) -> Destination:
    """Returns the owner's destination. Raises NotFound, also for another owner's."""
    query = select(Destination).where(_own(scope), Destination.id == destination_id)
    row = scope.session.scalar(query)
    if row is None:
        raise NotFound(shared_messages.not_found("destination"))
    return row


def _own(scope: Scope) -> ColumnElement[bool]:
    owner = scope.organization_or_none
    column = Destination.organization_id
    return column == owner.id if owner else column.is_(None)


def create(scope: Scope, payload: Any) -> Saved:
    """Adds a destination. Its generated secrets are not returned again. Raises Invalid, Conflict."""
    draft: Any = validation.read(InstallationDestinationDraft, payload)
    kind = KINDS[draft.kind]
    values = _checked(kind, _fields_of(draft), lacking=kind.typed_fields)
    _refuse_events(scope, draft.events)
    _refuse_mute(draft.muted_until)
    secrets = {declared.name: kind.generate() for declared in kind.generated_fields}
    with scope.transaction():
        if len(listed(scope)) >= MOST:
            raise Conflict(messages.too_many_destinations(MOST), code="TOO_MANY_DESTINATIONS")
        owner = scope.organization_or_none
        row = Destination(id=new_id(), organization_id=owner.id if owner else None, kind=kind.key)
        _apply(row, draft.model_dump(include=set(_Edit.model_fields), warnings=False))
        _apply_fields(scope, row, kind, values, secrets)
        scope.session.add(row)
        scope.session.flush()
        log.note(scope, Action.DESTINATION_CREATED, name_of(row), _created_values(kind, values))
    return Saved(row, secrets)


def change(
    scope: Scope, destination_id: str, payload: Any, *, version: int | etag.Condition | None = None
) -> Destination:
    """Changes the submitted fields. Raises Invalid, NotFound and Stale."""
    draft, fixed = validation.read_edit(InstallationDestinationEdit, payload)
    changes = draft.model_dump(exclude_unset=True, warnings=False)
    with scope.transaction():
        row = get(scope, destination_id)
        kind = KINDS[row.kind]
        if version is not None:
            expect_version(row, version)
        validation.expect_unchanged(InstallationDestinationEdit, fixed, document(row))
        names = {declared.name for declared in kind.typed_fields} | _all_names()
        values = _checked(kind, {name: changes.pop(name) for name in list(changes) if name in names})
        if "events" in changes:
            _refuse_events(scope, changes["events"])
        if changes.get("muted_until") != row.muted_until:
            _refuse_mute(changes.get("muted_until"))
        before = {name: getattr(row, name) for name in changes} | dict(row.values)
        _apply(row, changes)
        _apply_fields(scope, row, kind, values, {})
        _apply_to_waiting(scope, row, changes)
        after = {name: getattr(row, name) for name in changes} | dict(row.values)
        secret = {name: "replaced" for name in values if kind_field(kind, name).secret}
        if changed := log.diff(before, after | secret):
            log.note(scope, Action.DESTINATION_SAVED, name_of(row), _audited_changes(changed))
    return row


def delete(scope: Scope, destination_id: str) -> None:
    """Deletes a destination and the log of its deliveries. Raises NotFound."""
    with scope.transaction():
        row = get(scope, destination_id)
        _close_notice(scope, row)
        scope.session.delete(row)
        log.note(scope, Action.DESTINATION_DELETED, name_of(row))


def replace_secret(scope: Scope, destination_id: str) -> Saved:
    """Generates a new signing secret, which is not returned again. Raises NotFound, Conflict.

    For a day, messages are signed with the former secret too.
    """
    with scope.transaction():
        row = get(scope, destination_id)
        kind = KINDS[row.kind]
        if not kind.generated_fields:
            raise Conflict(messages.NO_SECRET, code="NO_SECRET")
        generated = {declared.name: kind.generate() for declared in kind.generated_fields}
        stored = _decrypted(scope, row)
        previous = {f"{sealed.PREVIOUS}{name}": stored[name] for name in generated if name in stored}
        sealed.store(scope, row, {**stored, **previous, **generated})
        row.previous_until = clock.now() + OVERLAP
        log.note(scope, Action.DESTINATION_SECRET, name_of(row), {"secret": ["set", "replaced"]})
    return Saved(row, generated)


def document(row: Destination) -> dict[str, Any]:
    """Returns a destination as the API documents it, without secret values."""
    kind = KINDS.get(row.kind)
    fields = kind.typed_fields if kind else ()
    shown = {one.name: row.values.get(one.name) for one in fields if not one.secret}
    hints = {f"{one.name}_hint": row.hints.get(one.name, "") for one in fields if one.secret}
    return {
        "id": row.id,
        "kind": row.kind,
        "label": row.label,
        **shown,
        **hints,
        "events": row.events,
        "digest_hour": row.digest_hour,
        "muted_until": clock.utc(row.muted_until) if row.muted_until else None,
        "enabled": row.enabled,
        "disabled_reason": row.disabled_reason,
        "failing_since": clock.utc(row.failing_since) if row.failing_since else None,
        "previous_secret_until": clock.utc(row.previous_until) if row.previous_until else None,
        "created_at": clock.utc(row.created_at),
        "updated_at": clock.utc(row.updated_at),
        "version": row.version,
    }


def name_of(row: Destination) -> str:
    """Returns the destination's label, or else its address."""
    kind = KINDS.get(row.kind)
    target = row.values.get(kind.target) if kind else None
    return row.label or str(target or (kind.label if kind else row.kind))


def kind_field(kind: Kind, name: str) -> Field:
    return next(declared for declared in kind.fields if declared.name == name)


def waiting_count(scope: Scope, row: Destination) -> int:
    """Returns how many messages wait to be sent."""
    query = select(func.count()).where(Delivery.destination_id == row.id, Delivery.state == State.WAITING)
    return scope.session.scalar(query) or 0


def _all_names() -> set[str]:
    return {declared.name for kind in KINDS.values() for declared in kind.typed_fields}


def _fields_of(draft: BaseModel) -> dict[str, Any]:
    return draft.model_dump(include=_all_names(), exclude_unset=True)


def _checked(
    kind: Kind, submitted: Mapping[str, Any], *, lacking: Sequence[Field] = ()
) -> dict[str, str | None]:
    """Returns the values as they are stored. Raises Invalid, with a problem for each wrong one.

    `lacking` are the fields of a new destination: the required ones among them must be submitted.
    """
    known_fields = {declared.name: declared for declared in kind.typed_fields}
    problems, values = [], {}
    for declared in lacking:
        if declared.required and submitted.get(declared.name) is None:
            problems.append(Problem(declared.name, messages.needed_for(declared.label)))
    for name, value in submitted.items():
        if name not in known_fields:
            problems.append(Problem(name, messages.unknown_for(name, kind.key)))
        elif value is None and known_fields[name].required and not lacking:
            problems.append(Problem(name, messages.needed_for(known_fields[name].label)))
        elif value is not None:
            try:
                values[name] = known_fields[name].check(value, None)
            except ValueError as error:
                problems.append(Problem(name, str(error)))
    if problems:
        raise Invalid(problems)
    return values


def _refuse_events(scope: Scope, chosen: Sequence[str]) -> None:
    """Raises Invalid for an event that an organization's destination cannot receive."""
    if scope.organization_or_none is None:
        return
    allowed_events = [events.ALL, *events.choosable(installation=False)]
    if wrong := [name for name in chosen if name not in allowed_events]:
        raise Invalid([Problem("events", messages.of_installation(wrong))])


def _refuse_mute(moment: Any) -> None:
    if moment is not None and (problem := quiet.end_problem(moment)):
        raise Invalid([Problem("muted_until", problem)])


def _apply(row: Destination, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(row, name, value)


def _apply_fields(
    scope: Scope, row: Destination, kind: Kind, values: Mapping[str, Any], generated: Mapping[str, str]
) -> None:
    plain = {name: value for name, value in values.items() if not kind_field(kind, name).secret}
    secrets = {name: value for name, value in values.items() if name not in plain}
    row.values = {**row.values, **plain} if row.values else dict(plain)
    if secrets or generated:
        sealed.store(scope, row, {**_decrypted(scope, row), **secrets, **generated})


def _decrypted(scope: Scope, row: Destination) -> dict[str, str]:
    try:
        return sealed.opened(scope, row)
    except SealBroken:
        return {}


def _apply_to_waiting(scope: Scope, row: Destination, changes: Mapping[str, Any]) -> None:
    """Applies a change to waiting messages: skips them if disabled, reschedules them if muted."""
    if changes.get("enabled") is True:
        row.disabled_reason = row.failing_since = None
        _close_notice(scope, row)
    if changes.get("enabled") is False:
        waiting = (Delivery.destination_id == row.id, Delivery.state == State.WAITING)
        skipped = {"state": State.SKIPPED, "finished_at": clock.now()}
        sql.run(scope, update(Delivery).where(*waiting).values(skipped))
    if "muted_until" in changes:
        quiet.release(scope)


def _close_notice(scope: Scope, row: Destination) -> None:
    notices = record.open_problems(scope, Event.DESTINATION_DISABLED)
    record.close(scope, [one for one in notices if one.key == f"destination:{row.id}"])


def _created_values(kind: Kind, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    shown = {name: "set" if kind_field(kind, name).secret else value for name, value in values.items()}
    return {"kind": [None, kind.label]} | {name: [None, value] for name, value in shown.items()}


def _audited_changes(changes: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    return {name: [_plain(value) for value in pair] for name, pair in changes.items()}


def _plain(value: Any) -> Any:
    """Returns the value for the audit log: a list of events as their labels, a time as ISO 8601."""
    if isinstance(value, list):
        return ", ".join("all" if one == events.ALL else Event.of(one).label for one in value)
    return clock.utc(value) if hasattr(value, "isoformat") else value
