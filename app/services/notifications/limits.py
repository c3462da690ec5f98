"""The maximum ages of secrets and backups that an organization or the installation has set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel

from app.models import NotificationSettings
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.notifications import messages, record
from app.services.scope import Scope
from app.services.validation import Checked

MOST_DAYS = 3650


def _check_days(value: int, _country: str | None) -> int:
    if not 1 <= value <= MOST_DAYS:
        raise ValueError(messages.DAYS)
    return value


Days = Annotated[int, Checked(_check_days, {"minimum": 1, "maximum": MOST_DAYS})]


class Limits(BaseModel):
    """None: not reported. `most_secret_days` is an organization's, `most_backup_days` the installation's."""

    most_secret_days: Days | None = None
    most_backup_days: Days | None = None


class OrganizationLimits(BaseModel):
    model_config = validation.STRICT
    fixed: ClassVar[Mapping[str, str]] = {"most_backup_days": messages.OTHER_OWNER}

    most_secret_days: Days | None = None


class InstallationLimits(BaseModel):
    model_config = validation.STRICT
    fixed: ClassVar[Mapping[str, str]] = {"most_secret_days": messages.OTHER_OWNER}

    most_backup_days: Days | None = None


def get(scope: Scope) -> Limits:
    row = scope.session.get(NotificationSettings, record.owner_of(scope))
    if row is None:
        return Limits()
    return Limits(most_secret_days=row.most_secret_days, most_backup_days=row.most_backup_days)


def save(scope: Scope, payload: Any) -> Limits:
    """Saves the submitted limits. Raises Invalid."""
    model = OrganizationLimits if scope.organization_or_none else InstallationLimits
    draft, fixed = validation.read_edit(model, payload)
    validation.expect_unchanged(model, fixed, dict.fromkeys(fixed))
    changes = draft.model_dump(exclude_unset=True)
    with scope.transaction():
        row = record.lock(scope)
        changed = log.diff({name: getattr(row, name) for name in changes}, changes)
        for name, value in changes.items():
            setattr(row, name, value)
        if changed:
            log.note(scope, Action.NOTIFICATION_SETTINGS_SAVED, "notifications", changed)
    return get(scope)
