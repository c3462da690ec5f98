"""`/api/organizations`: the organizations of the installation."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from app import context
from app.api import examples, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.services.organizations import directory
from app.services.organizations.directory import OrganizationDraft, OrganizationEdit
from app.services.scope import Scope

organizations = blueprint(
    "organizations",
    "/api/organizations",
    Tag("Organizations", "The tenants of the installation: each has its own users, providers and numbers."),
)


@organizations.operation(
    "GET",
    "",
    who=Who.SUPERADMIN,
    returns="The organizations.",
    response=schemas.Organization,
    is_list=True,
    example=[examples.ORGANIZATION],
    headers=("ETag",),
)
def list_organizations(scope: Scope) -> ResponseReturnValue:
    """List organizations

    Returns all organizations of the installation, sorted by name.
    """
    documents = [directory.document(organization) for organization in directory.every(scope)]
    return responses.document(documents, tagged=True)


@organizations.operation(
    "POST",
    "",
    who=Who.SUPERADMIN,
    returns="The new organization.",
    body=OrganizationDraft,
    body_example=examples.NEW_ORGANIZATION,
    response=schemas.Organization,
    example=examples.ORGANIZATION,
    status=201,
    headers=("ETag", "Location"),
)
def create_organization(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Create an organization

    It has no users, providers or numbers yet. `slug` is derived from the name, and stays the same when the
    name changes.
    """
    organization = directory.create(scope, payload)
    url = url_for(".get_organization", organization_id=organization.id)
    return responses.resource(directory.document(organization), 201, location=url)


@organizations.operation(
    "GET",
    "/<organization_id>",
    who=Who.SUPERADMIN,
    returns="The organization.",
    response=schemas.Organization,
    example=examples.ORGANIZATION,
    headers=("ETag",),
)
def get_organization(scope: Scope) -> ResponseReturnValue:
    """Get an organization

    Returns its name, its country for phone numbers without a country code, and its public base URL.
    """
    return responses.resource(directory.document(scope.organization))


@organizations.operation(
    "PUT",
    "/<organization_id>",
    who=Who.SUPERADMIN,
    returns="The organization after the change.",
    body=OrganizationEdit,
    body_example=examples.ORGANIZATION_CHANGES,
    response=schemas.Organization,
    example=examples.ORGANIZATION,
    headers=("ETag",),
    errors=("STALE",),
)
def update_organization(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Update an organization

    Omitted fields keep their values, and null clears a field. Another `public_base_url` changes the webhook
    URL of every number, which providers call until it is configured there.
    """
    saved = directory.update(scope, context.outbound(), payload, version=responses.version_condition())
    return responses.resource(directory.document(saved))
