"""The state of a call webhook, as the API documents it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core import clock
from app.core.errors import NotFound
from app.provider import Capability, Provider
from app.services.scope import Scope
from app.services.voice_ai import messages, webhook


def of_provider(scope: Scope, provider: Provider) -> dict[str, Any]:
    """Returns the state as the API documents it. Raises NotFound for a provider that reports no calls."""
    if Capability.CALL_REPORTS not in provider.capabilities:
        raise NotFound(messages.reports_no_calls(provider.label))
    status = webhook.status(scope, provider)
    failure = {"at": _utc(status.failed_at), "status": status.failure_status} if status.failed_at else None
    return {
        "state": str(status.state),
        "reason": status.reason,
        "url": status.url,
        "last_failure": failure,
        "auto_disabled_at": _utc(status.disabled_at),
        "since": _utc(status.since),
        "checked_at": _utc(status.checked_at),
    }


def _utc(moment: datetime | None) -> str | None:
    return clock.utc(moment) if moment else None
