"""The last call to an endpoint's number: the stored reading, and reading it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import Conflict
from app.models import Endpoint
from app.provider import Capability
from app.services.connections import gateway, store
from app.services.drift import tallies, verdicts
from app.services.endpoints import crud
from app.services.last_calls import messages, readings
from app.services.last_calls.states import LastCallReport
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

CANNOT_READ = "CANNOT_READ_CALLS"


def of_endpoint(scope: Scope, row: Endpoint, failure: str = "") -> LastCallReport:
    """Returns the stored report. `failure`: why the last call could not be read just now."""
    return LastCallReport(
        store.provider_of(row.provider),
        readings.of_number(scope, row.provider, row.phone_number),
        verdicts.expected_url(scope.organization.public_base_url, row),
        tallies.of_number(scope, row),
        failure,
    )


def show(scope: Scope, endpoint_id: str) -> LastCallReport:
    """Returns the stored report. Raises NotFound."""
    return of_endpoint(scope, crud.get(scope, endpoint_id))


def refresh(scope: Scope, http: Outbound, endpoint_id: str) -> LastCallReport:
    """Reads the last call at the provider, stores it and returns the report.

    Raises NotFound, TooMany, ProviderBusy; Conflict if the provider is not connected, or lists no calls.
    """
    row = crud.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    if Capability.LAST_CALLS not in provider.capabilities:
        raise Conflict(messages.cannot_read(provider.label), code=CANNOT_READ)
    connection = gateway.configured(scope, provider)
    failure = readings.read(scope, http, connection, [row.phone_number], quota=gateway.LAST_CALL)
    readings.record(scope, provider)
    return of_endpoint(scope, crud.get(scope, endpoint_id), failure)
