"""Sample organizations: one that needs work, one that is healthy, one that is new.

Their credentials are samples that only the simulators of `make demo` accept.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app import demo_calls, demo_checks
from app.core.errors import Conflict
from app.models import Organization, Role, User
from app.provider import Origin
from app.providers import PROVIDERS
from app.services.access import users
from app.services.endpoints import crud
from app.services.numbers import assignments
from app.services.organizations import directory
from app.services.providers import active, credentials
from app.services.scope import Scope
from simulators import SIMULATORS
from simulators.demo import HARBOR, MERIDIAN, DemoAccount, DemoEndpoint, DemoOrganization

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

EMAIL = "demo@meridian.example"

ORGANIZATIONS = (MERIDIAN, HARBOR)
"""The organizations with connections; simulators declare the accounts that they have connected."""

NEW = "Juniper Travel"

_PEOPLE = (
    ("Priya Raman", "priya@meridian.example"),
    ("Jonas Weber", "jonas@meridian.example"),
    ("Amara Okafor", "amara@meridian.example"),
)


def accounts(organization: DemoOrganization = MERIDIAN) -> Mapping[str, DemoAccount]:
    """Returns the accounts that the organization has connected, by provider; Meridian has all."""
    return {
        key: simulator.demo
        for key, simulator in SIMULATORS.items()
        if organization is MERIDIAN or simulator.demo.endpoints_of(organization)
    }


def fill(scope: Scope, http: Outbound, password: str) -> Organization:
    """Fills the database, and returns the organization that needs work.

    It has a superadmin with the password. Raises Conflict if it exists. No provider is called.
    """
    if directory.by_name(scope, MERIDIAN.name):
        raise Conflict(f"{MERIDIAN.name} is there already.")
    dana = users.read_new(scope, _new_user("Dana Ortiz", EMAIL, Role.SUPERADMIN, password))
    inside = _organization(scope, http, MERIDIAN)
    with users.one_user_per_email(inside, dana.email), inside.transaction():
        users.add(inside, dana)
    _connect(inside, MERIDIAN)
    members = {name: _member(inside, name, email) for name, email in _PEOPLE}
    for key, account in accounts().items():
        for name, number in account.dialers.items():
            assigned = {"userId": members[name].id, "provider": key, "phoneNumber": number, "label": "Desk"}
            assignments.assign(inside, assigned)
    own = [one for account in accounts().values() for one in account.endpoints_of(MERIDIAN)]
    dialing = [(one.phone_number, one.outbound) for one in own if one.outbound and not one.inbound]
    demo_calls.add(inside, [(one.phone_number, one.inbound) for one in own if one.inbound], dialing)
    demo_checks.add(inside, demo_checks.FAILURES, _tested(MERIDIAN))
    harbor = _organization(scope, http, HARBOR)
    _connect(harbor, HARBOR)
    _member(harbor, "Lena Hart", "lena@harbor.example")
    demo_checks.add(harbor, (), _tested(HARBOR))
    directory.create(scope, {"name": NEW})
    return inside.organization


def _tested(organization: DemoOrganization) -> list[str]:
    return [key for key, account in accounts(organization).items() if account.is_tested]


def _organization(scope: Scope, http: Outbound, example: DemoOrganization) -> Scope:
    inside = scope.for_organization(directory.create(scope, {"name": example.name}))
    settings = {"country": "US", "public_base_url": example.base_url, "reads_last_calls": True}
    directory.update(inside, http, settings)
    return inside


def _connect(scope: Scope, example: DemoOrganization) -> None:
    """Saves each account's credentials, makes it the default, and adds its endpoints."""
    for key, account in accounts(example).items():
        provider = PROVIDERS[key]
        generated = {f.name: secrets.token_hex(32) for f in provider.fields if f.origin is Origin.GENERATED}
        values = {**account.credentials, **generated}
        endpoints = account.endpoints_of(example)
        if "phone_number" in values:
            values["phone_number"] = endpoints[0].phone_number
        credentials.save(scope, provider, values)
        for endpoint in endpoints:
            crud.create(scope, _new_endpoint(key, endpoint))
    for key, account in accounts(example).items():
        for family in account.active_for:
            active.make_active(scope, family, key, reason=account.because)


def _new_endpoint(key: str, endpoint: DemoEndpoint) -> dict[str, Any]:
    return {
        "phone_number": endpoint.phone_number,
        "provider": key,
        "inbound_agent_name": endpoint.inbound,
        "outbound_agent_name": endpoint.outbound,
        "label": endpoint.label,
    }


def _member(scope: Scope, name: str, email: str) -> User:
    return users.create(scope, _new_user(name, email, Role.MEMBER, secrets.token_urlsafe(24)))


def _new_user(name: str, email: str, role: Role, password: str) -> dict[str, str]:
    return {"email": email, "name": name, "role": role.value, "password": password}
