"""Responses about notifications."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from app.api import schemas
from app.destinations import KINDS
from app.services.notifications.states import State


class _DestinationBase(BaseModel):
    """Where messages are sent. Secret values are shown by their last characters."""

    id: schemas.Id
    kind: Literal[tuple(KINDS)]  # type: ignore[valid-type]
    label: str
    events: list[str] = Field(description="The types of the messages that it receives; * is all of them.")
    digest_hour: int | None = Field(description="Hour of the daily digest in UTC; null without a digest.")
    muted_until: schemas.Utc | None = Field(description="Messages wait until then.")
    enabled: bool
    disabled_reason: str | None = Field(description="Why Patchbay disabled it.")
    failing_since: schemas.Utc | None = Field(description="Since when no message was accepted.")
    previous_secret_until: schemas.Utc | None = Field(
        description="Until then, the replaced secret signs too."
    )
    created_at: schemas.Utc
    updated_at: schemas.Utc
    version: int = Field(description=schemas.VERSION)


def _kind_fields() -> dict[str, Any]:
    """Returns the fields of all kinds of destinations. A destination has those of its own kind."""
    fields: dict[str, Any] = {}
    for kind in KINDS.values():
        for field in kind.typed_fields:
            name = f"{field.name}_hint" if field.secret else field.name
            fields[name] = (str, Field("", description=f"{field.label}."))
    return fields


Destination = create_model("Destination", __base__=_DestinationBase, **_kind_fields())


class CreatedDestination(Destination):  # type: ignore[misc,valid-type]
    """A new destination, with its signing secret if its kind has one."""

    secret: str = Field("", description="Signs the messages. It is shown this once.")


class SigningSecret(BaseModel):
    secret: str = Field(description="Signs the messages from now on. It is shown this once.")
    previous_secret_until: schemas.Utc = Field(description="Until then, the replaced secret signs too.")


class DeliveryAttempt(BaseModel):
    at: schemas.Utc
    ok: bool = Field(description="Whether the message was accepted.")
    status: int | None = Field(description="Status of the response; null if there was none.")
    duration_ms: int
    reason: str | None = Field(description="Why it was not accepted.")


class Delivery(BaseModel):
    """One message for one destination."""

    id: schemas.Id
    message_id: schemas.Id = Field(description="The id that the receiver gets, the same in every attempt.")
    type: str
    title: str
    state: Literal[tuple(State)]  # type: ignore[valid-type]
    resent: bool = Field(description="Whether a user sent it.")
    created_at: schemas.Utc
    next_attempt_at: schemas.Utc | None = Field(description="Null once it is finished.")
    attempts: list[DeliveryAttempt] = Field(description="Oldest first.")


class OpenProblem(BaseModel):
    """A problem that was reported and is not over."""

    id: schemas.Id
    type: str
    title: str
    details: list[str]
    subject: str = Field(description="A number, a provider or a name; empty for several numbers.")
    count: int = Field(description="How many numbers it is about.")
    reason: str | None
    at: schemas.Utc
    acknowledged_at: schemas.Utc | None
    acknowledged_by: str | None


class QuietPeriod(BaseModel):
    """A planned change during which messages wait."""

    id: schemas.Id
    starts_at: schemas.Utc
    ends_at: schemas.Utc
    reason: str
    created_by: str


class NotificationLimits(BaseModel):
    """After how many days something is reported; null if it is not."""

    most_secret_days: int | None
    most_backup_days: int | None
