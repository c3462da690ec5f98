"""Organizations: finding, adding and renaming them, their base URL and country."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core import clock, etag, phone
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.models import AuditEvent, Organization, Role, User
from app.services import fields, validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import provisioning
from app.services.drift import queue
from app.services.fields import Name
from app.services.organizations import messages
from app.services.scope import Scope, expect_version
from app.services.validation import Checked

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

SLUG_TRIES = 10


def _check_country(value: str, _country: str | None) -> str:
    if value.upper() not in phone.country_names():
        raise ValueError(messages.COUNTRY)
    return value.upper()


class OrganizationDraft(BaseModel):
    model_config = validation.STRICT

    name: Name


class OrganizationEdit(BaseModel):
    model_config = validation.STRICT
    fixed: ClassVar[Mapping[str, str]] = validation.read_only("id", "slug", "created_at", "version")

    name: Name = ""
    country: Annotated[str, Checked(_check_country, {"enum": list(phone.country_names())})] | None = None
    public_base_url: fields.BaseUrl | None = None
    reads_last_calls: bool = False


def by_slug(scope: Scope, slug: str) -> Organization:
    return _or_not_found(scope.session.scalar(select(Organization).where(Organization.slug == slug)))


def by_id(scope: Scope, organization_id: str) -> Organization:
    return _or_not_found(scope.session.get(Organization, organization_id))


def by_name(scope: Scope, name: str) -> Organization | None:
    """Returns the organization of that name, or None. Raises Conflict if two have it."""
    rows = list(scope.session.scalars(select(Organization).where(Organization.name == name).limit(2)))
    if len(rows) > 1:
        raise Conflict(messages.two_of_name(name))
    return rows[0] if rows else None


def named(scope: Scope, name: str) -> Organization:
    """Returns the organization of that name, and adds it if there is none. Raises Invalid."""
    scope.require_transaction()
    try:
        name = fields.check_name(name.strip())
    except ValueError as error:
        raise Invalid([Problem("organization", str(error))]) from None
    return by_name(scope, name) or add(scope, name)


def of_user(scope: Scope, user: User) -> Organization:
    return scope.session.get_one(Organization, user.organization_id)


def _or_not_found(organization: Organization | None) -> Organization:
    if organization is None:
        raise NotFound(messages.NOT_FOUND)
    return organization


def document(organization: Organization) -> dict[str, Any]:
    """Returns an organization as the API documents it."""
    return {
        "id": organization.id,
        "name": organization.name,
        "slug": organization.slug,
        "country": organization.country,
        "public_base_url": organization.public_base_url,
        "reads_last_calls": organization.reads_last_calls,
        "created_at": clock.utc(organization.created_at),
        "version": organization.version,
    }


def every(scope: Scope) -> list[Organization]:
    return list(scope.session.scalars(select(Organization).order_by(Organization.name, Organization.id)))


def create(scope: Scope, payload: Any) -> Organization:
    draft = validation.read(OrganizationDraft, payload)
    for _ in range(SLUG_TRIES):
        with suppress(IntegrityError), scope.transaction():
            return add(scope, draft.name)
    raise Conflict(messages.NAME_IN_USE)


def add(scope: Scope, name: str) -> Organization:
    scope.require_transaction()
    organization = Organization(name=name, slug=_free_slug(scope, name))
    scope.session.add(organization)
    scope.session.flush()
    log.record(
        scope.for_organization(organization), Action.ORGANIZATION_CREATED, name, {"name": [None, name]}
    )
    return organization


def planned_base_url(scope: Scope, payload: Any, *, version: int | None = None) -> str | None:
    """Returns the base URL that `update` would store. Raises Invalid, Stale."""
    draft = validation.read(OrganizationEdit, payload)
    expect_version(scope.organization, version)
    return draft.public_base_url


SAVES_READ = 50
"""How many of the newest changes of the settings are read, before those of one field are selected."""


def saves(scope: Scope) -> list[AuditEvent]:
    """Returns the last changes of the settings, newest first."""
    query = (
        scope.select(AuditEvent)
        .where(AuditEvent.action == Action.ORGANIZATION_SAVED)
        .order_by(AuditEvent.id.desc())
        .limit(SAVES_READ)
    )
    return list(scope.session.scalars(query))


def base_urls(events: Iterable[AuditEvent], *, limit: int = 5) -> list[AuditEvent]:
    """Returns the events that changed the base URL."""
    return [event for event in events if "public_base_url" in event.changes][:limit]


def last_save(events: Iterable[AuditEvent], fields: Collection[str]) -> AuditEvent | None:
    """Returns the first event that changed one of the fields, or None."""
    return next((event for event in events if not event.changes.keys().isdisjoint(fields)), None)


def update(
    scope: Scope,
    http: Outbound,
    payload: Any,
    *,
    reason: str | None = None,
    version: int | etag.Condition = None,
) -> Organization:
    """Saves the submitted fields: null clears, absent keeps. The slug stays, so that links keep working."""
    draft, fixed = validation.read_edit(OrganizationEdit, payload)
    changes = draft.model_dump(exclude_unset=True)
    is_moved = False
    with scope.transaction():
        organization = scope.organization
        expect_version(organization, version)
        validation.expect_unchanged(OrganizationEdit, fixed, document(organization))
        if "public_base_url" in changes:
            is_moved = set_base_url(scope, changes.pop("public_base_url"), reason=reason)
        changed = log.diff({name: getattr(organization, name) for name in changes}, changes)
        for name, value in changes.items():
            setattr(organization, name, value)
        if changed:
            log.record(scope, Action.ORGANIZATION_SAVED, organization.name, changed)
    if is_moved:
        provisioning.changed(scope, http)
    return organization


def superadmins(scope: Scope) -> int:
    """Returns how many active superadmins the installation has."""
    query = select(func.count()).where(User.role == Role.SUPERADMIN, User.disabled_at.is_(None))
    return scope.session.scalar(query.select_from(User)) or 0


def _free_slug(scope: Scope, name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", ascii_name)[:60].strip("-") or "organization"
    used = set(scope.session.scalars(select(Organization.slug).where(Organization.slug.startswith(base))))
    if base not in used:
        return base
    return next(f"{base}-{n}" for n in range(2, len(used) + 3) if f"{base}-{n}" not in used)


def set_base_url(scope: Scope, url: str | None, *, reason: str | None = None) -> bool:
    """Sets the base URL, and returns whether it changed.

    If so, call `provisioning.changed` after the commit.
    """
    scope.require_transaction()
    organization = scope.organization
    if organization.public_base_url == url:
        return False
    log.record(
        scope,
        Action.ORGANIZATION_SAVED,
        organization.name,
        {"public_base_url": [organization.public_base_url, url]} | log.reasoned(reason),
    )
    organization.public_base_url = url
    queue.mark_due(scope)
    return True
